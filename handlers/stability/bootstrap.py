"""Who would advance if the evaluators had been drawn anew, from a seed that anybody can draw from again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from handlers.stability.again import Again
from handlers.stability.changes import Draws

_WORD = 4
_RANGE = 1 << (8 * _WORD)


class Dice:
    """Numbers from a seed, the same on every machine: the big-endian 32-bit words of SHA-256(`<seed>:<counter>`), counter
    from 0; one that would favour small numbers is thrown away.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counter = 0
        self._words: list[int] = []

    def below(self, end: int) -> int:
        """A number of 0 .. end - 1, each as likely as the others."""
        limit = _RANGE - _RANGE % end
        while (word := self._next()) >= limit:
            pass
        return word % end

    def _next(self) -> int:
        if not self._words:
            block = hashlib.sha256(f"{self._seed}:{self._counter}".encode()).digest()
            self._counter += 1
            self._words = [int.from_bytes(block[at : at + _WORD]) for at in range(0, len(block), _WORD)][::-1]
        return self._words.pop()


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """`advances`: in how many of the resamples each entrant advanced; `is_open`: in how many its outcome stayed open (a
    tie at the cut). `panels` are those that were drawn from; one of a single member is not.
    """

    seed: int
    resamples: int
    panels: tuple[str, ...]
    advances: Mapping[str, int]
    is_open: Mapping[str, int]

    def share(self, entrant: str) -> Fraction:
        """The share of the resamples in which the entrant advances."""
        return Fraction(self.advances[entrant], self.resamples)


def bootstrap(again: Again, seed: int, resamples: int) -> Bootstrap:
    """Every panel is drawn anew with replacement, as large as it is, independently of the others; gates, floors and votes
    act as they were found. Panels in the order of their ids, members too.
    """
    dice, panels = Dice(seed), _panels(again)
    advances: Counter[str] = Counter()
    is_open: Counter[str] = Counter()
    for _ in range(resamples):
        fates = again.resampled(_draws(dice, panels)).fates
        advances.update(name for name, fate in fates.items() if fate == "advanced")
        is_open.update(name for name, fate in fates.items() if fate is None)
    names = sorted(again.base.fates)
    return Bootstrap(
        seed,
        resamples,
        tuple(panels),
        {name: advances[name] for name in names},
        {name: is_open[name] for name in names},
    )


def _panels(again: Again) -> dict[str, tuple[str, ...]]:
    """The members of each panel that marks and has more than one, sorted."""
    found: dict[str, set[str]] = {}
    for path, leaf in again.inputs.rules.leaves.items():
        found.setdefault(leaf.panel, set()).update(again.inputs.seats.get(path, ()))
    return {panel: tuple(sorted(who)) for panel, who in sorted(found.items()) if len(who) > 1}


def _draws(dice: Dice, panels: Mapping[str, tuple[str, ...]]) -> Draws:
    return {panel: [who[dice.below(len(who))] for _ in who] for panel, who in panels.items()}
