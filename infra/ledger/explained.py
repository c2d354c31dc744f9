"""Openings that are not there, against what the log says was erased: each must be explained, and each erasure carried out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from events.entry import Members
from events.envelope import decode_accepted
from infra.ledger.reader import query
from infra.ledger.rows import Fault

_ROWS = 'SELECT "index", settled, "by", identity FROM erasures WHERE log_id = ?'
_ERASURE = "phasegate.record.erased.v1"
_HASH = 32

At = tuple[str, int, int]


class ErasureFaults:
    """Compares in one pass with the entries: `saw` for each, `gone` for a first entry without an opening, then `faults`."""

    def __init__(self, connection: Connection, log: Any) -> None:
        self._programme = log.programme
        self._rows = {row[0]: row for row in query(connection, _ROWS, log.id)}
        self._named: dict[At, int] = {}
        self._pending: dict[int, bytes] = {}
        self._gone: dict[int, tuple[At, int | None]] = {}
        self._settled: dict[int, int] = {}

    def explains(self, index: int) -> bool:
        """A row says that the opening of this entry was erased."""
        return index in self._rows

    def gone(self, said: Members) -> None:
        """A first entry whose opening is not there."""
        self._gone[said[0]] = ((said[1], said[2], said[3]), None)

    def saw(self, said: Members, value: bytes | None) -> None:
        """An entry, with the value of a first one."""
        index, verdict, of = said[0], said[6], said[10]
        if of is not None and of in self._gone:
            self._gone[of] = (self._gone[of][0], index)
        if said[8] != _ERASURE:
            return
        if verdict == "pending" and value is not None:
            self._pending[index] = value
        found = value if of is None else self._pending.pop(of, None)
        if verdict == "accepted" and found is not None:
            for row in decode_accepted(found).data["records"]:
                self._named[row["topic"], row["partition"], row["offset"]] = index

    def faults(self) -> Iterator[Fault]:
        """What is gone and was not erased, what was erased and is there, and rows that say other than the log."""
        for index, (_, settled, by, identity) in sorted(self._rows.items()):
            key = f"{self._programme}[{index}]"
            if index not in self._gone:
                yield Fault("erasures", key, "index", "an entry whose opening is gone", "none")
                continue
            at, settlement = self._gone[index]
            if by is None or self._named.get(at) != by:
                where = self._named.get(at)
                expected = "an accepted record.erased" if where is None else f"entry {where}"
                yield Fault("erasures", key, "by", f"{expected} that names {at[0]}/{at[1]}/{at[2]}", str(by))
            if by is not None and settled != settlement:
                yield Fault("erasures", key, "settled", str(settlement), str(settled))
            if identity is not None and len(identity) != _HASH:
                yield Fault("erasures", key, "identity", f"{_HASH} bytes", f"{len(identity)} bytes")
        kept = self._named.keys() - {at for at, _ in self._gone.values()}
        for topic, partition, offset in sorted(kept):
            by = self._named[topic, partition, offset]
            key = f"{self._programme}: {topic}/{partition}/{offset}"
            yield Fault("openings", key, "salt", f"nothing: erased by entry {by}", "an opening")
