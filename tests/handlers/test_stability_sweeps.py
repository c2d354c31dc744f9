"""Sweeps of weights: each interval is what the real decision says at its ends, within it, and anywhere else."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import Phase as HypothesisPhase
from hypothesis import given, settings

from events.values import format_places
from handlers.stability import changes
from handlers.stability.again import Again
from handlers.stability.inputs import Inputs, from_scratch
from handlers.stability.sweeps import Sweep, sweep, sweeps
from handlers.stability.weights import Scaling, reweighted, scalings
from tests.handlers.test_stability_k_ai import again
from tests.support.random_phase import phase_inputs

MANY = settings(max_examples=12, deadline=None, phases=[HypothesisPhase.generate])


def tried(told: Sweep) -> list[Fraction]:
    """Every end of an interval, the middle of each, and weights that have nothing to do with them."""
    ends = [end for span in told.spans for end in (span.low, span.high, (span.low + span.high) / 2)]
    return sorted({*ends, *(told.whole * Fraction(number, 23) for number in range(0, 24, 3))})


@MANY
@given(phase_inputs())
def test_every_weight_has_the_outcome_of_its_interval(inputs: Inputs) -> None:
    for scaling in scalings(inputs.rules):
        told = sweep(Again(inputs), scaling)
        for weight in tried(told):
            real = from_scratch(changes.with_rules(inputs, reweighted(inputs.rules, scaling, weight)))
            assert [span.fates for span in told.spans if weight in span] == [real.fates]
        assert told.present.fates == from_scratch(inputs).fates


def test_the_intervals_cover_all_weights_and_neighbours_differ() -> None:
    for told in sweeps(again("phase-2")):
        assert (told.spans[0].low, told.spans[-1].high) == (Fraction(0), Fraction(100))
        for before, after in zip(told.spans, told.spans[1:], strict=False):
            assert before.high == after.low
            assert before.has_high != after.has_low
            assert before.fates != after.fates


def aaii() -> Scaling:
    return next(s for s in scalings(again("phase-2").inputs.rules) if s.path == "benchmark.aaii")


def test_on_the_scores_as_published_motif_leaves_the_last_place_above_730_of_19_6_points() -> None:
    told = sweep(again("phase-2"), aaii(), "scores")
    turn = Fraction(7300, 196)
    before, tie, after = (told.spans[0], told.spans[1], told.spans[2])
    assert (before.high, before.has_high, tie.low, tie.high, after.low) == (turn, False, turn, turn, turn)
    assert before.fates["motif-technologies"] == "eliminated"
    assert (tie.fates["motif-technologies"], tie.fates["lg-ai-research"]) == (None, None)
    assert (after.fates["motif-technologies"], after.fates["lg-ai-research"]) == ("advanced", "eliminated")


def test_under_the_real_rounding_the_last_place_changes_hands_between_37_0_and_37_6_points() -> None:
    told = sweep(again("phase-2"), aaii())
    assert told.present.fates == again("phase-2").base.fates
    inside = [span for span in told.spans if span.fates["motif-technologies"] == "advanced"]
    assert [(_places(span.low), _places(span.high)) for span in inside[:1]] == [("37.02", "37.09")]
    assert (_places(inside[-1].low)[:4], _places(inside[-1].high)) == ("37.5", "100")
    out_again = [
        span for span in told.spans if span.low > inside[0].low and span.fates["motif-technologies"] == "eliminated"
    ]
    assert out_again
    assert all(Fraction(37) < span.low and span.high < Fraction("37.6") for span in out_again)
    assert len(told.spans) == 23


def _places(weight: Fraction) -> str:
    """Cut off after two places."""
    text = format_places(Fraction(int(weight * 100), 100), 2)
    return text.removesuffix(".00")
