"""Signing heads. A log never signs two checkpoints of which one is not a prefix of the other."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from events.errors import Conflict, NotFound, Tampered
from events.merkle import leaf_hash, pack_stack, root, tree_root, unpack_stack
from events.note import Checkpoint, VerifierKey, checkpoint_text, has_line, open_checkpoint
from events.proofs import root_from
from events.tiles import reading_tiles
from infra.keys import SigningKey
from infra.ledger.database import reading, writing
from infra.ledger.reader import read_entries
from infra.ledger.tables import checkpoints, digest, logs
from infra.ledger.tiles import TileReader, store_tiles


def sign_head(
    engine: Engine,
    programme: str,
    key: SigningKey,
    trusted: Collection[VerifierKey],
    before: SigningKey | None = None,
    given_out: Checkpoint | None = None,
) -> Checkpoint:
    """Signs the present head under the log's origin, or gives the latest checkpoint when it stands there already.

    The root is computed from entry bytes read back, by the recursive definition and not by the frontier of appends, on
    top of the latest signed frontier. `before` is the key of the log before this one: while the latest checkpoint is not
    signed by `key`, the next is signed by both, so that whoever trusts the one finds the other. Raises Tampered when the
    two roots disagree, or the head does not extend what was `given_out`, and signs nothing then.
    """
    with reading(engine) as connection:
        head, latest = _head_and_latest(connection, programme)
    if head is None:
        raise NotFound(f"there is no log of {programme!r}", hint="nothing has been recorded for it yet")
    key = key.named(head.origin)
    handing_over = [] if before is None else [before.named(head.origin)]
    since, known = _verified(latest, [key.verifier, *trusted, *(one.verifier for one in handing_over)])
    if given_out is not None:
        require_extension(engine, programme, head.size, given_out)
    if latest is not None and latest.size == head.size:
        return Checkpoint(head.origin, head.size, root(known))
    found = _root_read_back(engine, programme, known, since, head.size)
    stack = unpack_stack(head.stack, head.size)
    if found != root(stack):
        raise Tampered(
            f"the {head.size} entries of {programme!r} have root {found.hex()}, its head says {root(stack).hex()}",
            hint="nothing was signed; run the integrity check and keep a copy of the database",
        )
    checkpoint = Checkpoint(head.origin, head.size, found)
    note = key.sign_note(checkpoint_text(checkpoint))
    if latest is not None and not has_line(latest.note, key.verifier):
        note += b"".join(one.line(checkpoint_text(checkpoint)) for one in handing_over)
    tiles = TileReader(engine, programme)
    tiles.complete(head.size, found)
    with writing(engine) as connection:
        _store(connection, programme, since, head, note)
        store_tiles(connection, head.id, tiles)
    return checkpoint


def require_extension(engine: Engine, programme: str, size: int, earlier: Checkpoint) -> None:
    """Raises Tampered unless the first `size` entries begin with those of the earlier checkpoint."""
    told = f"a checkpoint of {earlier.origin} with {earlier.size} entries and root {earlier.root.hex()} was given out"
    hint = (
        "this is not the newest copy of the ledger, or not the only one: bring that back. Where it is lost the log ends here, "
        "and whoever holds that checkpoint must be told; a rebuilt log needs another PHASEGATE_ORIGIN"
    )
    if size < earlier.size:
        raise Tampered(f"{told}, but the ledger has {size} entries", hint=hint, expected=earlier.size, found=size)
    found = root_from(earlier.size, reading_tiles(earlier.size, TileReader(engine, programme).hashes))
    if found != earlier.root:
        raise Tampered(
            f"{told}, but the first {earlier.size} entries of the ledger have root {found.hex()}: it went on differently",
            hint=hint, expected=earlier.root.hex(), found=found.hex(),
        )  # fmt: skip


def _head_and_latest(connection: Connection, programme: str, *, lock: bool = False) -> tuple[Any, Any]:
    """The log's row and its last checkpoint's, either None. A lock keeps other signers out until the commit."""
    wanted = select(logs).where(logs.c.programme == programme)
    head = connection.execute(wanted.with_for_update() if lock else wanted).one_or_none()
    if head is None:
        return None, None
    latest = select(checkpoints).where(checkpoints.c.log_id == head.id).order_by(checkpoints.c.size.desc()).limit(1)
    return head, connection.execute(latest).one_or_none()


def _verified(latest: Any, keys: Collection[VerifierKey]) -> tuple[int, tuple[bytes, ...]]:
    """Size and frontier of the latest checkpoint, when its note vouches for them; nothing signed yet is size 0."""
    if latest is None:
        return 0, ()
    signed = open_checkpoint(latest.note, keys)
    stack = unpack_stack(latest.stack, latest.size)
    if signed.size != latest.size or signed.root != root(stack):
        raise Tampered(
            f"the stored checkpoint of {signed.origin!r} at {latest.size} signs size {signed.size} and root "
            f"{signed.root.hex()}, its row has root {root(stack).hex()}"
        )
    return latest.size, stack


def _root_read_back(engine: Engine, programme: str, known: tuple[bytes, ...], since: int, size: int) -> bytes:
    leaves = []
    for expected, stored in enumerate(read_entries(engine, programme, since, size, opened=False), since):
        if stored.index != expected:
            raise Tampered(f"entry {expected} of {programme!r} is missing; the next one there is {stored.index}")
        leaves.append(leaf_hash(stored.entry))
    if len(leaves) != size - since:
        raise Tampered(f"{programme!r} has {since + len(leaves)} entries in a row, its head says {size}")
    return tree_root(leaves, known, since)


def _store(connection: Connection, programme: str, since: int, signed: Any, note: bytes) -> None:
    """Keeps the note, if no other was signed since. The log may have grown: what is signed is a prefix of it."""
    head, latest = _head_and_latest(connection, programme, lock=True)
    if (latest.size if latest else 0) != since or head.size < signed.size:
        raise Conflict(f"another checkpoint of {programme!r} was signed meanwhile", hint="ask for the latest")
    if head.size == signed.size and head.stack != signed.stack:
        raise Tampered(f"the head of {programme!r} changed at size {head.size} without growing")
    row = (head.id, signed.size, note, pack_stack(unpack_stack(signed.stack, signed.size)))
    values = dict(zip(("log_id", "size", "note", "stack"), row, strict=True), digest=digest(*row))
    connection.execute(insert(checkpoints).values(values))
