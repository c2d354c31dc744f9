"""How close it was: what a decision would have been without one evaluator, item or criterion, and the smallest change of one
mark that gives an outcome another turn. Every claim is a decision made again (`handlers.stability`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from events.values import format_number
from handlers.explanation import Point
from handlers.outcomes import Fate
from handlers.stability.again import Again
from handlers.stability.inputs import inputs_of
from handlers.stability.leave_one_out import LeftOut, leave_one_out
from handlers.stability.smallest import Flip, smallest_flips
from handlers.state import State

Turns = Mapping[str, tuple[Fate | None, Fate | None]]


def fragility_of(at_cut: State, phase_id: str, entrant: str | None, *, smallest: bool = False) -> tuple[Point, ...]:
    """Of one entrant what turns its own outcome; of the whole phase what turns anybody's. `smallest`: with the smallest
    change of a mark, for which every mark is tried: seconds where the rest takes a tenth of one.
    """
    again = Again(inputs_of(at_cut, at_cut.phases[phase_id]))
    tried = [row for row in leave_one_out(again) if row.shift is not None]
    turning = [row for row in tried if row.shift is not None and _turns(row.shift.outcomes, entrant)]
    points = [_left_out(row) for row in turning]
    if not turning:
        points.append(Point("fragile.steady", {"tried": str(len(tried))}))
    if smallest:
        points += _smallest(smallest_flips(again), entrant)
    return tuple(points)


def _turns(outcomes: Turns, entrant: str | None) -> bool:
    return bool(outcomes) if entrant is None else entrant in outcomes


def _left_out(row: LeftOut) -> Point:
    assert row.shift is not None  # The caller looked.
    turned = {name: then for name, (_, then) in row.shift.outcomes.items()}
    facts = {"outcomes": _written(turned)}
    match row.kind:
        case "item":
            criterion, _, item = row.what.rpartition("/")
            return Point("fragile.item", facts | {"criterion": criterion, "item": item})
        case kind:
            return Point(f"fragile.{kind}", facts | {kind: row.what})


def _written(turned: Mapping[str, Fate | None]) -> str:
    """`ash=advanced,birch=open`."""
    return ",".join(f"{name}={fate or 'open'}" for name, fate in turned.items())


def _smallest(flips: Mapping[str, Flip], entrant: str | None) -> Iterator[Point]:
    """The smallest of its own turn, or of anybody's."""
    found = [flip for name, flip in flips.items() if entrant in (None, name)]
    if not found:
        yield Point("fragile.no-mark")
        return
    flip = min(found, key=lambda flip: flip.order)
    marked, criterion, item, evaluator = flip.slot
    yield Point(
        "fragile.mark",
        {
            "evaluator": evaluator,
            "entrant": marked,
            "criterion": criterion,
            "item": item,
            "value": format_number(flip.value),
            "instead": format_number(flip.instead),
            "outcomes": _written({flip.entrant: flip.becomes}),
        },
    )
