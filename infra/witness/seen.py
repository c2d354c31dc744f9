"""What a witness has cosigned: per origin the latest size and root, in a SQLite file.

Durable when `holding` has returned (a rollback journal, synchronous=EXTRA), and checked and stored in one transaction
that keeps every other writer out: so a witness that is killed at any line never forgets what it has cosigned, and never
cosigns backwards.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from events.errors import Unavailable
from events.merkle import EMPTY_ROOT
from events.note import Checkpoint

_SCHEMA = """
CREATE TABLE IF NOT EXISTS cosigned (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, time_s INTEGER NOT NULL, note BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS forks (origin TEXT NOT NULL, note BLOB NOT NULL, PRIMARY KEY (origin, note)) STRICT;
"""
_LATEST = "SELECT size, root, time_s FROM cosigned WHERE origin = ?"
_STORE = "INSERT OR REPLACE INTO cosigned (origin, size, root, time_s, note) VALUES (?, ?, ?, ?, ?)"


@dataclass(slots=True)
class Held:
    """The latest cosigned head of one origin, while nobody else can change it; size 0 when there was none."""

    connection: sqlite3.Connection
    latest: Checkpoint
    time_s: int

    def advance(self, checkpoint: Checkpoint, time_s: int, note: bytes) -> None:
        """From now on this is the latest head."""
        row = (checkpoint.origin, checkpoint.size, checkpoint.root, time_s, note)
        self.connection.execute(_STORE, row)

    def keep_fork(self, note: bytes) -> None:
        """Keeps a note that contradicts what was cosigned: signed by the log, it proves that the log has two histories."""
        self.connection.execute("INSERT OR IGNORE INTO forks VALUES (?, ?)", (self.latest.origin, note))


class Seen:
    """The file. Threads and processes may share it: one holds an origin at a time, the others wait."""

    def __init__(self, path: Path) -> None:
        """Makes the file when it is not there. A witness whose file was lost must not go on under its old key: it would
        cosign whatever it is shown first.
        """
        self._path, self._lock = path, Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with closing(self._connect()) as connection:
                connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"the witness cannot keep what it saw in {path}: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        connection.execute("PRAGMA synchronous = EXTRA")  # the removal of the journal, which commits, is synced as well
        return connection

    @contextmanager
    def holding(self, origin: str) -> Iterator[Held]:
        """The latest head of an origin, held. What was advanced is durable when this returns, and undone when it raises."""
        try:
            # The lock lets threads wait in turn; what keeps other processes out is the transaction.
            with self._lock, closing(self._connect()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                row = connection.execute(_LATEST, (origin,)).fetchone() or (0, EMPTY_ROOT, 0)
                try:
                    yield Held(connection, Checkpoint(origin, row[0], row[1]), row[2])
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise Unavailable(f"the witness cannot keep what it saw in {self._path}: {error}") from error

    def latest(self, origin: str) -> Checkpoint:
        """The latest cosigned head of an origin; size 0 when there was none."""
        with closing(self._connect()) as connection:
            size, root, _ = connection.execute(_LATEST, (origin,)).fetchone() or (0, EMPTY_ROOT, 0)
        return Checkpoint(origin, size, root)

    def forks(self, origin: str) -> list[bytes]:
        """The notes that contradicted what was cosigned."""
        with closing(self._connect()) as connection:
            return [row[0] for row in connection.execute("SELECT note FROM forks WHERE origin = ?", (origin,))]
