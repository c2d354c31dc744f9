"""Where signing and publishing can fail: each statement and commit of a database, each write, sync and move of a file.

`watch` calls `reached` with a name at each of these points; what it raises there is what the statement or the system raised.
A second commit point, COMMITTED, is when the database has it and its answer is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event

from infra import durable

Reached = Callable[[str], None]
SEAMS = ("write_all", "sync", "move")
_NAMED = re.compile(r"(SELECT) .*?\bFROM (\w+)|(INSERT) INTO (\w+)|(UPDATE) (\w+)|(BEGIN)", re.DOTALL)


def watch_database(engine: Engine, reached: Reached) -> None:
    """Every statement and commit on connections of this engine."""
    for name in ("do_execute", "do_executemany", "do_execute_no_params"):
        event.listen(engine, name, lambda _cursor, statement, *_: reached(_name(statement)))
    commit = engine.dialect.do_commit

    def do_commit(connection: Any) -> None:
        reached("COMMIT")
        commit(connection)
        reached("COMMITTED")

    engine.dialect.do_commit = do_commit  # type: ignore[method-assign, assignment]


def _name(statement: str) -> str:
    found = _NAMED.match(statement.strip())
    return " ".join(filter(None, found.groups())) if found else statement.split(" ", 1)[0]


def watch_files(reached: Reached, patch: pytest.MonkeyPatch) -> None:
    """Every write, sync and move of `infra.durable`; an error comes before the call does anything."""
    for seam in SEAMS:
        patch.setattr(durable, seam, _watched(seam, getattr(durable, seam), reached))


def _watched(seam: str, real: Callable[..., Any], reached: Reached) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        reached(seam)
        return real(*arguments)

    return call


class Nth:
    """Counts the points, and lets the nth fail; `names` are all that were reached."""

    def __init__(self, nth: int, fail: Callable[[], None]) -> None:
        self._nth, self._fail = nth, fail
        self.names: list[str] = []

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self._nth:
            self._fail()
