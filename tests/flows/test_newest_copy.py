"""A ledger is held against what left its home, and against what its witnesses have cosigned, before anything is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from events.errors import Tampered
from events.note import Checkpoint, checkpoint_text, format_vkey
from flows.newest_copy import require_newest, require_unseen
from infra.given_out import GivenOut
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.settings import Settings
from infra.witness.client import seen_by
from tests.contracts.ledger import KEY, Writing
from tests.support.witnesses import ONE, Leaves, address, answering, witness

ORIGIN = "phasegate.example"
P = KEY.named(f"{ORIGIN}/p")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database=f"sqlite:///{tmp_path}/ledger.sqlite", origin=ORIGIN)


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    """One log of three entries, signed."""
    upgrade(settings.database)
    ledger = Ledger.open(settings.database)
    ledger.append(Writing("p").records(3))
    ledger.sign("p", KEY)
    return ledger


def left(settings: Settings, origin: str, size: int, root: bytes = b"\1" * 32) -> None:
    note = KEY.named(origin).sign_note(checkpoint_text(Checkpoint(origin, size, root)))
    GivenOut(settings.home / "checkpoints").keep(note)


def test_what_left_and_is_there_lets_pass(ledger: Ledger, settings: Settings) -> None:
    require_newest(ledger, settings)
    GivenOut(settings.home / "checkpoints").keep(ledger.checkpoints("p")[0].note)
    require_newest(ledger, settings)
    left(settings, "another.example/p", 99)
    left(settings, f"{ORIGIN}/rebuilt-0123456789ab/p", 99)  # Another ledger's, of the same home.
    require_newest(ledger, settings)


@pytest.mark.parametrize(("origin", "size", "told"), [
    (f"{ORIGIN}/p", 4, "the ledger has 3 entries"),
    (f"{ORIGIN}/p", 3, "it went on differently"),
    (f"{ORIGIN}/q", 7, "the ledger has 0 entries"),
])  # fmt: skip
def test_what_left_and_is_not_there_stops(
    ledger: Ledger, settings: Settings, origin: str, size: int, told: str
) -> None:
    left(settings, origin, size)
    with pytest.raises(Tampered, match=told):
        require_newest(ledger, settings)


def test_a_witness_that_has_seen_more_or_something_else_stops_and_is_shown_nothing_new(
    ledger: Ledger, settings: Settings, tmp_path: Path
) -> None:
    knows = witness(tmp_path / "witness.sqlite", ONE, P)
    with answering(knows) as server:
        at = address(server)
        asked = settings.model_copy(update={"witnesses": (f"{at.url}#{format_vkey(at.key)}",)})
        require_unseen(ledger, asked)
        note = ledger.checkpoints("p")[0].note
        assert seen_by(at, note, 3).size == 0  # Asking has not made it cosign.
        other = Leaves(P)
        assert server.witness.answer(other.request(0, 3)).status == 200
        with pytest.raises(Tampered, match="with 3 entries, with another root"):
            require_unseen(ledger, asked)
        assert server.witness.answer(other.request(3, 5)).status == 200
        with pytest.raises(Tampered, match="with 5 entries, the latest checkpoint in the ledger has 3"):
            require_unseen(ledger, asked)
    gone = seen_by(replace(at, url="http://127.0.0.1:1"), note, 3)
    assert gone.size is None
    assert "no answer" in gone.said
    require_unseen(ledger, asked)  # Told in the log; publishing asks again.
    ledger.close()
