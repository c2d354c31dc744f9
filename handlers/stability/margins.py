"""How far the outcome is from another one at the cut: on what ranks, on floors, and by which tie-break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from events.values import format_number
from handlers.contest import Contest
from handlers.entrant_cases import enter
from handlers.ranking import lead
from handlers.reasons import Reason, tie_reason
from handlers.rounding import Value, difference
from handlers.scoring import TOTAL, ScoreTable
from handlers.stability.again import Again


@dataclass(frozen=True, slots=True)
class FloorMargin:
    """How far an entrant is above (negative: below) a threshold."""

    entrant: str
    criterion: str
    observed: str
    required: str
    margin: str


@dataclass(frozen=True, slots=True)
class Margins:
    """`last_in` and `first_out` are those with a claim on either side of the cut, whatever a gate says of them; `margin`
    is what lies between them in what they are ranked by, `0` where only `broken_by` separates them. `by_entrant`: ahead
    of the best outside, or (negative) behind the last inside. `tied` stand across the cut, and nothing separates them.
    """

    places: int
    last_in: str | None
    first_out: str | None
    margin: str | None
    broken_by: tuple[Reason, ...]
    tied: tuple[str, ...]
    by_entrant: Mapping[str, str]
    floors: tuple[FloorMargin, ...]


def margins(again: Again) -> Margins:
    """The margins of the decision as it is."""
    rules, table = again.inputs.rules, again.table
    contest = enter(rules, table, again.inputs.known).contest
    last_in = next((name for name in reversed(contest.claimants) if contest.is_inside(name)), None)
    first_out = next((n for n in contest.claimants if n not in contest.tied and not contest.is_inside(n)), None)
    between = None if last_in is None or first_out is None else lead(contest.ranking, last_in, first_out)
    own = {name: told for name in table.entrants if (told := contest.margin(name)) is not None}
    return Margins(
        contest.places,
        last_in,
        first_out,
        between,
        _broken_by(contest, last_in, first_out),
        tuple(sorted(contest.tied)),
        own,
        tuple(_floors(table)),
    )


def _broken_by(contest: Contest, last_in: str | None, first_out: str | None) -> tuple[Reason, ...]:
    """The tie-breaks that put the last inside before the first outside, where both are equal in what they are ranked by."""
    keys = contest.ranking.keys
    if last_in is None or first_out is None or keys[last_in].exact != keys[first_out].exact:
        return ()
    return tuple(tie_reason(decided) for decided in contest.ranking.breaks.get(last_in, ()))


def _floors(table: ScoreTable) -> Iterator[FloorMargin]:
    for name in table.entrants:
        own = {**table.values[name], **({TOTAL: table.totals[name]} if name in table.totals else {})}
        for path, floor in sorted(table.phase.floors.items()):
            if path in own:
                margin = difference(own[path], Value(floor)).text
                yield FloorMargin(name, path, own[path].text, format_number(floor), margin)
