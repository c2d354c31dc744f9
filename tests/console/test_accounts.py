"""`accounts`, as an operator calls it."""

from __future__ import annotations

import io
from typing import Any

import pytest

from infra.access import AccessStore
from infra.access.passwords import is_password
from infra.clock import now_ms
from tests.console.conftest import Phasegate

PASSWORD = "walnut-harbour-seven-lamps"
DATABASE = "sqlite:///.phasegate/ledger.sqlite"


@pytest.fixture
def asked(phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command, with a password on its standard input."""
    assert phasegate("db", "upgrade").code == 0

    def call(*words: str, password: str = PASSWORD) -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\nand more\n"))
        return phasegate("accounts", *words)

    return call


def test_a_password_is_kept_as_an_argon2id_hash_and_shown_by_nothing(asked: Any) -> None:
    assert asked("new", "kim").code == 0
    listed = asked("list", "--json")
    assert [one["name"] for one in listed.data["accounts"]] == ["kim"]
    with AccessStore.open(DATABASE) as store:
        account = store.accounts.find("kim")
    assert account is not None
    assert (account.password_hash or "").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert is_password(PASSWORD, account.password_hash)
    assert not is_password(PASSWORD + "x", account.password_hash)
    assert "argon2" not in listed.out
    assert PASSWORD not in listed.out


@pytest.mark.parametrize(
    ("words", "password", "said"),
    [
        (("new", "kim"), PASSWORD, "already"),
        (("new", "Kim"), PASSWORD, "small letters"),
        (("new", "oidc:kim"), PASSWORD, "small letters"),
        (("new", "lee"), "short", "12 to 256"),
        (("new", "lee"), "x" * 300, "12 to 256"),
        (("new", "lee"), "my-name-is-lee-today", "easy to guess"),
        (("new", "lee"), "aaaaaaaaaaaaaaaa", "easy to guess"),
        (("grant", "kim", "--role", "evaluator", "--programme", "p"), "", "--evaluator ID"),
        (("grant", "kim", "--role", "viewer", "--programme", "p", "--entrant", "e"), "", "only entrant"),
        (("grant", "kim", "--role", "entrant", "--programme", "*", "--entrant", "e"), "", "one of one programme"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(
    asked: Any, words: tuple[str, ...], password: str, said: str
) -> None:
    assert asked("new", "kim").code == 0
    answer = asked(*words, password=password)
    assert answer.code == 6
    assert said in answer.err


def test_roles_are_given_and_taken_by_programme(asked: Any) -> None:
    asked("new", "kim")
    given = asked("grant", "kim", "--role", "evaluator", "--programme", "p", "--evaluator", "ev-1", "--json")
    assert given.data["account"]["roles"] == [{"programme": "p", "role": "evaluator", "who": "ev-1"}]
    assert asked("grant", "kim", "--role", "operator", "--programme", "*").code == 0
    assert "evaluator ev-1 in p" in asked("list").out
    assert asked("revoke", "kim", "--role", "evaluator", "--programme", "p", "--json").data["account"]["roles"] == [
        {"programme": "*", "role": "operator", "who": None}
    ]
    assert asked("revoke", "kim", "--role", "evaluator", "--programme", "p").code == 5
    assert asked("grant", "nobody", "--role", "viewer", "--programme", "p").code == 5


def test_another_password_and_the_end_of_an_account_sign_it_out(asked: Any) -> None:
    asked("new", "kim")
    with AccessStore.open(DATABASE) as store:
        for words in (("password", "kim"), ("end", "kim")):
            secret = store.sessions.begin("kim", "local", now_ms())
            assert store.sessions.find(secret, now_ms()) is not None
            assert asked(*words, password="another-harbour-two-lamps").code == 0
            assert store.sessions.find(secret, now_ms()) is None
        account = store.accounts.find("kim")
        assert account is not None
        assert (account.password_hash, account.given) == (None, ())
    assert asked("new", "kim").code == 6
    assert asked("password", "kim").code == 6
