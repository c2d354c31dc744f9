"""`api-keys` and `console`, as an operator calls them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from infra.api_key import hashed
from infra.ledger import Ledger
from tests.console.conftest import Phasegate

NEW = ("api-keys", "new", "the jury", "--source", "urn:jury:*", "--source", "urn:bench", "--types", "score.recorded")


@pytest.fixture
def ledger(phasegate: Phasegate) -> str:
    assert phasegate("db", "upgrade").code == 0
    return "sqlite:///.phasegate/ledger.sqlite"


def test_a_key_is_shown_once_and_listed_without_its_secret(phasegate: Phasegate, ledger: str) -> None:
    made = phasegate(*NEW, "score.corrected", "--programmes", "village-prize", "--expires", "P90D", "--json").data
    listed = phasegate("api-keys", "list", "--json")
    (key,) = listed.data["keys"]
    assert key == {name: value for name, value in made.items() if name != "key"}
    assert (key["sources"], key["types"]) == (["urn:jury:*", "urn:bench"], ["score.recorded", "score.corrected"])
    assert (key["programmes"], key["per_minute"], key["burst"]) == (["village-prize"], 600, 600)
    assert made["key"] not in listed.out
    assert "the jury" in phasegate("api-keys", "list").out
    with Ledger.open(ledger) as opened:
        found = opened.intake().key(made["id"])
    assert found is not None
    assert found.secret_sha256 == hashed(made["key"])


def test_a_key_is_revoked_once_with_a_reason(phasegate: Phasegate, ledger: str) -> None:
    made = phasegate(*NEW, "--programmes", "*", "--json").data
    assert phasegate("api-keys", "revoke", made["id"], "--reason", "lost").code == 0
    (key,) = phasegate("api-keys", "list", "--json").data["keys"]
    assert key["revoked"] is not None
    assert phasegate("api-keys", "revoke", made["id"], "--reason", "again").code == 6
    assert phasegate("api-keys", "revoke", "unknown", "--reason", "none").code == 5
    assert phasegate("api-keys", "revoke", made["id"]).code == 2


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--programmes", "*", "--types", "no.such"), 6, "no.such"),
        (("--programmes", "*", "--per-minute", "0"), 2, "1 to 1000000"),
        (("--programmes", "*", "--expires", "tomorrow"), 2, "tomorrow"),
        (("--programmes", "*", "--expires", "2020-01-01T00:00:00Z"), 2, "expired before"),
        ((), 2, "--programmes"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    phasegate: Phasegate, ledger: str, more: tuple[str, ...], code: int, said: str
) -> None:
    answer = phasegate(*NEW, *more)
    assert answer.code == code
    assert said in answer.err
    assert "no API keys" in phasegate("api-keys", "list").out


def test_the_console_says_what_is_missing_before_it_answers_anybody(phasegate: Phasegate) -> None:
    answer = phasegate("console", "--listen", "127.0.0.1:0")
    assert (answer.code, "phasegate db upgrade" in answer.err) == (7, True)


def test_an_address_that_is_taken_is_said(phasegate: Phasegate, ledger: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = phasegate("console", "--listen", f"127.0.0.1:{port}")
    assert answer.code == 7
    assert f"127.0.0.1:{port}" in answer.err
    assert "receipts are not signed" in answer.err
