"""What differs between two decisions of one phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.entrant_cases import Fate
from handlers.stability.inputs import Found


@dataclass(frozen=True, slots=True)
class Shift:
    """By entrant, before and after; only what differs. A rank is None without a score, an outcome while it is open."""

    ranks: Mapping[str, tuple[int | None, int | None]]
    outcomes: Mapping[str, tuple[Fate | None, Fate | None]]
    vacancies: tuple[int, int]


def shift(before: Found, after: Found) -> Shift:
    """From one decision to another."""
    names = sorted(before.fates.keys() | after.fates.keys())
    ranks = {name: (before.ranks.get(name), after.ranks.get(name)) for name in names}
    fates = {name: (before.fates.get(name), after.fates.get(name)) for name in names}
    return Shift(
        {name: both for name, both in ranks.items() if both[0] != both[1]},
        {name: both for name, both in fates.items() if both[0] != both[1]},
        (before.vacancies, after.vacancies),
    )
