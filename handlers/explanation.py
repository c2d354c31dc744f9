"""What an explanation holds: codes and facts, never prose. Words are made of it in any language (console/telling)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Facts = Mapping[str, str]
"""What a sentence says of its subject: ids, numbers as canonical text, instants as RFC 3339."""


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to say: the key of a sentence, and the facts in it."""

    code: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Noted:
    """One thing that stands in the log, at these indexes. `received` is that of the first of them."""

    code: str
    indexes: tuple[int, ...]
    received: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """A mark as it counted: by item and evaluator, with the reference of a ratio. A missing one that earns nothing is 0."""

    item: str
    evaluator: str
    value: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Calculation:
    """One line for a calculator. `formula` is exact, in + - * / and brackets, and gives `value`; `shown` is the same with
    what does not end cut to six places. `of` names the cells that it makes, as (item, evaluator), "" for an axis that is
    put together; one line stands for all cells with the same inputs. `is_trivial`: nothing is computed, a value is passed
    on.
    """

    code: str
    formula: str
    value: str
    shown: str
    of: tuple[tuple[str, str], ...] = ()
    facts: Facts = field(default_factory=dict)
    is_trivial: bool = False


@dataclass(frozen=True, slots=True)
class Worked:
    """How one criterion (or `total`) of an entrant came about. `value` as published, `exact` as computed; both are None
    where nothing could be computed.
    """

    criterion: str
    value: str | None
    exact: str | None
    marks: tuple[Given, ...]
    lines: tuple[Calculation, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision that is explained. `superseded_by` is the decision that took its place."""

    id: str
    round: int
    index: int
    received: str
    superseded_by: str | None
    basis: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of one entrant, and why."""

    entrant: str
    outcome: str | None
    rank: int | None
    total: str | None
    margin: str | None
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one entrant stands where it stands in one phase; without `entrant`, the whole phase.

    `points` say it in the order of deciding; `owed` what the phase waits for; `worked` is the arithmetic; `course` what
    led there and followed, by index; `left_out` what did not count, and why; `proved` the entries that prove it;
    `fragility` how little would have changed it, where that was asked for.
    """

    programme: str
    size: int
    phase: str
    status: str
    entrant: str | None
    decided: Decided | None
    points: tuple[Point, ...]
    standings: tuple[Standing, ...]
    owed: tuple[Point, ...]
    worked: tuple[Worked, ...]
    course: tuple[Noted, ...]
    left_out: tuple[Noted, ...]
    proved: Mapping[str, int]
    fragility: tuple[Point, ...] = ()

    @property
    def standing(self) -> Standing | None:
        """That of the entrant that is explained."""
        return self.standings[0] if self.entrant is not None and self.standings else None

    def data(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)
