"""Replay: it trusts no verdict in the log, and names the first thing that comes out otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from events.decisions import Basis
from events.entry import Opening
from events.errors import Tampered
from handlers import decide
from handlers.replay import Replay
from handlers.replay_report import Report
from handlers.state import State
from tests.support import small
from tests.support.stage import ORIGIN, Stage, memory_stage, play
from tests.support.told import ANN, correction, handed_in, mark


@dataclass(frozen=True)
class Row:
    index: int
    entry: bytes
    opening: Opening | None
    detail: str | None


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The small programme, with something pending, something refused and something repeated in it."""
    on = memory_stage(tmp_path_factory.mktemp("replay"))
    early = handed_in("soon", "ash", small.OPENS - small.DAY)
    on.tell(small.announced(), early, early, mark("nobody", "urn:nobody", small.OPENS, "ash", "ann"))
    on.tell(correction("c", ANN, small.OPENS, "nothing", "1"))
    play(on)
    yield on
    on.recorder.close()


@pytest.fixture
def rows(on: Stage) -> list[Row]:
    return [Row(row.index, row.entry, row.opening, row.detail) for row in on.parts.ledger.read(small.PROGRAMME)]


def replayed(on: Stage, rows: list[Row]) -> Report:
    replay = Replay(small.PROGRAMME, f"{ORIGIN}/{small.PROGRAMME}", on.parts.deployment, on.parts.ledger.attribution)
    for row in rows:
        replay.feed(row)
    return replay.finish()


def changed(rows: list[Row], pattern: bytes, instead: bytes, nth: int = 0) -> list[Row]:
    """The log with one entry changed: the nth that matches."""
    place = [row.index for row in rows if re.search(pattern, row.entry)][nth]
    row = rows[place]
    return [
        *rows[:place],
        Row(row.index, re.sub(pattern, instead, row.entry), row.opening, row.detail),
        *rows[place + 1 :],
    ]


def test_an_untouched_log_comes_out_the_same(on: Stage, rows: list[Row]) -> None:
    report = replayed(on, rows)
    assert report.is_identical
    assert report.first_difference is None
    assert (report.size, report.verdicts.checked) == (len(rows), len(rows))
    assert report.decisions.checked > 20
    head = on.parts.ledger.head(small.PROGRAMME)
    assert head is not None
    assert report.size == head.size


@pytest.mark.parametrize(
    ("pattern", "instead", "member"),
    [
        (rb'"reason":"too-early",', b'"reason":"late",', "reason"),
        (rb'"reason":"source-not-authorised",(.*)"refused"', rb'\1"accepted"', "verdict"),
        (rb'"commitment":"[0-9a-f]{64}"', b'"commitment":"' + b"0" * 64 + b'"', "commitment"),
        (rb'"type":"phasegate.score.recorded.v1"', b'"type":"phasegate.score.corrected.v1"', "type"),
    ],
)
def test_a_changed_entry_is_named_with_the_member_that_differs(
    on: Stage, rows: list[Row], pattern: bytes, instead: bytes, member: str
) -> None:
    report = replayed(on, changed(rows, pattern, instead))
    assert not report.is_identical
    assert report.first_difference is not None
    assert report.first_difference.member == member


def test_a_decision_that_the_rules_do_not_give_is_named(tmp_path: Path) -> None:
    """Somebody with the office's key decides otherwise: every verdict replays, the decision does not."""
    stage = memory_stage(tmp_path)
    honest = decide.phase_decided

    def dishonest(state: State, phase_id: str, basis: Basis) -> list[decide.Outgoing]:
        *assessments, (topic, decision) = honest(state, phase_id, basis)
        outcomes = [row | {"outcome": "advanced"} for row in decision.data["outcomes"]]
        return [*assessments, (topic, replace(decision, data=decision.data | {"outcomes": outcomes}))]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decide, "phase_decided", dishonest)
        play(stage)
    report = stage.replay()
    assert (report.verdicts.different, report.decisions.different) == (0, 1)
    assert report.first_difference is not None
    assert report.first_difference.member == "data.outcomes[1].outcome"


def test_an_entry_that_is_missing_stops_the_replay(on: Stage, rows: list[Row]) -> None:
    with pytest.raises(Tampered, match="entry 3 is missing"):
        replayed(on, [*rows[:3], *rows[4:]])


def test_a_settlement_that_is_cut_off_the_end_is_a_difference(on: Stage, tmp_path: Path) -> None:
    stage = memory_stage(tmp_path)
    stage.tell(*small.beginnings(), small.announced())
    rows = [Row(row.index, row.entry, row.opening, row.detail) for row in stage.parts.ledger.read(small.PROGRAMME)]
    assert replayed(stage, rows).is_identical
    report = replayed(stage, rows[:-1])
    assert report.first_difference is not None
    assert report.first_difference.recorded == "no entry"


def test_a_record_that_is_not_there_any_more_cannot_be_judged_again(on: Stage, rows: list[Row]) -> None:
    bare = [Row(row.index, row.entry, None, row.detail) for row in rows]
    with pytest.raises(Tampered, match="not beside it"):
        replayed(on, bare)


def test_a_changed_private_reason_is_a_difference_too(on: Stage, rows: list[Row]) -> None:
    place = next(row.index for row in rows if b'"refused"' in row.entry)
    row = rows[place]
    report = replayed(on, [*rows[:place], Row(row.index, row.entry, row.opening, "something else"), *rows[place + 1 :]])
    assert report.first_difference is not None
    assert (report.first_difference.member, report.first_difference.recorded) == ("detail", "something else")
