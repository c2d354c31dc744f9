"""Cosignatures: a witness says that at a time a checkpoint was the largest consistent tree of its origin it had seen.

Source: C2SP tlog-cosignature v1.0.1, cosignature/v1 (type 04, Ed25519). The message does not name the witness, so each
witness needs a key of its own; the same key as a log's plain key (type 01) has another id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from events.errors import Refused, Tampered
from events.note import COSIGNATURE, VerifierKey, cosigned_time, open_note, signature_lines, verify_signature
from events.values import format_instant


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified cosignature: whose, and when, in Unix seconds."""

    witness: VerifierKey
    time_s: int


def cosignature_payload(time_s: int, signature: bytes) -> bytes:
    """What `note.format_signature` takes for a cosignature: uint64 time || Ed25519 signature."""
    return time_s.to_bytes(8, "big") + signature


def require_witnesses(keys: Iterable[VerifierKey]) -> list[VerifierKey]:
    """The keys, each once. Raises Refused on a key that is not of type 04, and when one key stands under two names:
    that would let one witness count twice.
    """
    found: dict[bytes, VerifierKey] = {}
    for key in keys:
        if key.algorithm != COSIGNATURE:
            raise Refused(f"the key of {key.name!r} has type {key.algorithm:02x}; a witness's key has type 04")
        if found.setdefault(key.public, key) != key:
            raise Refused(f"{key.name!r} and {found[key.public].name!r} are one key; each witness needs its own")
    return list(found.values())


def read_cosignatures(note: bytes, witnesses: Iterable[VerifierKey]) -> list[Cosignature]:
    """Whose cosignatures a note carries, each witness at most once (its first line), in the order of `witnesses`. Raises
    Tampered when one of a known witness does not verify. None at all is an empty list: the quorum is the caller's.
    """
    known = {(key.name, key.key_id): key for key in require_witnesses(witnesses)}
    text = note[: note.rfind(b"\n\n") + 1]
    found: dict[tuple[str, bytes], Cosignature] = {}
    for name, identifier, signature in signature_lines(note):
        key = known.get((name, identifier))
        if key is None or (name, identifier) in found:
            continue
        verify_signature(key, text, signature)
        found[name, identifier] = Cosignature(key, cosigned_time(signature))
    return [found[at] for at in known if at in found]


def add_cosignatures(note: bytes, lines: bytes, log: VerifierKey, witness: VerifierKey) -> bytes:
    """The note with those of a witness's answered lines that are its own and verify; others are dropped, never trusted.
    Raises Tampered when the log's own signature is not on the note, or no line is the witness's.
    """
    text, _ = open_note(note, [log])
    answered = text + b"\n" + lines
    found = read_cosignatures(answered, [witness])
    if not found:
        raise Tampered(f"{witness.name} answered without a cosignature of its own")
    own = [line for line in lines.split(b"\n") if line and _is_of(line, text, witness)]
    return note + own[0] + b"\n"


def _is_of(line: bytes, text: bytes, witness: VerifierKey) -> bool:
    ((name, identifier, _),) = signature_lines(text + b"\n" + line + b"\n")
    return (name, identifier) == (witness.name, witness.key_id)


def require_quorum(found: Sequence[Cosignature], quorum: int, *, since_s: int | None = None) -> list[Cosignature]:
    """Those that are not older than `since_s` (Unix seconds). Raises Tampered when fewer than `quorum`."""
    fresh = [one for one in found if since_s is None or one.time_s >= since_s]
    if len(fresh) < quorum:
        names = ", ".join(one.witness.name for one in fresh) or "none"
        stale = len(found) - len(fresh)
        old = f"; {stale} signed before {format_instant((since_s or 0) * 1000)}" if stale else ""
        raise Tampered(f"{len(fresh)} of {quorum} witnesses stand under the checkpoint: {names}{old}",
                       fault="witnesses-stale" if len(found) >= quorum else "witnesses-missing",
                       hint="ask the log's operator for a checkpoint with more cosignatures")  # fmt: skip
    return fresh
