"""The smallest change of one single mark that gives an entrant another outcome.

A mark moves within its item's range, in steps of the item's resolution: one unit of the last decimal that is in use among
the item's marks and the ends of its range (47.4 moves in tenths, 4 in ones). References stay. To the resolution nothing
smaller does it: tests/handlers/test_stability_smallest.py tries every value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from events.values import format_number
from handlers.entrant_cases import Fate
from handlers.marks import Slot
from handlers.stability.again import Again
from handlers.stability.effects import Effect, effect_on


@dataclass(frozen=True, slots=True)
class Flip:
    """The mark, what it is and what it would have to be, and what becomes of the entrant then (None: its outcome stays
    open, as in a tie at the cut). `resolution` is the step that marks of this item move in.
    """

    entrant: str
    slot: Slot
    value: Fraction
    instead: Fraction
    was: Fate | None
    becomes: Fate | None
    resolution: Fraction

    @property
    def change(self) -> Fraction:
        return self.instead - self.value

    @property
    def order(self) -> tuple[Fraction, Slot, Fraction]:
        """The smaller change first; of equal ones the mark that comes first, and more before less."""
        return abs(self.change), self.slot, -self.change


def resolutions(again: Again) -> Mapping[tuple[str, str], Fraction]:
    """By leaf and item: the step that its marks move in."""
    places: dict[tuple[str, str], int] = {}
    for path, leaf in again.inputs.rules.leaves.items():
        for item, ends in leaf.items.items():
            places[path, item] = max(map(_decimals, ends))
    for (_, path, item, _), mark in again.inputs.marks.items():
        if (path, item) in places:
            places[path, item] = max(places[path, item], _decimals(mark.value))
    return {where: Fraction(1, 10**count) for where, count in places.items()}


def _decimals(value: Fraction) -> int:
    return len(format_number(value).partition(".")[2])


def smallest_flips(again: Again) -> dict[str, Flip]:
    """By entrant: the smallest change of one mark, its own or another's, that gives it another outcome. Who is not in it
    keeps its outcome whatever one mark is changed to.
    """
    best: dict[str, Flip] = {}
    steps = resolutions(again)
    effects: dict[str, Effect] = {}
    for slot in sorted(again.inputs.marks):
        path = slot[1]
        if path not in again.leaves or slot[2] not in again.leaves[path].leaf.items:
            continue
        if path not in effects:
            effects[path] = effect_on(again, path)
        for direction in (1, -1):
            for flip in _flips(again, slot, direction * steps[path, slot[2]], effects[path], best):
                if flip.entrant not in best or flip.order < best[flip.entrant].order:
                    best[flip.entrant] = flip
    return dict(sorted(best.items()))


def _flips(again: Again, slot: Slot, step: Fraction, effect: Effect, best: Mapping[str, Flip]) -> Iterator[Flip]:
    """The first flip of each entrant in one direction, nearest first; ends where nothing smaller can be found."""
    low, high = again.leaves[slot[1]].leaf.items[slot[2]]
    value = again.inputs.marks[slot].value
    last = ((high if step > 0 else low) - value) // step
    found: set[str] = set()
    for count in effect.turns(slot, value, step, int(last)):
        if all(
            name in found or (name in best and abs(step) * count > abs(best[name].change)) for name in again.base.fates
        ):
            return
        instead = value + count * step
        fates = again.with_mark(slot, instead).fates
        for name, was in again.base.fates.items():
            if name not in found and fates[name] != was:
                found.add(name)
                yield Flip(name, slot, value, instead, was, fates[name], abs(step))
