"""A golden programme in a ledger's database, tampered there: each defect is found, and each at another place."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from events.bundle import decode_deployment
from events.entry import Entry, decode_entry
from events.note import parse_checkpoint
from events.tiles import WIDTH
from handlers.judge import Deployment
from handlers.replay import Replay
from infra.ledger import Batch, Ledger, LogAppend, NewEntry
from infra.ledger.database import upgrade
from tests.golden.recordings import Golden, find
from tests.support.stage import LOG_KEY

CALL = find("research-call")


def load(golden: Golden, url: str) -> None:
    """Everything of a recording into an empty ledger, signed."""
    upgrade(url)
    new, ends = [], dict[tuple[str, int], int]()
    for row in golden.rows:
        one = decode_entry(row.entry)
        settled = None if one.of is None else one.commitment
        new.append(
            NewEntry(
                one.topic, one.partition, one.offset, one.received_ms, _stamp(one), one.verdict, one.type, one.reason,
                row.opening, None, one.of, settled,
            )
        )  # fmt: skip
        ends[one.topic, one.partition] = one.offset + 1
    with closing(Ledger.open(url)) as ledger:
        log = LogAppend(golden.log, golden.said["origin"], 0, new)
        ledger.append(Batch([log], {at: (0, end) for at, end in ends.items()}))
        ledger.sign(golden.log, LOG_KEY.named(golden.said["origin"]))


def _stamp(one: Entry) -> Literal["broker", "producer"]:
    return "broker" if one.received_by == "broker" else "producer"


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    load(CALL, url)
    return url


def test_a_golden_programme_in_a_ledger_has_the_recorded_root_and_replays(url: str) -> None:
    said = decode_deployment(CALL.files["deployment.json"])
    keys = {f"{key.name}+{key.key_id.hex()}": key.public for key in said.office}
    with closing(Ledger.open(url)) as ledger:
        (signed,) = ledger.checkpoints(CALL.log)
        assert parse_checkpoint(signed.note[: signed.note.rfind(b"\n\n") + 1]).root.hex() == CALL.said["root"]
        assert list(ledger.integrity(CALL.log, [LOG_KEY.verifier])) == []
        replay = Replay(CALL.log, CALL.said["origin"], Deployment(said.partitions, keys), ledger.attribution)
        for stored in ledger.read(CALL.log):
            replay.feed(stored)
        assert replay.finish().is_identical


def _score(connection: sqlite3.Connection, nth: int = 0) -> int:
    found = connection.execute('SELECT "index" FROM entries WHERE topic = \'scores\' ORDER BY "index"').fetchall()
    return int(found[nth + 4][0])  # behind the markers


def _swap(connection: sqlite3.Connection) -> None:
    one, other = _score(connection), _score(connection, 1)
    for table in ("entries", "openings"):
        for old, new in ((one, -1), (other, one), (-1, other)):
            connection.execute(f'UPDATE {table} SET "index" = ? WHERE "index" = ?', (new, old))


def _drop(connection: sqlite3.Connection) -> None:
    for table in ("entries", "openings"):
        connection.execute(f'DELETE FROM {table} WHERE "index" = ?', (_score(connection),))


def _cut(connection: sqlite3.Connection) -> None:
    for table in ("entries", "openings"):
        connection.execute(f'DELETE FROM {table} WHERE "index" >= ?', (WIDTH // 4,))


def _change_opening(connection: sqlite3.Connection) -> None:
    change = """UPDATE openings SET value = CAST(replace(CAST(value AS TEXT), '"value":"', '"value":"1') AS BLOB)"""
    connection.execute(f'{change} WHERE "index" = ?', (_score(connection),))


def _flip(connection: sqlite3.Connection) -> None:
    """The bytes and the column, so that they agree; only the tree shows it."""
    index = _score(connection)
    (entry,) = connection.execute('SELECT entry FROM entries WHERE "index" = ?', (index,)).fetchone()
    flipped = entry.replace(b'"verdict":"accepted"', b'"verdict":"duplicate"')
    assert flipped != entry
    connection.execute("UPDATE entries SET entry = ?, verdict = 'duplicate' WHERE \"index\" = ?", (flipped, index))


def _relabel(connection: sqlite3.Connection) -> None:
    """The column alone, by which the recorder and status look things up."""
    connection.execute("UPDATE entries SET verdict = 'duplicate' WHERE \"index\" = ?", (_score(connection),))


def _lose_opening(connection: sqlite3.Connection) -> None:
    connection.execute('DELETE FROM openings WHERE "index" = ?', (_score(connection),))


def _forge_checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE checkpoints SET note = CAST(replace(CAST(note AS TEXT), '=', 'A') AS BLOB)")


def _move_position(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE positions SET next_offset = next_offset - 1 WHERE topic = 'scores'")


DEFECTS: dict[str, tuple[Callable[[sqlite3.Connection], None], str]] = {
    "entries in another order": (
        _swap, "entries.index entries.entry checkpoints.stack checkpoints.note logs.stack",
    ),
    "an entry dropped": (_drop, "entries.index"),
    "the end cut off": (_cut, "logs.size logs.stack checkpoints.size positions.next_offset"),
    "a score changed in its opening": (_change_opening, "openings.salt, key, headers, value"),
    "a verdict flipped in the entry": (_flip, "entries.entry checkpoints.stack checkpoints.note logs.stack"),
    "a verdict flipped in its column": (_relabel, "entries.verdict"),
    "an opening deleted": (_lose_opening, "openings.salt"),
    "a checkpoint forged": (_forge_checkpoint, "checkpoints.digest checkpoints.note"),
    "a position moved": (_move_position, "positions.digest positions.next_offset"),
}  # fmt: skip
"""How it is done, and which columns the faults name, the nearest to the change first."""


@pytest.fixture
def intruder(url: str) -> Iterator[sqlite3.Connection]:
    """Somebody with all rights: no trigger and no foreign key stops a statement."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection


@pytest.mark.parametrize("name", DEFECTS)
def test_the_defect_is_found_where_it_was_made(name: str, url: str, intruder: sqlite3.Connection) -> None:
    tamper, columns = DEFECTS[name]
    tamper(intruder)
    intruder.close()
    with closing(Ledger.open(url)) as ledger:
        faults = list(ledger.integrity(CALL.log, [LOG_KEY.verifier]))
    named = dict.fromkeys(f"{fault.table}.{fault.column}" for fault in faults)
    assert " ".join(named) == columns
    assert faults[0].error().details["expected"] != faults[0].error().details["found"]


def test_no_two_defects_of_a_ledger_are_named_alike() -> None:
    assert len({columns for _, columns in DEFECTS.values()}) == len(DEFECTS)
