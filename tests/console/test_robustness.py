"""`robustness`: computed from what the decision was computed from, shown as tables, repeatable by its seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.reader import Reader
from handlers.preview import preview
from handlers.stability.again import Again
from handlers.stability.inputs import decided, inputs_of
from tests.console.conftest import Phasegate
from tests.support import small
from tests.support.deployment import environment
from tests.support.small import OFFICE, OPENS
from tests.support.stage import Stage, memory_stage, play

CUP = small.PROGRAMME
HEAT = ("robustness", CUP, "--phase", "heat")


@pytest.fixture
def stage(tmp_path: Path, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A ledger of the small programme, final, that the command line finds by its settings."""
    for name, value in environment(tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite").items():
        monkeypatch.setenv(name, value)
    made = memory_stage(tmp_path)
    play(made)
    return made


def test_everything_is_told_as_data(stage: Stage, phasegate: Phasegate) -> None:
    answer = phasegate(*HEAT, "--json", "--resamples", "20", "-q")
    assert answer.code == 0, answer.err
    data = answer.data
    assert (data["programme"], data["phase"], data["status"], data["missing"]) == (CUP, "heat", "final", [])
    assert [(row["entrant"], row["total"], row["outcome"]) for row in data["standings"]] == [
        ("ash", "81.7", "advanced"),
        ("birch", "66.8", "eliminated"),
        ("cedar", "38.0", "eliminated"),
    ]
    cut = data["margins"]
    assert (cut["last_in"], cut["first_out"], cut["margin"], cut["places"]) == ("birch", "cedar", "28.8", 2)
    without_bench = next(row for row in data["leave_one_out"] if row["what"] == "bench")
    assert without_bench["not_possible"] == "nobody else marks bench"
    assert data["bootstrap"]["panels"] == ["jury"]
    assert {row["what"] for row in data["roundings"]} == {"half-even", "down", "up", "places+1", "places-1", "late"}
    assert {(row["criterion"], row["weight"], row["of"]) for row in data["weights"]} == {
        ("bench", "60", "100"),
        ("jury", "40", "100"),
    }


def test_the_same_seed_gives_the_same_answer_and_is_shown(stage: Stage, phasegate: Phasegate) -> None:
    words = (*HEAT, "--resamples", "50", "--seed", "7", "-q")
    assert phasegate(*words).out == phasegate(*words).out
    shown = phasegate(*words).out
    assert "50 times, seed 7" in shown
    assert "birch is 28.8 ahead of cedar" in shown
    assert "no change of one mark gives another outcome to ash, birch, cedar" in shown


def test_before_the_decision_it_is_said_that_there_is_none(stage: Stage, phasegate: Phasegate) -> None:
    answer = phasegate(*HEAT, "--json", "--resamples", "1", "-q", "--at", _after_the_marks(stage))
    assert answer.code == 0, answer.err
    assert answer.data["status"] == "open"
    assert answer.document["warnings"] == ["heat is open: this is what the marks so far would give, not a decision"]


def _after_the_marks(stage: Stage) -> int:
    """The log's size when all marks are there and the intake is not closed."""
    reader = Reader(stage.parts.ledger)
    size = reader.state(CUP).size
    return next(
        n
        for n in range(size)
        if (h := reader.prefix(CUP, n).state.phases.get("heat")) is not None and len(h.marks) == 12
    )


def test_a_phase_that_was_not_opened_is_not_found(stage: Stage, phasegate: Phasegate) -> None:
    answer = phasegate("robustness", CUP, "--phase", "final", "--json")
    assert (answer.code, answer.document["error"]["code"]) == (5, "not-found")
    assert "opened: heat" in answer.document["error"]["message"]


def test_nothing_drawn_is_a_usage_error(stage: Stage, phasegate: Phasegate) -> None:
    assert phasegate(*HEAT, "--resamples", "0", "--json").code == 2


def test_leaving_out_an_evaluator_is_what_annulling_all_its_marks_would_be(stage: Stage) -> None:
    reader = Reader(stage.parts.ledger)
    decision = reader.state(CUP).phases["heat"].decision
    assert decision is not None
    state = reader.prefix(CUP, decision.fact.data["basis"]["size"]).state
    phase = state.phases["heat"]
    recorded = {row["entrant"]: row["outcome"] for row in decision.fact.data["outcomes"]}
    inputs = inputs_of(state, phase)
    assert {row.entrant: row.outcome for row in decided(inputs).outcomes} == recorded
    annulled = small.event(
        "marks.annulled", "annulled", OFFICE, OPENS + 22 * small.DAY, phase="heat", evaluator="ben", reason="conflict"
    )
    ((told,), _) = preview(state, [annulled], OPENS + 22 * small.DAY)
    found = Again(inputs).without_evaluator("ben")
    assert {name: row.outcome for name, row in told.after.items()} == found.fates
    assert {name: row.total for name, row in told.after.items()} == {
        name: total.text for name, total in found.table.totals.items()
    }
