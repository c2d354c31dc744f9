"""What the HTTP intake keeps in the ledger's database: its keys, and whom it gave receipts. Both only grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Select, insert, select

from events.errors import Conflict, NotFound, Refused
from events.record import Position
from infra.api_key import ApiKey, decode_scope
from infra.ledger.database import reading, writing
from infra.ledger.intake_tables import api_key_revocations, api_keys, receipts


@dataclass(frozen=True, slots=True)
class Given:
    """A receipt that was given: to the holder of which key (or to which account of the console, `account:…`), under which
    token, for a value of which hash.
    """

    position: Position
    api_key: str
    token_sha256: bytes
    sha256: bytes
    received_ms: int


class IntakeStore:
    """Durable when a call returns. Threads and processes may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_key(self, key: ApiKey) -> None:
        values = {
            "id": key.id, "label": key.label, "secret_sha256": key.secret_sha256, "scope": key.scope.encode(),
            "per_minute": key.per_minute, "burst": key.burst, "created_ms": key.created_ms, "expires_ms": key.expires_ms,
        }  # fmt: skip
        with writing(self._engine) as connection:
            connection.execute(insert(api_keys).values(values))

    def key(self, key_id: str) -> ApiKey | None:
        """The key of this id, revoked ones too."""
        with reading(self._engine) as connection:
            row = connection.execute(_keys().where(api_keys.c.id == key_id)).one_or_none()
        return None if row is None else _key(row)

    def all_keys(self) -> list[ApiKey]:
        """Every key that was ever made, in order of making."""
        with reading(self._engine) as connection:
            return [_key(row) for row in connection.execute(_keys().order_by(api_keys.c.created_ms, api_keys.c.id))]

    def revoke_key(self, key_id: str, now_ms: int, reason: str) -> None:
        """From now on the key opens nothing. Raises NotFound, and Refused for one that is revoked already."""
        if self.key(key_id) is None:
            known = ", ".join(key.id for key in self.all_keys()) or "none"
            raise NotFound(f"there is no API key {key_id!r}; there are: {known}", hint="phasegate api-keys list")
        try:
            with writing(self._engine) as connection:
                values = {"id": key_id, "revoked_ms": now_ms, "reason": reason}
                connection.execute(insert(api_key_revocations).values(values))
        except Conflict as error:
            raise Refused(f"the API key {key_id!r} is revoked already") from error

    def give(self, given: Sequence[Given]) -> None:
        """Keeps receipts, all or none."""
        rows = [
            {
                "topic": one.position.topic, "partition": one.position.partition, "offset": one.position.offset,
                "api_key": one.api_key, "token_sha256": one.token_sha256, "sha256": one.sha256,
                "received_ms": one.received_ms,
            }
            for one in given
        ]  # fmt: skip
        if rows:
            with writing(self._engine) as connection:
                connection.execute(insert(receipts), rows)

    def given(self, position: Position) -> Given | None:
        """The receipt of the record at a position, if one was given."""
        wanted = select(receipts).where(
            receipts.c.topic == position.topic,
            receipts.c.partition == position.partition,
            receipts.c.offset == position.offset,
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None:
            return None
        return Given(position, row.api_key, row.token_sha256, row.sha256, row.received_ms)

    def places(self, topic: str, partition: int, sha256: bytes) -> list[Position]:
        """Where a value of this hash went, as far as a receipt was given for it; by offset. Looks through the receipts of
        the partition.
        """
        wanted = (
            select(receipts.c.offset)
            .where(receipts.c.topic == topic, receipts.c.partition == partition, receipts.c.sha256 == sha256)
            .order_by(receipts.c.offset)
        )
        with reading(self._engine) as connection:
            return [Position(topic, partition, offset) for (offset,) in connection.execute(wanted)]


def _keys() -> Select[Any]:
    joined = api_keys.outerjoin(api_key_revocations, api_keys.c.id == api_key_revocations.c.id)
    return select(*api_keys.c, api_key_revocations.c.revoked_ms).select_from(joined)


def _key(row: Any) -> ApiKey:
    return ApiKey(
        row.id, row.label, row.secret_sha256, decode_scope(row.scope), row.per_minute, row.burst, row.created_ms,
        row.expires_ms, row.revoked_ms,
    )  # fmt: skip
