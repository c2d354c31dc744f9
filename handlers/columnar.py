"""Typed values as columns of JSON, and back: exact, driven by type hints alone, and quick for a million of them.

A column is a list of values of one type. A tuple becomes a column for each of its members, a dictionary one of keys and one
of values, an object one for each of its fields. Every distinct text, and every object, is written once, in a pool, and
referred to by its number: so what was one object is one object again, which matters where it is changed later.

Each class below, and in `handlers.pooled` and `handlers.tabled`, writes and reads the columns of one form of type.
`handlers.folded` says which types they are.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count, islice, repeat
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Protocol

from handlers.engine import Engine
from handlers.parts import Parts
from handlers.table import Load, Table

Written = Any
"""What JSON can hold."""


class Form(Protocol):
    """Of what is written in a pool."""

    @property
    def pool(self) -> str: ...
    def write_pool(self, into: Pools) -> Written: ...


@dataclass(slots=True)
class Pools:
    """What a document is written into: the texts by their numbers, and the objects of each class by theirs. `forms` are those
    of all pools, each before those that it refers to.
    """

    forms: Sequence[Form] = ()
    parts: Parts = field(default_factory=Parts)
    texts: dict[str, int] = field(default_factory=lambda: defaultdict(count().__next__))
    numbers: dict[str, dict[int, int]] = field(default_factory=dict)
    objects: dict[str, dict[int, Any]] = field(default_factory=dict)

    def refer(self, pool: str, values: list[Any]) -> list[int]:
        """The numbers of objects in a pool, which they are put into where they are not there yet."""
        if pool not in self.numbers:
            self.numbers[pool], self.objects[pool] = defaultdict(count().__next__), {}
        numbers = list(map(self.numbers[pool].__getitem__, map(id, values)))
        self.objects[pool].update(zip(numbers, values, strict=True))
        return numbers

    def everything(self, pool: str) -> list[Any]:
        """What was put into a pool, by number; to be asked when nothing more will be."""
        return list(self.objects.get(pool, {}).values())

    def apart(self) -> Pools:
        """Those of another document, with the same parts beside it."""
        return Pools(self.forms, self.parts)

    def written(self) -> Mapping[str, Written]:
        """The pools that something is in."""
        return {form.pool: form.write_pool(self) for form in self.forms if form.pool in self.numbers}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a folded log is read: `load` reads its parts, those of large dictionaries when they are asked for if it `is_lazy`.
    The texts that were read so far are `known`, so that each is one object; `tables` are the dictionaries that are to be read.
    """

    engines: Mapping[str, Engine] | None
    without: tuple[type, frozenset[str]]
    """Fields of one class that nobody asks for: they have what a new object has."""
    load: Load
    is_lazy: bool = False
    known: dict[Any, Any] = field(default_factory=dict)
    tables: list[Table[Any, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """What is read: the texts, the other pools, and the objects that were made of them so far."""

    texts: list[str]
    pools: Mapping[str, Written]
    how: Reading
    made: dict[str, list[Any]] = field(default_factory=dict)

    def beside(self, texts: Iterable[str] = (), pools: Mapping[str, Written] = MappingProxyType({})) -> Document:
        """Another document that is read in the same way. Where all is read at once, each text is one object."""
        known = self.how.known
        return Document(
            [*texts] if self.how.is_lazy else [known.setdefault(text, text) for text in texts], pools, self.how
        )

    def referred(self, pool: str, numbers: list[int], make: Callable[[Written, Document], list[Any]]) -> list[Any]:
        """The objects of these numbers; `make` makes all of a pool when it is first referred to."""
        if not numbers:
            return []
        if pool not in self.made:
            self.made[pool] = make(self.pools[pool], self)
        return list(map(self.made[pool].__getitem__, numbers))


class Column(Protocol):
    """How values of one type are written and read."""

    def write(self, values: list[Any], into: Pools) -> Written: ...
    def read(self, written: Written, document: Document) -> list[Any]: ...


class Plain:
    """Numbers, flags, and whatever was JSON before."""

    def write(self, values: list[Any], into: Pools) -> Written:
        return values

    def read(self, written: Written, document: Document) -> list[Any]:
        return list(written)


class Texts:
    def write(self, values: list[Any], into: Pools) -> Written:
        return list(map(into.texts.__getitem__, values))

    def read(self, written: Written, document: Document) -> list[Any]:
        return list(map(document.texts.__getitem__, written))


class Bytes:
    def write(self, values: list[Any], into: Pools) -> Written:
        return [_lengths(values), b64encode(b"".join(values)).decode()]

    def read(self, written: Written, document: Document) -> list[Any]:
        return list(_slices(b64decode(written[1], validate=True), written[0]))


@dataclass(frozen=True, slots=True)
class Optional:
    """`each | None`: how many there are, which of them are there (None: all), and those."""

    each: Column

    def write(self, values: list[Any], into: Pools) -> Written:
        found = [value for value in values if value is not None]
        places = [at for at, value in enumerate(values) if value is not None] if len(found) < len(values) else None
        return [len(values), places, self.each.write(found, into)]

    def read(self, written: Written, document: Document) -> list[Any]:
        size, places, inner = written
        found = self.each.read(inner, document)
        if places is None:
            return found
        values: list[Any] = [None] * size
        for at, value in zip(places, found, strict=True):
            values[at] = value
        return values


@dataclass(frozen=True, slots=True)
class Members:
    """A tuple with so many members of these types."""

    each: tuple[Column, ...]

    def write(self, values: list[Any], into: Pools) -> Written:
        return [each.write(list(map(itemgetter(at), values)), into) for at, each in enumerate(self.each)]

    def read(self, written: Written, document: Document) -> list[Any]:
        columns = [each.read(column, document) for each, column in zip(self.each, written, strict=True)]
        return list(zip(*columns, strict=True))


@dataclass(frozen=True, slots=True)
class Rows:
    """Collections of one type of members: how many each has, and all of them in one column. `order` is how a collection
    without an order is written.
    """

    make: Callable[[Iterable[Any]], Any]
    each: Column
    order: Callable[[Iterable[Any]], Iterable[Any]] = iter

    def write(self, values: list[Any], into: Pools) -> Written:
        return [_lengths(values), self.each.write(list(chain.from_iterable(map(self.order, values))), into)]

    def read(self, written: Written, document: Document) -> list[Any]:
        found = self.each.read(written[1], document)
        if self.make is tuple and written[0] == [1, len(found)]:
            return list(zip(found, strict=True))  # As nearly all are.
        return list(map(self.make, _slices(found, written[0])))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Dictionaries, in their order."""

    make: Callable[[Iterable[Any]], Any]
    keys: Column
    values: Column

    def write(self, values: list[Any], into: Pools) -> Written:
        keys, members = chain.from_iterable(values), chain.from_iterable(value.values() for value in values)
        return [_lengths(values), self.keys.write(list(keys), into), self.values.write(list(members), into)]

    def read(self, written: Written, document: Document) -> list[Any]:
        pairs = zip(self.keys.read(written[1], document), self.values.read(written[2], document), strict=True)
        found = [self.make(islice(pairs, length)) for length in _each_length(written[0])]
        if next(pairs, None) is not None:
            raise ValueError("a dictionary has more members than its length says")
        return found


def _lengths(values: Sequence[Any]) -> Written:
    """How long each is: where all are alike, that length and how many they are."""
    lengths = list(map(len, values))
    first = lengths[0] if lengths else 0
    return [first, len(lengths)] if lengths.count(first) == len(lengths) else {"of": lengths}


def _each_length(lengths: Written) -> Iterator[int]:
    return iter(lengths["of"]) if isinstance(lengths, dict) else repeat(lengths[0], lengths[1])


def _slices(found: Any, lengths: Written) -> Iterator[Any]:
    """What is in one row, as slices of these lengths. Raises ValueError where they do not cover it."""
    at = 0
    for length in _each_length(lengths):
        yield found[at : at + length]
        at += length
    if at != len(found):
        raise ValueError(f"lengths add up to {at}, there are {len(found)}")
