"""Ranking: by the total or by a weighted sum, ties by the rulebook's ordered list. Who has no score never ranks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from handlers.rounding import Value, difference, exact_sum
from handlers.scoring import TOTAL, ScoreTable

PANEL = "panel"
"""The tie-break that is a person's: a recorded decision with reasons."""


@dataclass(frozen=True, slots=True)
class TieChoice:
    """A person's recorded order of entrants who tie, first the one who goes before, and the events that say so. A `late` one
    counts only where a tie at the cut waits for it, so that no other rank depends on when it came.
    """

    order: tuple[str, ...]
    cites: tuple[str, ...] = ()
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Break:
    """What separated an entrant from one with the same rank before: the own value, and the nearest rival's."""

    criterion: str
    observed: Value | None = None
    rival: Value | None = None
    cites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """`groups` from the first down; more than one in a group is a tie that nothing decided. Ranks run 1, 2, 2, 4."""

    groups: tuple[tuple[str, ...], ...]
    keys: Mapping[str, Value]
    breaks: Mapping[str, tuple[Break, ...]]

    @property
    def ranks(self) -> dict[str, int]:
        return positions(self.groups)


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of the standings, with values as published. `rank` and `total` are None without a score."""

    entrant: str
    rank: int | None
    total: str | None
    scores: Mapping[str, str]


def positions(groups: Iterable[Sequence[str]]) -> dict[str, int]:
    """The rank of everyone in groups of equals: 1, 2, 2, 4."""
    ranks: dict[str, int] = {}
    for group in groups:
        rank = len(ranks) + 1
        ranks.update(dict.fromkeys(group, rank))
    return ranks


def standings(table: ScoreTable, tie_choices: Iterable[TieChoice] = ()) -> list[Standing]:
    """Everybody in the order of rank, those without a score last, equals by id."""
    ranks = rank_entrants(table, table.entrants, tie_choices).ranks
    rows = [
        Standing(
            name,
            ranks.get(name),
            table.totals[name].text if name in table.totals else None,
            {path: value.text for path, value in table.values[name].items()},
        )
        for name in table.entrants
    ]
    return sorted(rows, key=lambda row: (row.rank is None, row.rank, row.entrant))


def rank_entrants(table: ScoreTable, entrants: Iterable[str], tie_choices: Iterable[TieChoice] = ()) -> Ranking:
    """Ranks those of the entrants who have a score. A recorded choice acts where the rules say `panel`, and last where
    they do not: without it a tie that they forgot could never end.
    """
    phase = table.phase
    keys = {name: key for name in sorted(set(entrants)) if (key := ranking_key(table, name)) is not None}
    breaks: dict[str, list[Break]] = {name: [] for name in keys}
    groups = _split([tuple(keys)], {name: key.exact for name, key in keys.items()})
    for tie in (*phase.ties, *(() if PANEL in phase.ties else (PANEL,))):
        groups = [part for group in groups for part in _broken(table, group, tie, tuple(tie_choices), breaks)]
    return Ranking(tuple(groups), keys, {name: tuple(found) for name, found in breaks.items() if found})


def ranking_key(table: ScoreTable, entrant: str) -> Value | None:
    """What ranks an entrant: the total, or the weighted sum of criteria; None without a score."""
    rank_by = table.phase.rank_by
    total = table.totals.get(entrant)
    if rank_by == "total" or total is None:
        return total
    own = {**table.values[entrant], TOTAL: total}
    if any(path not in own for path in rank_by.weights):
        return None
    return Value(exact_sum(weight * own[path].exact for path, weight in rank_by.weights.items()))


def _split(groups: Iterable[tuple[str, ...]], worth: Mapping[str, Fraction]) -> list[tuple[str, ...]]:
    """Each group by falling worth, equals together; whoever has none comes last."""
    parts: list[tuple[str, ...]] = []
    for group in groups:
        values = sorted({worth[name] for name in group if name in worth}, reverse=True)
        parts.extend(tuple(name for name in group if worth.get(name) == value) for value in values)
        rest = tuple(name for name in group if name not in worth)
        parts.extend([rest] if rest else [])
    return parts


def _broken(
    table: ScoreTable,
    group: tuple[str, ...],
    tie: str,
    choices: tuple[TieChoice, ...],
    breaks: dict[str, list[Break]],
) -> list[tuple[str, ...]]:
    """The group as one tie-break leaves it; what it decided is added to `breaks`."""
    if len(group) == 1:
        return [group]
    if tie == PANEL:
        return _chosen(group, choices, breaks)
    worth = {name: own[tie] for name in group if tie in (own := {**table.values[name], TOTAL: table.totals[name]})}
    parts = _split([group], {name: value.exact for name, value in worth.items()})
    for index, part in enumerate(parts) if len(parts) > 1 else ():
        rival = parts[index - 1] if index else parts[index + 1]
        for name in part:
            breaks[name].append(Break(tie, worth.get(name), worth.get(rival[0])))
    return parts


def _chosen(
    group: tuple[str, ...], choices: tuple[TieChoice, ...], breaks: dict[str, list[Break]]
) -> list[tuple[str, ...]]:
    choice = next((choice for choice in choices if set(group) <= set(choice.order)), None)
    if choice is None:
        return [group]
    for name in group:
        breaks[name].append(Break(PANEL, cites=choice.cites))
    return [(name,) for name in sorted(group, key=choice.order.index)]


def lead(ranking: Ranking, one: str, other: str) -> str:
    """How far `one` is ahead of `other` in what they are ranked by, as text; negative when behind."""
    return difference(ranking.keys[one], ranking.keys[other]).text
