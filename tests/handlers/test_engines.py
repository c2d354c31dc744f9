"""Engines: a programme is judged and decided by the one that it was announced with, whatever others a build has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from events.decisions import Basis
from events.envelope import Envelope
from events.errors import Unavailable
from events.rulebook import Source
from handlers import judge_scores, readiness
from handlers.engine import Engine
from handlers.engines import ENGINES, FIRST, NEWEST
from handlers.fold import fold
from handlers.outcomes import PhaseOutcome
from handlers.stability.inputs import inputs_of
from handlers.state import Fact, PhaseState, State
from handlers.verdicts import Refusal, Verdict
from tests.support import long_cup, small
from tests.support.long_history import CHANGES, play
from tests.support.rooted import RootedLog, replayed
from tests.support.stage import memory_stage

SCORE = "phasegate.score.recorded.v1"


def whole_points(state: State, fact: Fact, source: Source | None) -> Verdict:
    """The verdict rule of the second engine: a mark has no fraction."""
    if "." in fact.data["value"]:
        return Refusal("out-of-range", f"{fact.data['value']} is not a whole number")
    return judge_scores.score_recorded(state, fact, source)


def one_winner(state: State, phase: PhaseState) -> PhaseOutcome:
    """The decision rule of the second engine: one advances, whatever places there are."""
    assert phase.rules.advance is not None
    one = phase.rules.advance.model_copy(update={"places": 1})
    return readiness.outcome_of_facts(
        state, replace(phase, rules=phase.rules.model_copy(update={"advance": one, "vacancies": None}))
    )


SECOND = Engine("2", {**ENGINES[FIRST].verdicts, SCORE: whole_points}, readiness.scores_of_marks, one_winner)
BOTH = {FIRST: ENGINES[FIRST], "2": SECOND}


def announced(engine: str | None) -> Envelope:
    said = small.announced()
    return said if engine is None else replace(said, data={**said.data, "engine": engine})


def heat(log: RootedLog, engine: str | None) -> RootedLog:
    """The small programme up to its decision."""
    log.tell(announced(engine), *small.beginnings())
    log.progress(small.OPENS + 1)
    log.tell(*small.submissions())
    log.progress(small.DEADLINES["submissions"] + 1)
    log.tell(*small.scores(), small.finding(), small.rebuttal())
    for deadline in ("scores", "audits"):
        log.progress(small.DEADLINES[deadline] + 1)
    log.tell(small.ruling())
    log.progress(small.OPENS + 22 * small.DAY)
    return log


def with_both() -> RootedLog:
    return RootedLog(State(small.PROGRAMME, engines=BOTH))


def fractions(log: RootedLog) -> set[tuple[str, str | None]]:
    """What became of the marks with a fraction."""
    return {log.outcomes()[row.topic, row.offset] for row in log.records if b'"value":"80.5"' in (row.value or b"")}


@pytest.mark.parametrize("named", [None, FIRST])
def test_a_log_of_the_first_engine_replays_identical_where_there_are_others(named: str | None) -> None:
    log = heat(RootedLog(), named)
    assert fractions(log) == {("accepted", None)}
    report = replayed(log.stored, BOTH)
    assert report.is_identical, report.first_difference
    assert report.decisions.checked > 10
    assert heat(with_both(), named).stored == log.stored


def test_a_programme_announced_under_the_second_is_judged_and_decided_by_it() -> None:
    log = heat(with_both(), "2")
    assert fractions(log) == {("refused", "out-of-range")}
    phase = log.state.phases["heat"]
    assert phase.engine is SECOND
    assert ("mark-missing", "bench") in log.owed()  # ash's mark was refused
    assert log.replay().is_identical


def test_the_same_marks_are_decided_otherwise_by_the_second() -> None:
    whole = [replace(row, data={**row.data, "value": row.data["value"].split(".")[0]}) for row in small.scores()]
    outcomes = []
    for engine in (FIRST, "2"):
        log = with_both()
        log.tell(announced(engine), *small.beginnings())
        log.progress(small.OPENS + 1)
        log.tell(*small.submissions())
        log.progress(small.DEADLINES["submissions"] + 1)
        log.tell(*whole)
        for deadline in ("scores", "audits"):
            log.progress(small.DEADLINES[deadline] + 1)
        outcomes.append(log.outcome())
        decision = log.state.phases["heat"].in_force
        assert decision is not None
        assert decision.fact.data["basis"]["engine"] == engine
        assert log.replay().is_identical
    assert outcomes == [
        {"ash": "advanced", "birch": "advanced", "cedar": "eliminated"},
        {"ash": "advanced", "birch": "eliminated", "cedar": "eliminated"},
    ]


@dataclass
class Lying(RootedLog):
    """What it decides claims to be the work of the second engine."""

    def basis(self, size: int, rules: State | PhaseState) -> Basis:
        return super().basis(size, rules).model_copy(update={"engine": "2"})


def test_a_basis_that_names_another_engine_than_the_programme_is_found_by_replay() -> None:
    report = replayed(heat(Lying(), None).stored, BOTH)
    found = report.first_difference
    assert found is not None
    assert (found.member, found.recorded, found.replayed) == ("data.basis.engine", "2", "1")
    assert "entrant.assessed" in found.what


def test_an_amendment_takes_another_engine_for_phases_that_are_not_open_yet() -> None:
    """Told while the heat is decided: that one is heard, reopened and decided again by the first."""
    document = long_cup.rulebook(**CHANGES)
    amended = long_cup.amended("newer", 24.05, document, "finale", "1b")
    log = with_both()
    play(log, replace(amended, data={**amended.data, "engine": "2"}))
    assert log.state.engine is SECOND
    engines = {
        (phase_id, decision.fact.data["basis"]["engine"])
        for phase_id, phase in log.state.phases.items()
        for decision in phase.decisions.values()
    }
    assert engines == {("heat", "1"), ("again", "2"), ("finale", "2")}
    report = log.replay()
    assert report.is_identical, report.first_difference


def test_what_concerns_an_open_phase_is_judged_by_its_own_engine_after_an_amendment() -> None:
    log = with_both()
    log.tell(long_cup.announced(long_cup.rulebook()), *small.beginnings())
    log.progress(long_cup.day(0) + 1)
    amended = long_cup.amended("newer", 1, long_cup.rulebook(), "again", "2")
    log.tell(replace(amended, data={**amended.data, "engine": "2"}))
    assert log.state.engine is SECOND
    log.tell(*(row for row in small.scores() if row.data["item"] == "art"))
    assert {
        log.outcomes()[row.topic, row.offset] for row in log.records if b'"value":"20.5"' in (row.value or b"")
    } == {("accepted", None)}


def test_a_recorder_stops_at_an_engine_that_it_does_not_have_and_refuses_nothing(tmp_path: Path) -> None:
    stage = memory_stage(tmp_path)
    with pytest.raises(Unavailable, match=r"engine '9'; this phasegate has 1") as error:
        stage.tell(announced("9"))
    assert "use a phasegate that has engine '9'" in error.value.hint
    assert stage.parts.ledger.head(small.PROGRAMME) is None
    stage.recorder.close()
    stage.parts.close()


def test_neither_replay_nor_fold_takes_another_engine_instead() -> None:
    log = heat(with_both(), "2")
    with pytest.raises(Unavailable, match="engine '2'"):
        replayed(log.stored)
    with pytest.raises(Unavailable, match="engine '2'"):
        fold(small.PROGRAMME, log.stored)


def test_the_newest_engine_is_the_last_of_the_table_and_each_row_has_its_own_name() -> None:
    assert {engine.id for engine in ENGINES.values()} == set(ENGINES)
    assert list(ENGINES)[-1] == NEWEST
    assert all(row.verdicts.keys() == ENGINES[FIRST].verdicts.keys() for row in ENGINES.values())


def test_what_decides_again_by_the_first_engine_is_not_asked_of_another() -> None:
    first, second = (heat(with_both(), named) for named in ("1", "2"))
    assert inputs_of(first.state, first.state.phases["heat"]).entrants
    with pytest.raises(Unavailable, match="engine 2"):
        inputs_of(second.state, second.state.phases["heat"])
