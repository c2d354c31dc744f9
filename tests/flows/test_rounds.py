"""Which programmes a round looks into: not those whose log ends with their conclusion."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import rounds
from flows.reading import LOOK_BACK, has_concluded
from tests.support import small
from tests.support.stage import Stage, memory_stage, play


@pytest.fixture
def played(tmp_path: Path) -> Stage:
    on = memory_stage(tmp_path)
    play(on)
    return on


def test_the_end_of_a_log_tells_that_its_programme_has_concluded(tmp_path: Path) -> None:
    on = memory_stage(tmp_path)
    assert not has_concluded(on.parts.ledger, small.PROGRAMME)
    on.tell(small.announced(), *small.beginnings())
    assert not has_concluded(on.parts.ledger, small.PROGRAMME)
    play(on)
    assert on.way.state.concluded is not None
    assert has_concluded(on.parts.ledger, small.PROGRAMME)


def test_a_programme_that_has_concluded_is_not_folded_again(played: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_ledger: object) -> None:
        raise AssertionError("it was folded")

    monkeypatch.setattr(rounds, "Reader", refuse)
    assert not rounds._is_due(played.parts.ledger, small.PROGRAMME, small.OPENS)


def test_where_much_was_said_after_the_conclusion_folding_tells_that_nothing_is_due(played: Stage) -> None:
    later = small.OPENS + 40 * small.DAY
    played.tell(*(small.event("ruling.issued", f"late-{n}", "urn:ministry", later) for n in range(LOOK_BACK)))
    assert not has_concluded(played.parts.ledger, small.PROGRAMME)
    assert not rounds._is_due(played.parts.ledger, small.PROGRAMME, later)
