"""Typed values as columns of JSON, and back: exact, driven by type hints alone, and quick for a million of them.

A column is a list of values of one type. A tuple becomes a column for each of its members, a dictionary one of keys and one
of values, an object one for each of its fields. Every distinct text, and every object, is written once, in a pool, and
referred to by its number: so what was one object is one object again, which matters where it is changed later.

Each class below writes and reads the columns of one form of type. `handlers.folded` says which types they are.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from itertools import chain, count, islice, repeat
from operator import attrgetter, itemgetter
from typing import Any, Protocol

from pydantic import BaseModel

from handlers.engine import Engine
from handlers.engines import find_engine

Written = Any
"""What JSON can hold."""


@dataclass(slots=True)
class Pools:
    """What a document is written into: the texts by their numbers, and the objects of each class by theirs."""

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


@dataclass(slots=True)
class Document:
    """What is read: the texts, the other pools, and the objects that were made of them so far."""

    texts: list[str]
    pools: Mapping[str, Written]
    engines: Mapping[str, Engine] | None
    without: tuple[type, frozenset[str]]
    """Fields of one class that nobody asks for: they have what a new object has."""
    made: dict[str, list[Any]] = field(default_factory=dict)

    def referred(self, pool: str, numbers: list[int], make: Callable[[Written, Document], list[Any]]) -> list[Any]:
        """The objects of these numbers; `make` makes all of a pool when it is first referred to."""
        if pool not in self.made:
            self.made[pool] = make(self.pools[pool], self)
        return list(map(self.made[pool].__getitem__, numbers))


_NOTHING = Document([], {}, None, (object, frozenset()))


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
class Shared:
    """Tuples of which the same are in several places, such as the slots of marks: written once each, by number."""

    pool: str
    members: Members

    def write(self, values: list[Any], into: Pools) -> Written:
        return into.refer(self.pool, values)

    def read(self, written: Written, document: Document) -> list[Any]:
        return document.referred(self.pool, written, self.members.read)

    def write_pool(self, into: Pools) -> Written:
        return self.members.write(into.everything(self.pool), into)


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


@dataclass(slots=True)
class Objects:
    """Instances of a dataclass, by number; the pool has a column for each field. `columns` is filled when the types of the
    fields are known.
    """

    made_of: type
    columns: dict[str, Column] = field(default_factory=dict)

    @property
    def pool(self) -> str:
        return self.made_of.__name__

    def write(self, values: list[Any], into: Pools) -> Written:
        return into.refer(self.pool, values)

    def read(self, written: Written, document: Document) -> list[Any]:
        return document.referred(self.pool, written, self._made)

    def write_pool(self, into: Pools) -> Written:
        found = into.everything(self.pool)
        columns = {name: each.write(list(map(attrgetter(name), found)), into) for name, each in self.columns.items()}
        return [len(found), columns]

    def _made(self, written: Written, document: Document) -> list[Any]:
        size, columns = written
        if columns.keys() != self.columns.keys():
            raise ValueError(f"{self.made_of.__name__} has other fields than were written")
        of, names = document.without
        left_out = {one.name: one for one in fields(self.made_of) if of is self.made_of and one.name in names}
        found = (
            [_new(left_out[name]) for _ in range(size)] if name in left_out else each.read(columns[name], document)
            for name, each in self.columns.items()
        )
        return [self.made_of(*row) for row in zip(*found, strict=True)]


@dataclass(frozen=True, slots=True)
class Models:
    """Parts of a rulebook, each as the document that it is read from: rules are never gone on with that are not the same."""

    made_of: type[BaseModel]

    def write(self, values: list[Any], into: Pools) -> Written:
        documents = [value.model_dump(mode="json", by_alias=True, exclude_unset=True) for value in values]
        if self.read(documents, _NOTHING) != values:
            raise ValueError(f"some {self.made_of.__name__} is not read back as it is")
        return documents

    def read(self, written: Written, document: Document) -> list[Any]:
        return list(map(self.made_of.model_validate, written))


class Engines:
    """Engines by their ids; the reader has them."""

    def write(self, values: list[Any], into: Pools) -> Written:
        return [value.id for value in values]

    def read(self, written: Written, document: Document) -> list[Any]:
        return [find_engine(document.engines, name) for name in written]


class Given:
    """What is not written: the table of engines is the reader's."""

    def write(self, values: list[Any], into: Pools) -> Written:
        return len(values)

    def read(self, written: Written, document: Document) -> list[Any]:
        return [document.engines] * written


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


def _new(known: Field[Any]) -> Any:
    if known.default_factory is not MISSING:
        return known.default_factory()
    if known.default is MISSING:
        raise ValueError(f"{known.name} cannot be left out")
    return known.default
