"""Parts of folded logs that were encoded in a test, as a ledger would give them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from handlers.folded import Encoded

T = TypeVar("T")


class Beside:
    """Gives the parts that were encoded, and notes which were asked for."""

    def __init__(self) -> None:
        self.parts: dict[bytes, bytes] = {}
        self.asked: list[bytes] = []

    def keep(self, encoded: Encoded) -> None:
        """As a ledger does: what is no part of it is gone, and what it has to have is there."""
        self.parts |= encoded.parts
        self.parts = {name: self.parts[name] for name in encoded.names}

    def __call__(self, names: Sequence[bytes], make: Callable[[bytes], T]) -> list[T]:
        self.asked += names
        return [make(self.parts[name]) for name in names]


def beside(encoded: Encoded) -> Beside:
    found = Beside()
    found.keep(encoded)
    return found
