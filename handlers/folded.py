"""What a folded log is, as bytes and back, so that a recorder need not fold it again.

The form follows from the types of the fields: whoever adds one to the state has nothing to do here, and a type that cannot be
written stops the first import. The bytes are for the very build that wrote them (docs/decisions/0031).
"""

from __future__ import annotations

import types
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import partial
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import orjson
from pydantic import BaseModel

from handlers.columnar import Bytes, Column, Document, Members, Optional, Pairs, Plain, Pools, Rows, Texts
from handlers.engine import Engine
from handlers.fold import Hole
from handlers.pooled import Engines, Given, Models, Objects, Shared
from handlers.state import State

FORMAT = 1
"""Of the bytes; another one is not read."""

JUDGED_BY = frozenset({"seen", "places", "waits", "claims", "forgotten"})
"""What only judging needs of a state."""


@dataclass(slots=True)
class Folded:
    """A state as judging keeps it, and the records without content whose verdict is open (`handlers.fold`)."""

    state: State
    hiding: dict[int, Hole] = field(default_factory=dict)


_SHARED_FROM = 3
"""Members from which on a tuple is worth a number of its own."""


class Unreadable(ValueError):
    """These bytes are not what this build writes."""


class _Array:
    """Stands for `array[int]`, which Python before 3.12 does not evaluate."""

    def __class_getitem__(cls, _part: Any) -> type[_Array]:
        return cls


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
            hints = get_type_hints(made_of, localns={"array": _Array})
            found.columns = {name: self.column(hint) for name, hint in hints.items()}
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
    _Array: Rows(partial(array, "q"), _NUMBERS),
}  # fmt: skip
_COLLECTIONS: Mapping[Any, Callable[..., Column]] = {
    list: partial(Rows, list),
    tuple: partial(Rows, tuple),
    set: partial(Rows, set, order=sorted),
    dict: partial(Pairs, dict),
    Mapping: partial(Pairs, dict),
    Counter: lambda of: Pairs(_counter, of, _NUMBERS),
}
_FORMS = _Forms(Folded)


def encode(folded: Folded) -> bytes:
    """The bytes of a folded log, the same for the same log; to be packed. Raises Unreadable where it holds what JSON cannot."""
    into = Pools()
    try:
        _FORMS.outermost.write([folded], into)
        pools = {form.pool: form.write_pool(into) for form in _FORMS.order}
        return orjson.dumps({"format": FORMAT, "texts": list(into.texts), "pools": pools})
    except (TypeError, ValueError) as error:
        raise Unreadable(f"a folded log of {folded.state.programme!r} cannot be written: {error}") from error


def decode(data: bytes, engines: Mapping[str, Engine] | None = None, *, judging: bool = True) -> Folded:
    """The folded log that these bytes are; without what only judging needs where nobody will judge. Raises Unreadable."""
    try:
        written = orjson.loads(data)
        if written["format"] != FORMAT:
            raise Unreadable(f"format {written['format']}, expected {FORMAT}")
        document = Document(written["texts"], written["pools"], engines, (State, _left_out(judging)))
        (folded,) = _FORMS.outermost.read([0], document)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise Unreadable(f"not a folded log: {type(error).__name__}: {error}") from error
    assert isinstance(folded, Folded)
    return folded


def _left_out(judging: bool) -> frozenset[str]:
    return frozenset() if judging else JUDGED_BY


def pack(data: bytes) -> bytes:
    """What is kept of the bytes: they repeat themselves much."""
    return zlib.compress(data, 1)


def unpack(packed: bytes) -> bytes:
    """Raises Unreadable."""
    try:
        return zlib.decompress(packed)
    except zlib.error as error:
        raise Unreadable(f"not a packed folded log: {error}") from error
