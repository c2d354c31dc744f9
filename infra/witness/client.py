"""Asking witnesses for their cosignatures before a checkpoint is published (C2SP tlog-witness v1.0.0).

A witness is not trusted: what it answers counts when its cosignature verifies under the key that settings give it. It
sees the checkpoint and a consistency proof, never an entry.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer
from urllib.parse import urlsplit

from events.cosignature import add_cosignatures, require_witnesses
from events.errors import PhasegateError, Refused, Tampered, Unavailable
from events.note import Checkpoint, VerifierKey, open_checkpoint, parse_vkey
from events.witnessing import PATH, SIZE_TYPE, format_add_checkpoint, parse_size

ANSWER_MAX = 64 * 1024
WITHIN_S = 10.0
TRIES = 4
"""A witness may be told of a newer checkpoint by somebody else between its 409 and the next try."""

Prove = Callable[[int], Sequence[bytes]]
"""The consistency proof from an older size (1 to the checkpoint's) to the checkpoint's."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a witness is asked (the submission prefix), and the key under which its answers count."""

    url: str
    key: VerifierKey


@dataclass(frozen=True, slots=True)
class Reply:
    """What a witness answered, in words; the cosignature lines if it cosigned."""

    witness: str
    said: str
    lines: bytes | None = None

    @property
    def is_cosigned(self) -> bool:
        return self.lines is not None


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A note with the cosignatures of a quorum, ready to be published, and what every witness answered."""

    note: bytes
    replies: tuple[Reply, ...]


def parse_address(text: str) -> Address:
    """`https://witness.example/prefix#<vkey>`. Raises Refused."""
    url, mark, vkey = text.partition("#")
    try:
        parts = urlsplit(url)
        is_usable = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        is_usable = False
    if not mark or not is_usable or parts.query or parts.username is not None or not re.fullmatch(r"[!-~]+", url):
        raise Refused(f"{text!r} is no witness", hint="expected http(s)://host/prefix#vkey")
    return Address(url.rstrip("/"), parse_vkey(vkey))


def parse_addresses(texts: Collection[str]) -> list[Address]:
    """The witnesses of the settings, each with a key of its own."""
    addresses = [parse_address(text) for text in texts]
    if len(require_witnesses(address.key for address in addresses)) != len(addresses):
        raise Refused("a witness is named twice; each counts once", hint="PHASEGATE_WITNESSES lists them")
    return addresses


def gather(
    note: bytes, log: VerifierKey, addresses: Sequence[Address], quorum: int, prove: Prove, within_s: float = WITHIN_S
) -> Witnessed:
    """Asks every witness at once, and appends their cosignatures to the note, in the order of `addresses`. Raises
    Unavailable below the quorum, with what each one answered: then the note must not be published.
    """
    if not 0 <= quorum <= len(addresses):
        raise Refused(f"a quorum of {quorum} cannot come from {len(addresses)} witnesses", hint="PHASEGATE_QUORUM")
    checkpoint = open_checkpoint(note, [log])
    with ThreadPoolExecutor(max_workers=max(1, len(addresses))) as pool:
        asking = [pool.submit(_ask, address, note, checkpoint, log, prove, within_s) for address in addresses]
        replies = tuple(future.result() for future in asking)
    signed = note
    for address, reply in zip(addresses, replies, strict=True):
        if reply.lines is not None:
            signed = add_cosignatures(signed, reply.lines, log, address.key)
    count = sum(reply.is_cosigned for reply in replies)
    if count < quorum:
        told = "; ".join(f"{reply.witness}: {reply.said}" for reply in replies)
        raise Unavailable(
            f"{count} of the {quorum} witnesses that are needed cosigned {checkpoint.origin} at {checkpoint.size}: {told}",
            hint="nothing was published; ask again when they answer, or compare histories with one that disagrees",
            witnesses=[{"witness": r.witness, "cosigned": r.is_cosigned, "said": r.said} for r in replies],
        )
    return Witnessed(signed, replies)


def _ask(
    address: Address, note: bytes, checkpoint: Checkpoint, log: VerifierKey, prove: Prove, within_s: float
) -> Reply:
    """What one witness answers in the end. Its 409 says from which size it wants the proof."""
    name, old = address.key.name, 0
    try:
        for _ in range(TRIES):
            proof = prove(old) if 0 < old < checkpoint.size else ()
            status, kind, body = _post(address, format_add_checkpoint(old, proof, note), within_s)
            if status == 200:
                add_cosignatures(note, body, log, address.key)
                return Reply(name, "cosigned", body)
            if status != 409 or kind.partition(";")[0].strip() != SIZE_TYPE:
                return Reply(name, f"refused with {status}: {body[:300].decode('utf-8', 'replace').strip()}")
            old = parse_size(body)
            if old > checkpoint.size:
                return Reply(name, f"it has cosigned size {old} already, beyond {checkpoint.size}")
        return Reply(name, f"its size changed {TRIES} times while it was asked; it has {old} now")
    except Tampered as error:
        return Reply(name, f"answered wrongly: {error.message}")
    except PhasegateError as error:
        return Reply(name, error.message)


@dataclass(frozen=True, slots=True)
class Seen:
    """The size that a witness has cosigned of a log; None where it did not say, and what it said then. `is_other`: at the very
    size that was asked about it has another root.
    """

    witness: str
    size: int | None
    said: str
    is_other: bool = False


def seen_by(address: Address, note: bytes, size: int, within_s: float = WITHIN_S) -> Seen:
    """Asks from the size of the note itself, so that a witness who has cosigned anything else only says how much: nothing is
    cosigned that was not cosigned before.
    """
    name = address.key.name
    try:
        status, kind, body = _post(address, format_add_checkpoint(size, (), note), within_s)
        if status == 409 and kind.partition(";")[0].strip() == SIZE_TYPE:
            seen = parse_size(body)
            return Seen(name, seen, "", is_other=seen == size)
    except PhasegateError as error:
        return Seen(name, None, error.message)
    if status in (200, 422):  # The proof that was sent is right where the root is.
        return Seen(name, size, "", is_other=status == 422)
    return Seen(name, None, f"refused with {status}: {body[:300].decode('utf-8', 'replace').strip()}")


def _post(address: Address, body: bytes, within_s: float) -> tuple[int, str, bytes]:
    """Status, content type and body of an answer. No redirects, no proxies; after `within_s` the line is cut, however
    slowly the other side goes on talking.
    """
    parts = urlsplit(address.url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    try:
        with closing(connect(parts.hostname or "", parts.port, timeout=within_s)) as connection:
            connection.connect()
            cut = Timer(within_s, _cut, (connection.sock,))
            cut.start()
            try:
                headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "phasegate"}
                connection.request("POST", f"{parts.path.rstrip('/')}/{PATH}", body, headers)
                answer = connection.getresponse()
                return answer.status, answer.getheader("Content-Type", ""), _read(answer)
            finally:
                cut.cancel()
    except (OSError, HTTPException) as error:
        raise Unavailable(f"no answer from {address.url}: {str(error) or type(error).__name__}") from error


def _cut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _read(answer: HTTPResponse) -> bytes:
    body = answer.read(ANSWER_MAX + 1)
    if len(body) > ANSWER_MAX:
        raise Tampered(f"more than {ANSWER_MAX} bytes")
    return body
