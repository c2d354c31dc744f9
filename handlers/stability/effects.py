"""Where, on its way through its range, a mark makes a difference: the places between which nothing can change.

A reading of the phase is taken at both ends of a stretch. Where every part of the reading can only rise, or only fall,
along the stretch, equal readings at its ends mean that it is the same all along; otherwise the stretch is halved. Where
that cannot be said of the rules, every step is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from events.rulebook import Leaf, Phase
from events.rulebook_criteria import Branch
from events.rulebook_steps import Across, Linear, OverEvaluators, OverItems, Subtract, Times
from handlers.marks import Slot
from handlers.ranking import PANEL
from handlers.rounding import Value, exact_sum
from handlers.scoring import TOTAL, node_values, subtracted, total_of
from handlers.stability.again import Again

Reading = Any
KEY = "key"


@dataclass(frozen=True, slots=True)
class Effect:
    """How the marks of one leaf bear on the phase. Without a `reading` nothing may be skipped."""

    reading: Callable[[Slot, Fraction], Reading] | None

    def turns(self, slot: Slot, value: Fraction, step: Fraction, last: int) -> Iterator[int]:
        """The counts of steps from 1 to `last`, ascending, at which the outcome may be another than one step before."""
        reading = self.reading
        if reading is None:
            yield from range(1, last + 1)
        elif last >= 1:
            start = reading(slot, value)
            end = reading(slot, value + last * step)
            yield from _between(lambda count: reading(slot, value + count * step), (0, start), (last, end))


def _between(read: Callable[[int], Reading], start: tuple[int, Reading], end: tuple[int, Reading]) -> Iterator[int]:
    """Where the reading changes, from the near end on."""
    if start[1] == end[1]:
        return
    if end[0] - start[0] == 1:
        yield end[0]
        return
    middle = (start[0] + end[0]) // 2
    halfway = (middle, read(middle))
    yield from _between(read, start, halfway)
    yield from _between(read, halfway, end)


def effect_on(again: Again, path: str) -> Effect:
    """The finest reading that the rules allow for the marks of a leaf."""
    rules = again.inputs.rules
    users = [leaf for leaf in rules.leaves.values() if path in subtracted(leaf)]
    chains = [rules.leaves[path], *users]
    if not all(map(_rises_or_falls, chains)) or any(
        subtracted(leaf) for leaf in rules.leaves.values() if _uses(leaf, users)
    ):
        return Effect(None)
    if users or any(isinstance(step, Across) for step in rules.leaves[path].steps) or _has_turning_weights(rules):
        return Effect(partial(_results, again))
    return Effect(partial(_comparisons, again))


def _uses(leaf: Leaf, others: list[Leaf]) -> bool:
    return any(other.id in subtracted(leaf) for other in others)


def _results(again: Again, slot: Slot, value: Fraction) -> Reading:
    """Every value of every leaf that comes out otherwise: each can only rise or only fall with one mark."""
    changed = again.results_with_mark(slot, value)
    return tuple(
        (path, tuple((name, own.exact) for name, own in rows.items())) for path, rows in sorted(changed.items())
    )


def _comparisons(again: Again, slot: Slot, value: Fraction) -> Reading:
    """How the entrant compares with every other in all that ranks or breaks a tie, and with each floor. Only its own values
    move, each one way, so each comparison turns at most once each way.
    """
    changed = again.results_with_mark(slot, value)
    name, rules = slot[0], again.inputs.rules
    if not changed:
        return _compared(again, name, again.table.values[name])
    return _compared(again, name, node_values(rules, name, {**again.results, **changed}))


def _compared(again: Again, name: str, own: Mapping[str, Value]) -> Reading:
    mine = _worth(again.inputs.rules, own)
    signs = []
    for other in again.table.entrants:
        if other != name:
            theirs = _worth(again.inputs.rules, again.table.values[other])
            signs.append(tuple(_sign(mine.get(what), theirs.get(what)) for what in _compared_by(again.inputs.rules)))
    floors = tuple(_sign(mine.get(what), floor) for what, floor in again.inputs.rules.floors.items())
    return tuple(signs), floors


def _compared_by(rules: Phase) -> tuple[str, ...]:
    return (KEY, *(tie for tie in rules.ties if tie != PANEL))


def _worth(rules: Phase, own: Mapping[str, Value]) -> dict[str, Fraction]:
    """What counts of an entrant's values."""
    total = total_of(rules, own)
    found = {path: value.exact for path, value in own.items()} | ({} if total is None else {TOTAL: total.exact})
    if total is None:
        return found
    if rules.rank_by == "total":
        return {**found, KEY: total.exact}
    weights = rules.rank_by.weights
    if all(path in found for path in weights):
        found[KEY] = exact_sum(weight * found[path] for path, weight in weights.items())
    return found


def _sign(one: Fraction | None, other: Fraction | None) -> int | None:
    if one is None or other is None:
        return None
    return (one > other) - (one < other)


def _rises_or_falls(leaf: Leaf) -> bool:
    """Every entrant's value can only rise, or only fall, with any one mark of the leaf.

    A majority jumps. One comparison of entrants moves the others against the entrant itself; a second one would compare
    what moves already, and shares of a top that may be negative turn. Everything else keeps its direction.
    """
    compares = [number for number, step in enumerate(leaf.steps) if isinstance(step, Across)]
    if any(isinstance(step, OverEvaluators) and step.by == "majority" for step in leaf.steps):
        return False
    return not compares or (len(compares) == 1 and all(_is_positive(leaf, step) for step in leaf.steps))


def _is_positive(leaf: Leaf, step: Any) -> bool:
    """What stands before and after the step cannot be negative."""
    match step:
        case Linear(between=(low, high)):
            return low < high and all(first >= low for first, _ in leaf.items.values())
        case Times(times=factors):
            return all(factor >= 0 for factor in (factors.values() if isinstance(factors, dict) else [factors]))
        case OverItems(weights=weights) if weights is not None:
            return all(weight >= 0 for weight in weights.values())
        case Across(points=points) if points is not None:
            return min(points) >= 0 and list(points) == sorted(points, reverse=True)
        case Subtract():
            return False
        case _:
            return all(first >= 0 for first, _ in leaf.items.values())


def _has_turning_weights(rules: Phase) -> bool:
    """A weight below 0 somewhere: what ranks may fall where what breaks ties rises."""
    weights = [weight for node in rules.tree.values() if isinstance(node, Branch) for weight in node.weights.values()]
    if rules.rank_by != "total":
        weights += rules.rank_by.weights.values()
    return any(weight < 0 for weight in weights)
