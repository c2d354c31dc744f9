"""What a witness answers (C2SP tlog-witness v1.0.0, `add-checkpoint`), without the HTTP around it.

It cosigns a checkpoint that one of the origin's keys signed and that extends the latest it cosigned for that origin. The
new head is durable before its cosignature leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from events.errors import Refused, Tampered
from events.note import ED25519, Checkpoint, VerifierKey, open_note, parse_checkpoint, signature_lines
from events.proofs import verify_consistency
from events.witnessing import SIZE_TYPE, AddCheckpoint, format_size, parse_add_checkpoint
from infra.keys import SigningKey
from infra.witness.seen import Held, Seen

PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status of HTTP with its body, and which head it is about, as far as the request said."""

    status: int
    body: bytes
    content_type: str = PLAIN
    origin: str = ""
    size: int | None = None


class _Declined(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its key, the logs that it knows by origin, and what it has cosigned. Threads may share it."""

    key: SigningKey
    logs: Mapping[str, tuple[VerifierKey, ...]]
    seen: Seen
    clock_s: Callable[[], int] = field(repr=False)

    def answer(self, body: bytes) -> Answer:
        """The answer to the body of an `add-checkpoint`. Raises Unavailable when nothing can be kept; then nothing is
        cosigned.
        """
        try:
            asked = parse_add_checkpoint(body)
        except Tampered as error:
            return _plain(400, error.message)
        try:
            return self._cosigned(asked, *self._signed(asked.note))
        except _Declined as declined:
            return _plain(declined.status, declined.why)

    def _signed(self, note: bytes) -> tuple[bytes, Checkpoint]:
        """The text and checkpoint of a note that a key of its origin signed."""
        try:
            list(signature_lines(note))
        except Tampered as error:
            raise _Declined(400, error.message) from error
        origin = note.split(b"\n", 1)[0].decode()
        keys = self.logs.get(origin)
        if keys is None:
            raise _Declined(404, f"this witness knows no log {origin[:200]!r}")
        try:
            text, _ = open_note(note, keys)
        except Tampered as error:
            raise _Declined(403, error.message) from error
        try:
            return text, parse_checkpoint(text)
        except Tampered as error:
            is_empty = text.split(b"\n")[1:2] == [b"0"]
            raise _Declined(422 if is_empty else 400, error.message) from error

    def _cosigned(self, asked: AddCheckpoint, text: bytes, checkpoint: Checkpoint) -> Answer:
        if asked.old > checkpoint.size:
            raise _Declined(400, f"old {asked.old} is above the checkpoint's size {checkpoint.size}")
        with self.seen.holding(checkpoint.origin) as held:
            if asked.old != held.latest.size:
                return Answer(409, format_size(held.latest.size), SIZE_TYPE, checkpoint.origin, checkpoint.size)
            if (refusal := _inconsistent(held, asked, checkpoint)) is not None:
                return Answer(422, f"{refusal}\n".encode(), PLAIN, checkpoint.origin, checkpoint.size)
            # Within the hold, and never before the last one: a larger tree has no earlier time than a smaller one.
            time_s = max(self.clock_s(), held.time_s)
            held.advance(checkpoint, time_s, asked.note)
        return Answer(200, self.key.cosign(text, time_s), PLAIN, checkpoint.origin, checkpoint.size)


def _inconsistent(held: Held, asked: AddCheckpoint, checkpoint: Checkpoint) -> str | None:
    """Why the checkpoint does not extend the latest one. Another root at the same size is kept: it convicts the log."""
    latest = held.latest
    if latest.size == checkpoint.size and latest.root != checkpoint.root:
        held.keep_fork(asked.note)
        return f"at size {latest.size} the root {latest.root.hex()} was cosigned, this is {checkpoint.root.hex()}"
    try:
        verify_consistency(latest.size, checkpoint.size, asked.proof, latest.root, checkpoint.root)
    except Tampered as error:
        return error.message
    return None


def _plain(status: int, why: str) -> Answer:
    return Answer(status, f"{why}\n".encode())


def known_logs(keys: Iterable[VerifierKey]) -> Mapping[str, tuple[VerifierKey, ...]]:
    """The keys by origin, which is their name; a log that changed its key has several. Raises Refused on a cosigner's."""
    found: dict[str, tuple[VerifierKey, ...]] = {}
    for key in keys:
        if key.algorithm != ED25519:
            raise Refused(f"the key of {key.name!r} has type {key.algorithm:02x}; a log's key has type 01")
        found[key.name] = (*found.get(key.name, ()), key)
    return found
