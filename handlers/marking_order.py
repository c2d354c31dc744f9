"""The order in which an evaluator marks the entrants of a phase: drawn by lot, fixed before the first mark, the same for
whoever computes it (docs/decisions/0042).

The lot of an entrant is the SHA-256 of six lines: DOMAIN, the root of the log that ends with the opening of the phase, the
digest of the rules that it was opened under, phase, evaluator and entrant. The lowest lot is marked first. Who is out of
the count for somebody keeps a place, so that the others' order does not move.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from handlers.state import PhaseState

DOMAIN = "phasegate marking order v1"


@dataclass(frozen=True, slots=True)
class Seed:
    """What the lots of one phase are drawn from. `rulebook` is a digest in hex."""

    root: bytes
    rulebook: str
    phase: str


def seed_size(phase: PhaseState) -> int:
    """The size of the log whose root is drawn from. Its last entry is the opening itself: the salt in that entry was not
    there while anybody could still choose when, or as what, the phase is opened.
    """
    return phase.opened.index + 1


def seed_of(phase: PhaseState, root: bytes) -> Seed:
    """`root` is that of the first `seed_size` entries."""
    return Seed(root, phase.digest, phase.rules.id)


def lot(seed: Seed, evaluator: str, entrant: str) -> str:
    """In hex. No id has a line break, so that no two inputs are written alike."""
    lines = (DOMAIN, seed.root.hex(), seed.rulebook, seed.phase, evaluator, entrant)
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def drawn(seed: Seed, evaluator: str, entrants: Iterable[str]) -> tuple[str, ...]:
    """The entrants in the order in which this evaluator marks them."""
    return tuple(sorted(entrants, key=lambda entrant: (lot(seed, evaluator, entrant), entrant)))
