"""Deciding K-AI's phase 2 (1,088 marks) again with something changed, against deciding it from its marks each time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, against, in_turns, timed
from events.rulebook import parse_rulebook
from handlers.marks import Mark, seats_in
from handlers.stability import changes
from handlers.stability.again import Again
from handlers.stability.inputs import Inputs, from_scratch
from handlers.stability.leave_one_out import leave_one_out
from handlers.stability.report import robustness
from infra.marks_file import read_marks
from infra.rulebook_file import load

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "k-ai-2026"
DECISIONS = 1000
FROM_SCRATCH = 50
AIM = 20.0
"""1,000 leave-one-out decisions in the time of 50 from the marks."""

ROUNDS = 3


def side_by_side() -> Iterator[Row]:
    """Decisions from the marks, those that remember, and a whole report."""
    inputs = phase_2()
    rows = in_turns(
        {
            "decide K-AI phase 2 from its marks": timed(lambda: _from_marks(inputs)),
            "leave one out, again": timed(lambda: _left_out(inputs)),
            "one mark changed, again": timed(lambda: _marks(inputs)),
            "full robustness report, 1,000 resamples": timed(lambda: _report(inputs)),
        },
        ROUNDS,
    )
    scratch, left_out, marks, report = rows.values()
    yield scratch
    yield against(left_out, scratch, AIM)
    yield against(marks, scratch)
    yield report


def phase_2() -> Inputs:
    """The example's phase 2; no gate stopped anybody there."""
    rules = parse_rulebook(load(EXAMPLE / "rulebook.yaml").document).phase("phase-2")
    marks = {row.slot: Mark(row.value, row.reference) for row in read_marks(EXAMPLE / "marks" / "phase-2.csv")}
    return Inputs(rules, tuple(sorted({slot[0] for slot in marks})), marks, seats_in(rules, marks))


def _from_marks(inputs: Inputs) -> int:
    evaluators = sorted({slot[3] for slot in inputs.marks})[:FROM_SCRATCH]
    for who in evaluators:
        from_scratch(changes.without_evaluator(inputs, who))
    return len(evaluators)


def _left_out(inputs: Inputs) -> int:
    """Every evaluator, item and criterion once; then from the beginning, with nothing remembered, until there are enough."""
    done = 0
    while done < DECISIONS:
        done += sum(row.found is not None for row in leave_one_out(Again(inputs)))
    return done


def _marks(inputs: Inputs) -> int:
    """Every mark at the other end of its range."""
    again = Again(inputs)
    for slot, mark in inputs.marks.items():
        low, high = inputs.rules.leaves[slot[1]].items[slot[2]]
        again.with_mark(slot, low if mark.value > (low + high) / 2 else high)
    return len(inputs.marks)


def _report(inputs: Inputs) -> int:
    robustness(Again(inputs), 1, DECISIONS)
    return 1
