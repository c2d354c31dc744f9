"""How stable the decisions of the example are: what the arithmetic of its published figures says."""

from __future__ import annotations

from functools import cache

import pytest

from handlers.marks import seats_in
from handlers.stability.again import Again
from handlers.stability.inputs import Inputs
from handlers.stability.leave_one_out import without_criteria, without_evaluators
from handlers.stability.margins import margins
from handlers.stability.roundings import Variant, reduction_variants, rounding_variants
from tests.handlers.worked import k_ai


@cache
def again(phase_id: str) -> Again:
    phase, marks = k_ai(phase_id)
    return Again(Inputs(phase, tuple(sorted({slot[0] for slot in marks})), marks, seats_in(phase, marks)))


def variants(phase_id: str) -> dict[str, Variant]:
    found = (*rounding_variants(again(phase_id)), *reduction_variants(again(phase_id)))
    return {variant.what: variant for variant in found}


@pytest.mark.parametrize(
    ("phase_id", "cut"),
    [("phase-1", ("upstage", "nc-ai", "12.6")), ("phase-2", ("lg-ai-research", "motif-technologies", "3.2"))],
)
def test_the_margin_at_the_cut(phase_id: str, cut: tuple[str, str, str]) -> None:
    told = margins(again(phase_id))
    assert (told.last_in, told.first_out, told.margin) == cut


def test_without_the_users_lg_is_out_of_phase_2_and_motif_stays() -> None:
    row = next(row for row in without_criteria(again("phase-2")) if row.what == "user")
    assert row.shift is not None
    assert row.shift.outcomes == {
        "lg-ai-research": ("advanced", "eliminated"),
        "motif-technologies": ("eliminated", "advanced"),
    }


def test_no_single_evaluator_decides_phase_2() -> None:
    rows = list(without_evaluators(again("phase-2")))
    assert len(rows) == 2 + 10 + 49 + 185
    alone = {row.what: row.why_not for row in rows if row.found is None}
    assert alone == {
        "artificial-analysis": "nobody else marks benchmark.aaii",
        "nia": "nobody else marks benchmark.nia",
    }
    assert not any(row.shift.outcomes for row in rows if row.shift is not None)


def test_half_even_changes_published_figures_of_phase_2_and_says_which() -> None:
    told = variants("phase-2")["half-even"]
    figures = {(f.entrant, f.criterion): (f.published, f.instead) for f in told.figures}
    assert figures["motif-technologies", "benchmark.aaii"] == ("11.9", "11.8")
    assert figures["motif-technologies", "total"] == ("65.8", "65.7")
    assert told.shift.outcomes == {}


def test_rounding_late_changes_published_figures_of_phase_2_and_says_which() -> None:
    told = variants("phase-2")["late"]
    assert {figure.criterion for figure in told.figures} >= {"total"}
    assert told.shift.outcomes == {}
