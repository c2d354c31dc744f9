"""How large dictionaries of a folded log are written and read: small ones with the rest of it, others as blocks of rows and an
index, each of them a part by itself, named by its bytes. What a part has not lost it need not be written again.
"""

from __future__ import annotations

import zlib
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from handlers import table
from handlers.columnar import Column, Document, Plain, Pools, Texts, Written
from handlers.parts import NAME_BYTES, reading
from handlers.places import Places
from handlers.table import Block, Index, Layout, Table
from handlers.table_index import Ascending, Hashed, bits_for, entries, split, to_bytes

SMALL = 256
"""Rows up to which a dictionary is written with the rest."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of keys and values, of which each is a document of its own."""

    keys: Column
    values: Column

    def write(self, keys: Sequence[Any], values: Sequence[Any], into: Pools) -> bytes:
        """A block. Gives its name."""
        apart = into.apart()
        written = [self.keys.write(list(keys), apart), self.values.write(list(values), apart)]
        pools = apart.written()
        return into.parts.put(zlib.compress(orjson.dumps([list(apart.texts), pools, *written]), 1))

    def read(self, document: Document, names: Sequence[bytes]) -> list[Block[Any, Any]]:
        return document.how.load(names, partial(self._block, document))

    def _block(self, document: Document, data: bytes) -> Block[Any, Any]:
        with reading("a block of rows"):
            texts, pools, keys, values = orjson.loads(zlib.decompress(data))
            apart = document.beside(texts, pools)
            return self.keys.read(keys, apart), self.values.read(values, apart)

    def opened(self, layout: Layout, index: Index, document: Document) -> MutableMapping[Any, Any]:
        """What a table is read as: itself, or a dictionary where all is read at once."""
        found = Table(layout, index, partial(self.read, document.beside()))
        if not document.how.is_lazy:
            return found.whole()
        document.how.tables.append(found)
        return found

    def grown(self, of: Table[Any, Any], keys: Sequence[Any], values: Sequence[Any], into: Pools) -> Layout:
        """What a table consists of with its changes and these rows behind: blocks that are the same are not written."""
        layout = of.layout
        assert layout is not None  # Or it would be written like a dictionary.
        names, first = [*layout.blocks], layout.count
        changed = {row // table.ROWS for row in of.changed}
        rest = -first % table.ROWS if keys else 0  # What the last block has room for.
        for number in sorted(changed | ({len(names) - 1} if rest else set())):
            old_keys, old_values = of.block(number)
            start = number * table.ROWS
            now = [of.changed.get(row, value) for row, value in enumerate(old_values, start)]
            more = rest if number == len(names) - 1 else 0
            names[number] = self.write([*old_keys, *keys[:more]], [*now, *values[:more]], into)
        names += self.all(keys[rest:], values[rest:], into)
        into.parts.names.update(names)
        return Layout(first + len(keys), tuple(names), frozenset(of.gone))

    def all(self, keys: Sequence[Any], values: Sequence[Any], into: Pools) -> list[bytes]:
        starts = range(0, len(keys), table.ROWS)
        return [self.write(keys[at : at + table.ROWS], values[at : at + table.ROWS], into) for at in starts]


@dataclass(frozen=True, slots=True)
class Tabled:
    """Dictionaries that grow with the log, in their order."""

    rows: Blocks

    def write(self, values: list[Any], into: Pools) -> Written:
        return [self._one(value, into) for value in values]

    def _one(self, value: MutableMapping[Any, Any], into: Pools) -> Written:
        if isinstance(value, Table) and value.layout is not None and len(value.gone) * 8 <= value.layout.count:
            return self._grown(value, into)
        found = value.whole() if isinstance(value, Table) else value
        keys, members = list(found), list(found.values())
        if len(keys) <= SMALL:
            return [self.rows.keys.write(keys, into), self.rows.values.write(members, into)]
        layout = Layout(len(keys), tuple(self.rows.all(keys, members, into)))
        bits = bits_for(len(keys))
        parts = split(sorted(entries(keys, 0)), bits)
        return _written(layout) | {"index": _joined([into.parts.put(to_bytes(part)) for part in parts.values()])}

    def _grown(self, of: Table[Any, Any], into: Pools) -> Written:
        added, old = list(of.added), of.index
        assert of.layout is not None
        assert isinstance(old, Hashed)
        layout = self.rows.grown(of, added, list(of.added.values()), into)
        bits, parts = bits_for(layout.count), old.grown(entries(added, of.layout.count), layout.count)
        names = [*old.names] if bits == old.bits else [b""] * (1 << bits)
        for number, part in parts.items():
            names[number] = into.parts.put(to_bytes(part))
        into.parts.names.update(names)
        kept = old.parts if bits == old.bits else {}
        index = Hashed(bits, names, old.load, {**kept, **parts})
        into.parts.adopting.append(partial(of.adopt, layout, index))
        return _written(layout) | {"index": _joined(names)}

    def read(self, written: Written, document: Document) -> list[Any]:
        return [self._made(one, document) for one in written]

    def _made(self, written: Written, document: Document) -> MutableMapping[Any, Any]:
        if isinstance(written, list):
            keys, values = (self.rows.keys.read(written[0], document), self.rows.values.read(written[1], document))
            return dict(zip(keys, values, strict=True))
        layout, names = _layout(written), _names(written["index"])
        if len(names) != 1 << (bits := bits_for(layout.count)):
            raise ValueError(f"an index of {len(names)} parts for {layout.count} rows")
        return self.rows.opened(layout, Hashed(bits, names, document.how.load), document)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where records stand (`handlers.places`): by their offsets, which ascend, so that no index is needed."""

    rows: Blocks = Blocks(Plain(), Texts())

    def write(self, values: list[Places], into: Pools) -> Written:
        return [self._one(value, into) for value in values]

    def _one(self, places: Places, into: Pools) -> Written:
        of = places.earlier
        if isinstance(of, Table) and of.layout is not None:
            return self._grown(places, of, into)
        keys, scopes = [*of, *places.offsets], [*of.values(), *places.scopes]
        if len(keys) <= SMALL:
            return [self.rows.keys.write(keys, into), self.rows.values.write(scopes, into)]
        layout = Layout(len(keys), tuple(self.rows.all(keys, scopes, into)))
        return _written(layout) | {"firsts": keys[:: table.ROWS], "last": keys[-1]}

    def _grown(self, places: Places, of: Table[int, str], into: Pools) -> Written:
        assert of.layout is not None
        assert isinstance(of.index, Ascending)
        layout = self.rows.grown(of, places.offsets, places.scopes, into)
        firsts = [*of.index.firsts, *places.offsets[-of.layout.count % table.ROWS :: table.ROWS]]
        into.parts.adopting += [partial(of.adopt, layout, Ascending(firsts)), partial(places.seal, last := places.last)]
        return _written(layout) | {"firsts": firsts, "last": last}

    def read(self, written: Written, document: Document) -> list[Any]:
        return [self._made(one, document) for one in written]

    def _made(self, written: Written, document: Document) -> Places:
        if isinstance(written, list):
            offsets, scopes = self.rows.keys.read(written[0], document), self.rows.values.read(written[1], document)
            return Places(array("q", offsets), scopes)
        layout = _layout(written)
        earlier = self.rows.opened(layout, Ascending(written["firsts"]), document)
        if isinstance(earlier, Table):
            return Places(earlier=earlier, behind=written["last"])
        return Places(array("q", earlier), [*earlier.values()])


def _written(layout: Layout) -> dict[str, Any]:
    """The number of rows to a block is part of it: with another one nothing would be found."""
    return {
        "count": layout.count, "rows": table.ROWS, "blocks": _joined(layout.blocks), "gone": sorted(layout.gone)
    }  # fmt: skip


def _layout(written: Written) -> Layout:
    layout = Layout(written["count"], _names(written["blocks"]), frozenset(written["gone"]))
    if written["rows"] != table.ROWS or len(layout.blocks) != -(-layout.count // table.ROWS):
        raise ValueError(f"{layout.count} rows in {len(layout.blocks)} blocks of {written['rows']}")
    return layout


def _joined(names: Iterable[bytes]) -> str:
    return b64encode(b"".join(names)).decode()


def _names(written: str) -> tuple[bytes, ...]:
    data = b64decode(written, validate=True)
    return tuple(data[at : at + NAME_BYTES] for at in range(0, len(data), NAME_BYTES))
