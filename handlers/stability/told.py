"""What was found of a phase's stability, as plain data. `about` repeats an exact number with a few places, rounded half up."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from events.rulebook_fields import Rounding
from events.values import format_number, format_places
from handlers.rounding import round_to
from handlers.stability.again import Again
from handlers.stability.agreement import Agreement
from handlers.stability.bootstrap import Bootstrap
from handlers.stability.leave_one_out import LeftOut
from handlers.stability.margins import Margins
from handlers.stability.roundings import Variant
from handlers.stability.shift import Shift
from handlers.stability.smallest import Flip
from handlers.stability.sweeps import Span, Sweep

OPEN = "open"
"""The outcome of an entrant that something - a tie at the cut, a missing mark - still stands in the way of."""


def about(value: Fraction, places: int) -> str:
    """A number for reading."""
    return format_places(round_to(value, Rounding(places=places)), places)


def standing_data(again: Again) -> list[dict[str, Any]]:
    """Where everybody stands as decided: by rank, those without one last."""
    base, totals = again.base, again.table.totals
    rows = [
        {
            "entrant": name,
            "rank": base.ranks.get(name),
            "total": totals[name].text if name in totals else None,
            "outcome": fate or OPEN,
        }
        for name, fate in base.fates.items()
    ]
    return sorted(rows, key=lambda row: (row["rank"] is None, row["rank"], row["entrant"]))


def margins_data(found: Margins) -> dict[str, Any]:
    return {
        "places": found.places,
        "last_in": found.last_in,
        "first_out": found.first_out,
        "margin": found.margin,
        "broken_by": [reason.data() for reason in found.broken_by],
        "tied": list(found.tied),
        "by_entrant": dict(found.by_entrant),
        "floors": [
            {
                "entrant": row.entrant,
                "criterion": row.criterion,
                "observed": row.observed,
                "required": row.required,
                "margin": row.margin,
            }
            for row in found.floors
        ],
    }


def shift_data(found: Shift) -> dict[str, Any]:
    """Only what differs."""
    return {
        "ranks": {name: {"before": old, "after": new} for name, (old, new) in found.ranks.items()},
        "outcomes": {
            name: {"before": old or OPEN, "after": new or OPEN} for name, (old, new) in found.outcomes.items()
        },
        "vacancies": {"before": found.vacancies[0], "after": found.vacancies[1]},
    }


def left_out_data(row: LeftOut) -> dict[str, Any]:
    """`totals` are those without what was left out."""
    told: dict[str, Any] = {"kind": row.kind, "what": row.what}
    if row.found is None or row.shift is None:
        return told | {"not_possible": row.why_not}
    totals = {name: total.text for name, total in row.found.table.totals.items()}
    return told | {"totals": totals} | shift_data(row.shift)


def variant_data(row: Variant) -> dict[str, Any]:
    figures = [
        {"entrant": f.entrant, "criterion": f.criterion, "published": f.published, "instead": f.instead}
        for f in row.figures
    ]
    return {"what": row.what, "figures": figures} | shift_data(row.shift)


def sweep_data(row: Sweep) -> dict[str, Any]:
    return {
        "criterion": row.criterion,
        "reading": row.reading,
        "weight": format_number(row.weight),
        "of": format_number(row.whole),
        "stays": _span(row, row.present),
        "changes": [_span(row, span) for span in row.others],
    }


def _span(row: Sweep, span: Span) -> dict[str, Any]:
    """An interval of weights, and the outcomes in it that are not those of the present weight."""
    others = {name: fate or OPEN for name, fate in span.fates.items() if fate != row.present.fates[name]}
    return {
        "from": _end(span.low, includes=span.has_low),
        "to": _end(span.high, includes=span.has_high),
        "outcomes": others,
    }


def _end(weight: Fraction, *, includes: bool) -> dict[str, Any]:
    return {"weight": format_number(weight), "about": about(weight, 2), "included": includes}


def flip_data(row: Flip) -> dict[str, Any]:
    entrant, criterion, item, evaluator = row.slot
    return {
        "entrant": row.entrant,
        "mark": {"entrant": entrant, "criterion": criterion, "item": item, "evaluator": evaluator},
        "value": format_number(row.value),
        "instead": format_number(row.instead),
        "change": format_number(row.change),
        "resolution": format_number(row.resolution),
        "before": row.was or OPEN,
        "after": row.becomes or OPEN,
    }


def bootstrap_data(found: Bootstrap) -> dict[str, Any]:
    """`share` is exact."""
    return {
        "seed": found.seed,
        "resamples": found.resamples,
        "panels": list(found.panels),
        "entrants": {
            name: {
                "advances": count,
                "open": found.is_open[name],
                "share": format_number(found.share(name)),
                "about": about(found.share(name), 3),
            }
            for name, count in found.advances.items()
        },
    }


def agreement_data(row: Agreement) -> dict[str, Any]:
    return {
        "criterion": row.criterion,
        "item": row.item,
        "evaluators": row.evaluators,
        "units": row.units,
        "alpha": None if row.alpha is None else format_number(row.alpha),
        "about": None if row.alpha is None else about(row.alpha, 3),
    }
