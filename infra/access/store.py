"""Everything about access behind one connection."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from infra.access.access_log import AccessLog
from infra.access.accounts import Accounts
from infra.access.backing_off import BackingOff
from infra.access.sessions import Sessions
from infra.access.sign_ins import SignIns
from infra.ledger.database import connect, require_schema


class AccessStore:
    """Accounts and sessions in the ledger's database, over connections of their own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.accounts = Accounts(engine)
        self.log = AccessLog(engine)
        self.sessions = Sessions(engine)
        self.sign_ins = SignIns(engine)
        self.backing_off = BackingOff(engine)

    @classmethod
    def open(cls, url: str) -> Self:
        """Raises Unavailable when the schema is missing or not this version's."""
        engine = connect(url)
        require_schema(engine)
        return cls(engine)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
