"""What is said between a log and a witness: C2SP tlog-witness v1.0.0, `add-checkpoint`.

The log says which size it believes the witness to know, proves that its new checkpoint extends that tree, and is answered
with cosignature lines (200), the size that the witness really knows (409), or a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from events.errors import Tampered
from events.notation import read_hash, read_number, write_hash

PATH = "add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
PROOF_MAX = 63
BODY_MAX = 1_100_000
"""Bytes of a body: the longest note and what stands before it."""


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The size before, the consistency proof from there, and the signed checkpoint verbatim."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes


def format_add_checkpoint(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The body of the request."""
    return b"".join([b"old %d\n" % old, *(write_hash(one) + b"\n" for one in proof), b"\n", note])


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """The request in a body; whether it is true is not asked. Raises Tampered on any other spelling (answer 400)."""
    head, empty, note = body.partition(b"\n\n")
    if len(body) > BODY_MAX or not empty or not note:
        raise Tampered(f"add-checkpoint: {len(body)} bytes without a header, an empty line and a checkpoint after it")
    first, *lines = head.split(b"\n")
    if not first.startswith(b"old "):
        raise Tampered(f"add-checkpoint: the first line is {first[:60]!r}, not 'old <size>'")
    if len(lines) > PROOF_MAX:
        raise Tampered(f"add-checkpoint: a proof of {len(lines)} hashes; at most {PROOF_MAX}")
    proof = tuple(read_hash(line, f"add-checkpoint: hash {place}") for place, line in enumerate(lines))
    return AddCheckpoint(read_number(first[4:], "add-checkpoint: old size"), proof, note)


def format_size(size: int) -> bytes:
    """The body of a 409: the size that the witness knows."""
    return b"%d\n" % size


def parse_size(body: bytes) -> int:
    """The size in the body of a 409."""
    if not body.endswith(b"\n"):
        raise Tampered(f"a witness's size ends in LF: {body[:60]!r}")
    return read_number(body[:-1], "a witness's size")
