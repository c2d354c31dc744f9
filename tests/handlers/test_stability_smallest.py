"""The smallest change of one mark is one that the real decision confirms, and no smaller one does it."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import Phase as HypothesisPhase
from hypothesis import given, settings

from handlers.stability import changes
from handlers.stability.again import Again
from handlers.stability.inputs import Inputs, from_scratch
from handlers.stability.smallest import resolutions, smallest_flips
from tests.support.random_phase import phase_inputs

MANY = settings(max_examples=15, deadline=None, phases=[HypothesisPhase.generate])


def exhaustive(inputs: Inputs) -> dict[str, Fraction]:
    """By entrant, the smallest change: every value of every mark is decided from the marks."""
    steps, base = resolutions(Again(inputs)), from_scratch(inputs)
    found: dict[str, Fraction] = {}
    for slot, mark in inputs.marks.items():
        low, high = inputs.rules.leaves[slot[1]].items[slot[2]]
        step = steps[slot[1], slot[2]]
        for count in range(int((high - low) / step) + 1):
            value = low + count * step
            size = abs(value - mark.value)
            fates = from_scratch(changes.with_mark(inputs, slot, value)).fates
            for name, fate in fates.items():
                if fate != base.fates[name] and size < found.get(name, size + 1):
                    found[name] = size
    return found


@MANY
@given(phase_inputs(parts=1))
def test_nothing_smaller_flips_an_outcome(inputs: Inputs) -> None:
    flips = smallest_flips(Again(inputs))
    assert {name: abs(flip.change) for name, flip in flips.items()} == exhaustive(inputs)
    for name, flip in flips.items():
        real = from_scratch(changes.with_mark(inputs, flip.slot, flip.instead))
        assert (real.fates[name], flip.was) == (flip.becomes, from_scratch(inputs).fates[name])
        assert flip.becomes != flip.was
