"""Gates: findings, and which ruling on each of them counts, whatever the order in which topics came."""

from __future__ import annotations

import pytest

from handlers.gates import effective_ruling, gate_results, outstanding
from handlers.state import PhaseState
from tests.support import small
from tests.support.log import Log
from tests.support.stages import at
from tests.support.told import answered, found, ruled

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES
GATE = ("birch", "independence")
FINDING = "finding-birch"


def phase_of(log: Log) -> PhaseState:
    return log.state.phases["heat"]


def scored(*rulings: tuple[str, int, str]) -> Log:
    """One finding on birch, answered, with rulings by id, day and verdict, and the intake closed around them."""
    log = at("scored")
    log.tell(small.rebuttal())
    early = [ruled(name, FINDING, OPENS + day * DAY, verdict) for name, day, verdict in rulings if day <= 21]
    late = [ruled(name, FINDING, OPENS + day * DAY, verdict) for name, day, verdict in rulings if day > 21]
    log.progress(DEADLINES["scores"] + 1)
    log.tell(*early)
    log.progress(DEADLINES["audits"] + 1)
    log.tell(*late)
    return log


@pytest.mark.parametrize(
    ("rulings", "counts"),
    [
        ([], None),
        ([("r1", 18, "met")], "r1"),
        ([("r1", 18, "met"), ("r2", 19, "not-met")], "r2"),
        ([("r1", 18, "met"), ("r2", 22, "not-met")], "r1"),
        ([("r1", 22, "met"), ("r2", 23, "not-met")], "r1"),
    ],
)
def test_the_latest_ruling_in_time_counts_and_without_one_the_first_after_it(
    rulings: list[tuple[str, int, str]], counts: str | None
) -> None:
    log = scored(*rulings)
    phase = phase_of(log)
    ruling = effective_ruling(log.state, phase, phase.findings[FINDING])
    assert (ruling and ruling.event.id) == counts
    assert [finding for finding, _ in outstanding(log.state, phase)] == ([] if counts else [FINDING])


def test_a_count_is_not_met_when_one_finding_against_it_stands() -> None:
    log = scored(("r1", 18, "met"))
    phase = phase_of(log)
    assert gate_results(log.state, phase)[GATE].met
    log = at("scored")
    log.tell(found("f2", "birch", OPENS + 16 * DAY), small.rebuttal(), answered("a2", "f2", "birch", OPENS + 17 * DAY))
    log.tell(ruled("r1", FINDING, OPENS + 18 * DAY, "met"), ruled("r2", "f2", OPENS + 18 * DAY, "not-met"))
    row = gate_results(log.state, phase_of(log))[GATE]
    assert (row.met, row.counts) == (False, {"technical": "not-met", "policy": "met"})
    assert row.cites == ("f2", FINDING, "r1", "r2")


def test_not_met_is_worse_than_undetermined_and_that_than_met() -> None:
    log = at("scored")
    log.tell(
        found("u", "ash", OPENS + 16 * DAY, verdict="undetermined"), found("m", "ash", OPENS + 16 * DAY, verdict="met")
    )
    row = gate_results(log.state, phase_of(log))["ash", "independence"]
    assert (row.counts["technical"], row.verdict) == ("undetermined", "undetermined")


@pytest.mark.parametrize(("silence", "met"), [("met", True), ("undetermined", False)])
def test_without_a_finding_a_count_is_what_the_gate_says(silence: str, met: bool) -> None:
    document = small.rulebook()
    document["phases"][0]["gates"][0]["without_finding"] = silence
    log = Log()
    log.tell(small.announced(document), *small.beginnings())
    log.progress(OPENS + 1)
    assert {row.met for row in gate_results(log.state, phase_of(log)).values()} == {met}


def test_a_finding_that_says_met_needs_no_ruling() -> None:
    log = at("submitted")
    log.tell(found("m", "ash", OPENS + 16 * DAY, verdict="met"))
    assert list(outstanding(log.state, phase_of(log))) == []
    assert gate_results(log.state, phase_of(log))["ash", "independence"].cites == ("m",)
