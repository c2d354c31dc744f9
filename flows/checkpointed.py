"""The checkpoints of a log as they are shown: who signed each, and that one extends another."""

from __future__ import annotations

from dataclasses import dataclass

from events.errors import NotFound
from events.note import Checkpoint, VerifierKey, open_note, signature_lines, unverified, verifier_key
from events.proofs import consistency_proof, verify_consistency
from events.tiles import reading_tiles
from flows.reading import Reading
from infra.ledger import Head, StoredCheckpoint


@dataclass(frozen=True, slots=True)
class Signer:
    """One signature line: by whom it says that it is, and whether a key of the log that is known here verifies it."""

    name: str
    key_id: str
    is_verified: bool


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint with its note and all that signed it."""

    checkpoint: Checkpoint
    note: bytes
    signers: tuple[Signer, ...]


@dataclass(frozen=True, slots=True)
class Extends:
    """A consistency proof, verified before it is given."""

    old: Checkpoint
    new: Checkpoint
    hashes: tuple[bytes, ...]


def checkpoints_of(reading: Reading, head: Head, size: int) -> list[Signed]:
    """Those within the first `size` entries, the largest first. Raises Tampered for a signature that does not verify."""
    keys = [verifier_key(head.origin, key.public) for key in reading.log_keys]
    stored = [row for row in reading.ledger.checkpoints(head.programme) if row.size <= size]
    return [_signed(row, keys) for row in reversed(stored)]


def _signed(row: StoredCheckpoint, keys: list[VerifierKey]) -> Signed:
    lines = list(signature_lines(row.note))
    known = [key for key in keys if any((name, key_id) == (key.name, key.key_id) for name, key_id, _ in lines)]
    verified = open_note(row.note, known)[1] if known else ()
    ours = {(key.name, key.key_id) for key in verified}
    signers = tuple(Signer(name, key_id.hex(), (name, key_id) in ours) for name, key_id, _ in lines)
    return Signed(unverified(row.note), row.note, signers)


def extension(reading: Reading, head: Head, old: int, new: int) -> Extends:
    """That the checkpoint of size `new` extends that of size `old`. Raises NotFound where one of them is not signed."""
    stored = {row.size: row for row in reading.ledger.checkpoints(head.programme) if row.size in (old, new)}
    if old > new or not {old, new} <= stored.keys():
        raise NotFound(f"{head.programme!r} has no two checkpoints of which {new} entries extend {old}")
    first, second = unverified(stored[old].note), unverified(stored[new].note)
    hashes = consistency_proof(old, new, reading_tiles(new, reading.ledger.tiles(head.programme).hashes))
    verify_consistency(old, new, hashes, first.root, second.root)
    return Extends(first, second, hashes)
