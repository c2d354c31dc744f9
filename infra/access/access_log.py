"""Who saw or did what: lines that are only added, each bound to the one before by a hash. Apart from every decision log, since
what is personal here has to go in its time, and nothing ever leaves a decision log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, delete, insert, select, text

from events.errors import Refused, Tampered
from infra.access.tables import access_cuts, access_log
from infra.ledger.database import reading, writing

START = bytes(32)
NUMBER = access_log.c.index.label("number")
"""A row has a method `index`."""
_ONE_WRITER = 0x7068676163636573
"""The advisory lock of those who add lines, "phgacces"."""


@dataclass(frozen=True, slots=True)
class Access:
    """One page or act. `visitor` is empty for somebody who has not signed in; `about`: the entrant or record in the address."""

    at_ms: int
    visitor: str
    right: str
    programme: str | None
    method: str
    path: str
    status: int
    address: str
    about: str = ""
    request: str = ""

    def encode(self) -> str:
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS).decode()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a log stands: the next line's index, and the hash that binds everything before it."""

    index: int
    chain: bytes

    def __str__(self) -> str:
        return f"{self.index}:{self.chain.hex()}"


class AccessLog:
    """Durable when a call returns. Threads and processes may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, lines: Sequence[Access]) -> None:
        """All of them, in this order."""
        rows: list[dict[str, Any]] = []
        with writing(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_WRITER})
            head = _head(connection)
            for line in lines:
                said = line.encode()
                rows.append(
                    {"index": head.index, "at_ms": line.at_ms, "programme": line.programme, "line": said,
                     "chain": _next(head.chain, said)}
                )  # fmt: skip
                head = Place(head.index + 1, rows[-1]["chain"])
            connection.execute(insert(access_log), rows)

    def last(self, count: int, programme: str | None = None, visitor: str | None = None) -> list[dict[str, Any]]:
        """The last lines, the newest last: of one programme, of one visitor, or all."""
        wanted = select(NUMBER, access_log.c.line).order_by(access_log.c.index.desc())
        if programme is not None:
            wanted = wanted.where(access_log.c.programme == programme)
        found: list[dict[str, Any]] = []
        with reading(self._engine) as connection:
            for row in connection.execution_options(yield_per=1000).execute(wanted):
                line = orjson.loads(row.line)
                if visitor is None or line["visitor"] == visitor:
                    found.append({"index": row.number, **line})
                if len(found) == count:
                    break
        return found[::-1]

    def verify(self, known: Place | None = None) -> Place:
        """Where the log stands, after every line was hashed again. Raises Tampered for a line that was changed, put in or
        taken out; with a place that was noted earlier also for an end that was cut off.
        """
        with reading(self._engine, snapshot=True) as connection:
            place = _cut(connection)
            begins = place.index
            is_known = known is None or known == place
            for row in _lines(connection):
                place = _checked(place, row)
                is_known = is_known or place == known
        if known is not None and known.index < begins:
            raise Refused(f"what was before {begins} is deleted, so {known.index} cannot be compared")
        if not is_known:
            raise Tampered(f"the access log does not go on from {known}: it stands at {place}")
        return place

    def cut(self, before_ms: int, now_ms: int) -> int:
        """Deletes what is older, up to the first line that is not, and notes that it did. Returns how many lines."""
        with writing(self._engine) as connection:
            kept = connection.execute(
                select(access_log.c.index).where(access_log.c.at_ms >= before_ms).order_by(access_log.c.index).limit(1)
            ).scalar()
            begins, ends = _cut(connection).index, _head(connection) if kept is None else _before(connection, kept)
            if ends.index <= begins:
                return 0
            connection.execute(insert(access_cuts).values(index=ends.index, chain=ends.chain, at_ms=now_ms))
            connection.execute(delete(access_log).where(access_log.c.index < ends.index))
            return ends.index - begins


def _next(chain: bytes, line: str) -> bytes:
    return sha256(chain + line.encode()).digest()


def _head(connection: Connection) -> Place:
    row = connection.execute(
        select(NUMBER, access_log.c.chain).order_by(access_log.c.index.desc()).limit(1)
    ).one_or_none()
    return _cut(connection) if row is None else Place(row.number + 1, row.chain)


def _before(connection: Connection, index: int) -> Place:
    row = connection.execute(select(access_log.c.chain).where(access_log.c.index == index - 1)).one_or_none()
    return _cut(connection) if row is None else Place(index, row.chain)


def _cut(connection: Connection) -> Place:
    """Where the lines begin that are still here."""
    row = connection.execute(
        select(access_cuts.c.index.label("number"), access_cuts.c.chain).order_by(access_cuts.c.index.desc()).limit(1)
    ).one_or_none()
    return Place(0, START) if row is None else Place(row.number, row.chain)


def _lines(connection: Connection) -> Iterator[Any]:
    wanted = select(NUMBER, *access_log.c).order_by(access_log.c.index)
    return iter(connection.execution_options(yield_per=1000).execute(wanted))


def _checked(place: Place, row: Any) -> Place:
    if row.number != place.index:
        raise Tampered(f"line {place.index} of the access log is missing", expected=place.index, found=row.number)
    if row.chain != (expected := _next(place.chain, row.line)):
        raise Tampered(
            f"line {row.number} of the access log, or the one before it, is not the one that was written",
            expected=expected.hex(), found=row.chain.hex(),
        )  # fmt: skip
    said = orjson.loads(row.line)
    if (said["at_ms"], said["programme"]) != (row.at_ms, row.programme):
        raise Tampered(f"the columns of line {row.number} of the access log differ from the line")
    return Place(row.number + 1, row.chain)
