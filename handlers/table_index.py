"""Where a key may be in a table: by its hash, or, where keys ascend, by the first of each block. See `handlers.table`."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from handlers import table
from handlers.table import Load

_ROW_BITS = 28
_ROW = (1 << _ROW_BITS) - 1
_HASH = ((1 << 64) - 1) ^ _ROW
"""An entry of an index: the beginning of a key's hash, and the row of that key. The hash only saves reading: of which key a row
is, the row says."""

PER_PART = 1024
"""Entries of a part of an index at most, about."""


def hash_of(key: Any) -> int:
    """The same in every process; of every type that a table has as its keys."""
    if type(key) is tuple:
        key = "\0".join(map(str, key))
    data = key if type(key) is bytes else str(key).encode(errors="surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


def bits_for(count: int) -> int:
    """Into how many parts, as a power of two, an index of so many entries is cut."""
    return max(0, (count - 1) // PER_PART).bit_length()


def entries(keys: Iterable[Any], first: int) -> list[int]:
    """Those of keys in rows from `first` on. Raises ValueError where there are more than an index can have."""
    found = [hash_of(key) & _HASH | row for row, key in enumerate(keys, first)]
    if first + len(found) > _ROW:
        raise ValueError(f"a table of {first + len(found)} rows is larger than {_ROW}")
    return found


def to_bytes(part: array[int]) -> bytes:
    """The same on every machine."""
    return _little(array("Q", part)).tobytes()


def from_bytes(data: bytes) -> array[int]:
    part = array("Q")
    part.frombytes(data)
    return _little(part)


def _little(part: array[int]) -> array[int]:
    if sys.byteorder == "big":
        part.byteswap()
    return part


@dataclass(slots=True)
class Hashed:
    """Parts of an index, by the first bits of a hash; `names` are those in the snapshot, `parts` those that were read."""

    bits: int
    names: Sequence[bytes]
    load: Load
    parts: dict[int, array[int]] = field(default_factory=dict)

    @property
    def held(self) -> int:
        return sum(map(len, self.parts.values()))

    def part(self, number: int) -> array[int]:
        found = self.parts.get(number)
        if found is None:
            (found,) = self.load((self.names[number],), from_bytes)
            self.parts[number] = found
        return found

    def rows(self, key: Any, keys_of: Callable[[int], Sequence[Any]]) -> Iterator[int]:
        wanted = hash_of(key)
        part = self.part(wanted >> (64 - self.bits))
        wanted &= _HASH
        for at in range(bisect_left(part, wanted), len(part)):
            if part[at] & _HASH != wanted:
                return
            yield part[at] & _ROW

    def grown(self, added: list[int], count: int) -> Mapping[int, array[int]]:
        """The parts that are others with these entries, for so many rows: all of them where they are cut anew."""
        bits, added = bits_for(count), sorted(added)
        if bits == self.bits:
            cut = split(added, bits)
            return {number: merged(self.part(number), new) for number, new in cut.items() if new}
        missing = [number for number in range(1 << self.bits) if number not in self.parts]
        self.parts.update(zip(missing, self.load([self.names[at] for at in missing], from_bytes), strict=True))
        whole = array("Q")
        for number in range(1 << self.bits):
            whole.extend(self.parts[number])
        return split(merged(whole, added), bits)


def merged(part: array[int], new: Sequence[int]) -> array[int]:
    return array("Q", sorted([*part, *new]))


def split(whole: Sequence[int], bits: int) -> dict[int, array[int]]:
    """Ascending entries, cut by the first bits of their hashes."""
    ends = [bisect_left(whole, (number + 1) << (64 - bits)) for number in range(1 << bits)]
    starts = [0, *ends[:-1]]
    return {number: array("Q", whole[start:end]) for number, (start, end) in enumerate(zip(starts, ends, strict=True))}


@dataclass(frozen=True, slots=True)
class Ascending:
    """Where keys only grow: the first of each block."""

    firsts: Sequence[int]

    @property
    def held(self) -> int:
        return 0

    def rows(self, key: Any, keys_of: Callable[[int], Sequence[Any]]) -> Iterator[int]:
        number = bisect_right(self.firsts, key) - 1
        if number >= 0 and (at := bisect_left(keys := keys_of(number), key)) < len(keys):
            yield number * table.ROWS + at
