"""An older checkpoint that the auditor kept: the bundle's log begins with the same entries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from events.errors import Tampered
from events.note import Checkpoint, VerifierKey, open_checkpoint
from events.proofs import consistency_proof, verify_consistency
from events.tiles import Tile, reading_tiles
from flows.audit_report import located


def check_since(
    since: bytes, keys: Collection[VerifierKey], new: Checkpoint, hashes: Callable[[Tile], Sequence[bytes]]
) -> int:
    """The size of the older checkpoint, which is of this log and which this one extends: proved from the bundle's own
    tiles. Raises Tampered.
    """
    with located("the checkpoint given with --since"):
        old = open_checkpoint(since, keys)
        if old.size > new.size:
            raise Tampered(
                f"the older checkpoint has {old.size} entries, the bundle {new.size}: it was rolled back or cut",
                expected=old.size, found=new.size, fault="cut-off",
            )  # fmt: skip
        proof = consistency_proof(old.size, new.size, reading_tiles(new.size, hashes))
        try:
            verify_consistency(old.size, new.size, proof, old.root, new.root)
        except Tampered as error:
            error.details |= {"fault": "history-rewritten", "expected": old.root.hex()}
            error.message += ": the log was written anew since"
            raise
    return old.size
