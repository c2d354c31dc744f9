"""What a folded log has beside its head: parts, each named by what it says. So one that is the same is not written twice, and
one that is damaged is noticed when it is read.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")

NAME_BYTES = 16


class Unreadable(ValueError):
    """These bytes are not what this build writes."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Says of whatever reading raises that the bytes are not what they should be."""
    try:
        yield
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, zlib.error) as error:
        raise Unreadable(f"not {what}: {type(error).__name__}: {error}") from error


@dataclass(slots=True)
class Parts:
    """What is written beside a document: the parts that are new, by name; the names of all that it consists of; and what is
    to be done once they are kept.
    """

    new: dict[bytes, bytes] = field(default_factory=dict)
    names: set[bytes] = field(default_factory=set)
    adopting: list[Callable[[], None]] = field(default_factory=list)

    def put(self, data: bytes) -> bytes:
        """Adds a part. Gives its name."""
        name = sha256(data).digest()[:NAME_BYTES]
        self.new[name] = data
        self.names.add(name)
        return name


def nothing_beside(names: Sequence[bytes], make: Callable[[bytes], T]) -> list[T]:  # noqa: ARG001 - a Load
    """For what has no parts. Raises Unreadable where it has."""
    if names:
        raise Unreadable("a part that it consists of is not there")
    return []
