"""The steps by which a table of marks becomes a number (RULES, "Scoring"). Each step is known by its first member."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from events.fields import Criterion, Id
from events.rulebook_fields import Count, Number, Rounding, Rule


class Ratio(Rule):
    """Value over reference for every mark, at most `cap`."""

    mark: Literal["ratio"]
    cap: Number | None = None


class Linear(Rule):
    """(value - lo) / (hi - lo) for every mark."""

    mark: Literal["linear"]
    between: tuple[Number, Number] = Field(alias="from")


class OverEvaluators(Rule):
    """Reduces the evaluators' axis. `drop` = how many of the lowest and of the highest a trimmed mean leaves out.

    `majority` is the value that more than half of the evaluators gave, 0 where there is none.
    """

    over: Literal["evaluators"]
    by: Literal["mean", "median", "sum", "min", "max", "trimmed-mean", "majority"]
    drop: tuple[Count, Count] | None = None


class OverItems(Rule):
    """Reduces the items' axis. `best-of` takes the `n` highest items, `drop-worst` leaves the `n` lowest out; what is
    left is added up, or averaged with `take: mean`.
    """

    over: Literal["items"]
    by: Literal["mean", "sum", "weighted-sum", "weighted-mean", "median", "best-of", "drop-worst"]
    weights: dict[Id, Number] | None = None
    n: Annotated[int, Field(ge=1, le=1000)] | None = None
    take: Literal["sum", "mean"] | None = None


class Across(Rule):
    """Compares the entrants. `top`: the first gets a share of 1, others in proportion. `rank-points`: the points of the
    rank, 0 beyond the list; those who tie all get the `high`est, the `low`est or the `mean` of the places they fill.
    """

    across: Literal["entrants"]
    by: Literal["top", "rank-points"]
    points: tuple[Number, ...] | None = None
    ties: Literal["high", "mean", "low"] = "high"


class Times(Rule):
    """A factor for all, or one per item."""

    times: Number | dict[Id, Number]


class Subtract(Rule):
    """Takes off the result of another leaf (one that does not count by itself); the rest is never below `floor`."""

    subtract: Criterion
    floor: Number | None = None


class Round(Rule):
    """Rounds here, and not elsewhere: where one rounds changes outcomes."""

    round: Rounding


_KEYS = {"times": "times", "subtract": "subtract", "round": "round", "across": "across"}


def _kind(step: Any) -> str | None:
    """The tag of a step as written: by its member, and for `mark` and `over` by that member's value too."""
    if step == "points":
        return "points"
    if not isinstance(step, dict):
        return None
    if "mark" in step:
        return "ratio" if step["mark"] == "ratio" else "linear"
    if "over" in step:
        return "over-items" if step["over"] == "items" else "over-evaluators"
    return next((tag for key, tag in _KEYS.items() if key in step), None)


POINTS: Literal["points"] = "points"
"""The bare word `points`: scales a share of 0..1 to the criterion's points."""

Step = Annotated[
    Annotated[Literal["points"], Tag("points")]
    | Annotated[Ratio, Tag("ratio")]
    | Annotated[Linear, Tag("linear")]
    | Annotated[OverEvaluators, Tag("over-evaluators")]
    | Annotated[OverItems, Tag("over-items")]
    | Annotated[Across, Tag("across")]
    | Annotated[Times, Tag("times")]
    | Annotated[Subtract, Tag("subtract")]
    | Annotated[Round, Tag("round")],
    Discriminator(
        _kind,
        custom_error_type="unknown-step",
        custom_error_message="a step is `points` or one of mark, over, across, times, subtract, round",
    ),
]
