"""What a folded log is, as bytes and back, so that a recorder need not fold it again.

The form follows from the types of the fields: whoever adds one to the state has nothing to do here, and a type that cannot be
written stops the first import. The bytes are for the very build that wrote them (docs/decisions/0031).
"""

from __future__ import annotations

import types
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import orjson
from pydantic import BaseModel

from handlers.columnar import (
    Bytes,
    Column,
    Document,
    Members,
    Optional,
    Pairs,
    Plain,
    Pools,
    Reading,
    Rows,
    Texts,
)
from handlers.engine import Engine
from handlers.fold import Hole
from handlers.parts import Unreadable, nothing_beside, reading
from handlers.places import Places
from handlers.pooled import Engines, Given, Models, Objects, Shared
from handlers.state import State
from handlers.table import Load, Table
from handlers.tabled import Blocks, Standing, Tabled

FORMAT = 2
"""Of the bytes; another one is not read."""

JUDGED_BY = frozenset({"seen", "places", "waits", "claims", "forgotten"})
"""What only judging needs of a state."""


@dataclass(slots=True)
class Folded:
    """A state as judging keeps it, and the records without content whose verdict is open (`handlers.fold`)."""

    state: State
    hiding: dict[int, Hole] = field(default_factory=dict)
    tables: Sequence[Table[Any, Any]] = field(default=(), compare=False)
    """Of what was opened by a snapshot: what need not be read yet."""


_SHARED_FROM = 3
"""Members from which on a tuple is worth a number of its own."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """The bytes of a folded log: its head, to be packed, and the parts beside it. `parts` are those that are not kept yet,
    `names` those of all. `adopting` is to be called once they are kept: then what they say is no longer kept in memory.
    """

    head: bytes
    parts: Mapping[bytes, bytes]
    names: frozenset[bytes]
    adopting: Sequence[Callable[[], None]]

    def adopt(self) -> None:
        for take in self.adopting:
            take()


class _Forms:
    """The column of each type, made once. `order` has the pools so that each comes before those that it refers to."""

    def __init__(self, outermost: type) -> None:
        self._objects: dict[type, Objects] = {}
        self._shared: dict[Any, Shared] = {}
        self.order: list[Objects | Shared] = []
        self.outermost = self._object(outermost)
        self.order.reverse()

    def _object(self, made_of: type) -> Objects:
        found = self._objects.get(made_of)
        if found is None:
            found = self._objects[made_of] = Objects(made_of)
            hints = get_type_hints(made_of)
            found.columns = {one.name: self.column(hints[one.name]) for one in fields(made_of) if one.compare}
            self.order.append(found)
        return found

    def column(self, hint: Any) -> Column:
        """Raises TypeError for a type that has no form."""
        if hint == Mapping[str, Engine] | None:
            return Given()
        if (made := self._plain(hint)) is not None:
            return made
        origin, parts = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            (each,) = (part for part in parts if part is not type(None))
            return Optional(self.column(each))
        if origin is tuple and parts[1:] != (...,):
            return self._tuple(hint, parts)
        if origin in _COLLECTIONS:
            return _COLLECTIONS[origin](*(self.column(part) for part in parts if part is not ...))
        raise TypeError(f"a folded log cannot hold {hint!r}: say in handlers/folded.py how it is written")

    def _tuple(self, hint: Any, parts: tuple[Any, ...]) -> Column:
        members = Members(tuple(map(self.column, parts)))
        if not (len(parts) >= _SHARED_FROM and set(parts) <= {str, int}):
            return members
        if hint not in self._shared:
            self._shared[hint] = Shared(str(hint), members)
            self.order.append(self._shared[hint])
        return self._shared[hint]

    def _plain(self, hint: Any) -> Column | None:
        if hint in _PLAIN:
            return _PLAIN[hint]
        if get_origin(hint) is Literal:
            return _PLAIN[type(get_args(hint)[0])]
        if isinstance(hint, type) and get_origin(hint) is None:
            if is_dataclass(hint):
                return self._object(hint)
            if issubclass(hint, BaseModel):
                return Models(hint)
        return None


def _counter(pairs: Any) -> Counter[Any]:
    return Counter(dict(pairs))


_TEXTS, _NUMBERS = Texts(), Plain()
_PLAIN: Mapping[Any, Column] = {
    str: _TEXTS, int: _NUMBERS, bool: _NUMBERS, bytes: Bytes(), dict[str, Any]: _NUMBERS, Engine: Engines(),
    Places: Standing(),
}  # fmt: skip
_COLLECTIONS: Mapping[Any, Callable[..., Column]] = {
    list: partial(Rows, list),
    tuple: partial(Rows, tuple),
    set: partial(Rows, set, order=sorted),
    dict: partial(Pairs, dict),
    Mapping: partial(Pairs, dict),
    MutableMapping: lambda keys, values: Tabled(Blocks(keys, values)),
    Counter: lambda of: Pairs(_counter, of, _NUMBERS),
}
_FORMS = _Forms(Folded)


def encode(folded: Folded) -> Encoded:
    """The bytes of a folded log, the same for the same log that was folded from its start. Raises Unreadable where it holds
    what JSON cannot.
    """
    into = Pools(_FORMS.order)
    try:
        _FORMS.outermost.write([folded], into)
        pools = into.written()
        head = orjson.dumps({"format": FORMAT, "texts": list(into.texts), "pools": pools})
    except (TypeError, ValueError) as error:
        raise Unreadable(f"a folded log of {folded.state.programme!r} cannot be written: {error}") from error
    parts = into.parts
    return Encoded(head, parts.new, frozenset(parts.names), parts.adopting)


def decode(
    data: bytes,
    load: Load = nothing_beside,
    engines: Mapping[str, Engine] | None = None,
    *,
    judging: bool = True,
    is_lazy: bool = False,
) -> Folded:
    """The folded log that these bytes are; without what only judging needs where nobody will judge. Its large dictionaries
    read their rows when they are asked for, if it `is_lazy`. Raises Unreadable.
    """
    how = Reading(engines, (State, frozenset() if judging else JUDGED_BY), load, is_lazy)
    with reading("a folded log"):
        written = orjson.loads(data)
        if written["format"] != FORMAT:
            raise ValueError(f"format {written['format']}, expected {FORMAT}")
        (folded,) = _FORMS.outermost.read([0], Document(written["texts"], written["pools"], how))
    assert isinstance(folded, Folded)
    folded.tables = how.tables
    return folded


def pack(data: bytes) -> bytes:
    """What is kept of the bytes: they repeat themselves much."""
    return zlib.compress(data, 1)


def unpack(packed: bytes) -> bytes:
    """Raises Unreadable."""
    with reading("a packed folded log"):
        return zlib.decompress(packed)
