"""How many statements a ledger is asked for: what counts whether reading grows with what is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from infra.ledger import Ledger


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[str]]:
    """Those of all threads while the block runs, as they are sent."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    engine = ledger._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
