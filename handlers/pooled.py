"""Columns of what is written once and referred to by number, and of rules and engines; see `handlers.columnar`."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from operator import attrgetter
from typing import Any

from pydantic import BaseModel

from handlers.columnar import Column, Document, Members, Pools, Reading, Written
from handlers.engines import find_engine
from handlers.parts import nothing_beside

_NOTHING = Document([], {}, Reading(None, (object, frozenset()), nothing_beside))


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
        of, names = document.how.without
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
        return [find_engine(document.how.engines, name) for name in written]


class Given:
    """What is not written: the table of engines is the reader's."""

    def write(self, values: list[Any], into: Pools) -> Written:
        return len(values)

    def read(self, written: Written, document: Document) -> list[Any]:
        return [document.how.engines] * written


def _new(known: Field[Any]) -> Any:
    if known.default_factory is not MISSING:
        return known.default_factory()
    if known.default is MISSING:
        raise ValueError(f"{known.name} cannot be left out")
    return known.default
