"""Proving single entries from a ledger: the proof file, and the bytes that it proves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from events.bundle import encode_opening
from events.errors import NotFound
from events.note import Checkpoint, VerifierKey
from events.proof_file import format_proof, verify_proof
from events.proofs import inclusion_proof
from events.tiles import reading_tiles
from flows.exporting import latest_checkpoint, opened_checkpoint
from flows.reading import Reading
from infra.ledger import Head

Cosigned = Callable[[str, bytes, VerifierKey], bytes]
"""Adds the cosignatures of witnesses to a note that is about to be published."""


@dataclass(frozen=True, slots=True)
class Proved:
    """An entry with the proof that it stands in the log that the checkpoint covers. Verified before it is given."""

    index: int
    entry: bytes
    proof: bytes
    checkpoint: Checkpoint
    key: VerifierKey


def prove_entry(reading: Reading, head: Head, index: int, cosigned: Cosigned) -> Proved:
    """The proof under the latest checkpoint. Raises NotFound where that does not cover the entry."""
    stored = latest_checkpoint(reading.ledger, head)
    key, signed = opened_checkpoint(head, stored, reading.log_keys)
    if index >= signed.size:
        raise NotFound(
            f"the latest checkpoint of {head.programme!r} covers entries 0 to {signed.size - 1}, not {index}",
            hint=f"phasegate checkpoint {head.programme} signs what has come since",
        )
    tiles = reading_tiles(signed.size, reading.ledger.tiles(head.programme).hashes)
    hashes = inclusion_proof(index, signed.size, tiles)
    entry = next(iter(reading.ledger.read(head.programme, index, index + 1, with_openings=False))).entry
    proof = format_proof(index, hashes, cosigned(head.programme, stored.note, key))
    verify_proof(proof, entry, [key])
    return Proved(index, entry, proof, signed, key)


def opening_line(reading: Reading, programme: str, index: int) -> bytes:
    """What the entry's commitment opens to, as a line of a bundle's openings.ndjson. Raises NotFound where it is erased."""
    stored = next(iter(reading.ledger.read(programme, index, index + 1)))
    if stored.opening is None:
        raise NotFound(f"the record of entry {index} of {programme!r} is not in this ledger")
    return encode_opening(index, stored.opening)
