"""The file that proves one entry to somebody who holds nothing but a key: C2SP tlog-proof@v1.

It carries the index, the inclusion proof and the signed checkpoint. The reader brings the entry's bytes and the vkey.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from events.errors import Tampered
from events.merkle import leaf_hash
from events.notation import read_base64, read_hash, read_number, write_hash
from events.note import Checkpoint, VerifierKey, open_checkpoint
from events.proofs import verify_inclusion

FIRST_LINE = b"c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
HASHES_MAX = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof file says, unverified: the entry's index, the inclusion proof, the checkpoint as a signed note."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes


def format_proof(index: int, hashes: Sequence[bytes], note: bytes) -> bytes:
    """The bytes of the file."""
    lines = [FIRST_LINE, b"index %d" % index, *map(write_hash, hashes), b""]
    return b"\n".join(lines) + b"\n" + note


def parse_proof(data: bytes) -> Proof:
    """What stands in the file. An `extra` line is read over: nothing signs it. Raises Tampered on any other spelling."""
    head, empty, note = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    if not empty or first != FIRST_LINE:
        raise Tampered(f"not a proof: it begins with {first[:60]!r}, not {FIRST_LINE.decode()!r}")
    if lines and lines[0].startswith(b"extra "):
        _read_extra(lines.pop(0))
    if not lines or not lines[0].startswith(b"index "):
        raise Tampered("a proof names its index in the line 'index <number>'")
    if len(lines) - 1 > HASHES_MAX:
        raise Tampered(f"a proof of {len(lines) - 1} hashes; at most {HASHES_MAX}")
    hashes = tuple(read_hash(line, f"hash {place} of the proof") for place, line in enumerate(lines[1:]))
    return Proof(read_number(lines[0][6:], "index of the proof"), hashes, note)


def _read_extra(line: bytes) -> None:
    try:
        read_base64(line.removeprefix(b"extra "))
    except ValueError as error:
        raise Tampered(f"extra line of a proof: {error}") from error


def verify_proof(data: bytes, entry: bytes, keys: Iterable[VerifierKey]) -> tuple[int, Checkpoint]:
    """Index and checkpoint of a proof that holds: size, root and origin are the signed ones. Raises Tampered."""
    proof = parse_proof(data)
    checkpoint = open_checkpoint(proof.note, keys)
    verify_inclusion(proof.index, checkpoint.size, leaf_hash(entry), proof.hashes, checkpoint.root)
    return proof.index, checkpoint
