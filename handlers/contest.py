"""The contest for the places of a phase: who takes part, who has a claim to a place, where the cut falls."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from handlers.ranking import Ranking, lead, positions


@dataclass(frozen=True, slots=True)
class Contest:
    """`place` is that among those with a claim (for others, among all who take part); `tied` stand across the cut."""

    ranking: Ranking
    place: Mapping[str, int]
    claimants: tuple[str, ...]
    tied: frozenset[str]
    places: int

    def is_inside(self, name: str) -> bool:
        """The entrant has a place, whatever else speaks against it. False while a tie at the cut is open."""
        return name in self.place and name not in self.tied and self.place[name] <= self.places

    def margin(self, name: str) -> str | None:
        """How far ahead of the best outside, or (negative) behind the last inside; None where there is nobody."""
        if name not in self.place:
            return None
        if self.place[name] <= self.places:
            rival = next((other for other in self.claimants if other != name and not self.is_inside(other)), None)
        else:
            rival = next((o for o in reversed(self.claimants) if self.place[o] <= self.places), None)
        return None if rival is None else lead(self.ranking, name, rival)


def hold_contest(ranking: Ranking, barred: Collection[str], places: int) -> Contest:
    """`barred` take part without a claim: their place goes to the next."""
    claims = [kept for group in ranking.groups if (kept := tuple(name for name in group if name not in barred))]
    place = positions(ranking.groups) | positions(claims)
    tied = frozenset(n for group in claims for n in group if place[n] <= places < place[n] + len(group) - 1)
    return Contest(ranking, place, tuple(name for group in claims for name in group), tied, places)
