"""Signed notes and checkpoints, read as strictly as they are written.

Sources: C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0, tlog-cosignature v1.0.1 (https://c2sp.org). Bytes are split
on LF only, numbers match `0|[1-9][0-9]*` before they are numbers, base64 must re-encode to itself, and signatures are
searched by (name, key id), never by position.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from events.errors import Refused, Tampered
from events.merkle import EMPTY_ROOT
from events.notation import NUMBER_MAX, read_base64, read_hash, read_number, read_text

ED25519 = 0x01
COSIGNATURE = 0x04
"""The two algorithms of keys that are read here: plain Ed25519, and Ed25519 cosignatures with a time."""

NOTE_BYTES_MAX = 1_000_000
SIGNATURES_MAX = 100

_DASH = "\N{EM DASH} ".encode()
_SIGNATURE_BYTES = {ED25519: 64, COSIGNATURE: 8 + 64}


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name. The same key under another name, or for another algorithm, has another `key_id`."""

    name: str
    key_id: bytes
    algorithm: int
    public: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its origin, how many entries, and the Merkle root over them."""

    origin: str
    size: int
    root: bytes


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """SHA-256(name || LF || algorithm || public key), its first four bytes."""
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


def verifier_key(name: str, public: bytes, algorithm: int = ED25519) -> VerifierKey:
    """The key under this name. Raises Refused on a name that a note cannot carry."""
    if problem := name_problem(name):
        raise Refused(problem, hint="use a schema-less URL such as example.org/programme")
    if len(public) != 32:
        raise Refused(f"an Ed25519 public key has 32 bytes, this one {len(public)}")
    return VerifierKey(name, key_id(name, algorithm, public), algorithm, public)


def name_problem(name: str) -> str:
    """Why a note cannot carry this key name, or nothing. C2SP: not empty, no Unicode space, no plus; and no
    controls.
    """
    if not name or "+" in name or any(c.isspace() or ord(c) < 0x20 or 0xD800 <= ord(c) < 0xE000 for c in name):
        return f"{name!r} is not a key name: it must not be empty nor contain spaces, controls or '+'"
    return ""


def format_vkey(key: VerifierKey) -> str:
    """`name+<8 hex key id>+base64(algorithm || public key)`, as other people's verifiers take it."""
    encoded = base64.b64encode(bytes([key.algorithm]) + key.public).decode()
    return f"{key.name}+{key.key_id.hex()}+{encoded}"


def parse_vkey(text: str) -> VerifierKey:
    """The key in a vkey string. Raises Refused when any part is not what `format_vkey` writes, the key id included."""
    name, _, rest = text.partition("+")
    _, _, encoded = rest.partition("+")
    try:
        blob = read_base64(encoded.encode("ascii"))
    except ValueError as error:
        raise Refused(f"{text!r} is not a vkey: {error}", hint="expected name+8 hex digits+base64") from error
    if len(blob) != 33 or blob[0] not in _SIGNATURE_BYTES:
        raise Refused(f"{text!r} is not a vkey of type 01 or 04 and 32 bytes: {blob[:1].hex()!r}, {len(blob)} bytes")
    key = verifier_key(name, blob[1:], blob[0])
    if format_vkey(key) != text:
        raise Refused(f"the vkey is {text!r}, but its parts make {format_vkey(key)!r}", hint="copy it again")
    return key


def checkpoint_text(checkpoint: Checkpoint) -> bytes:
    """The three lines that a log signs, last LF included."""
    root = base64.b64encode(checkpoint.root).decode()
    return f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n".encode()


def parse_checkpoint(text: bytes) -> Checkpoint:
    """The checkpoint that these three lines are; nothing about signatures. Raises Tampered on any other spelling."""
    lines = text.split(b"\n")
    if len(lines) != 4 or lines[3] != b"":
        raise Tampered(f"a checkpoint is three lines, each ended by LF: {text[:200]!r}")
    origin, size, root = (
        read_text(lines[0]),
        read_number(lines[1], "checkpoint size"),
        read_hash(lines[2], "checkpoint root"),
    )
    if problem := name_problem(origin):
        raise Tampered(f"checkpoint origin: {problem}")
    if size == 0 and root != EMPTY_ROOT:
        raise Tampered(f"a checkpoint of size 0 has root {EMPTY_ROOT.hex()}, found {root.hex()}")
    return Checkpoint(origin, size, root)


def format_signature(key: VerifierKey, signature: bytes) -> bytes:
    """One signature line, LF included."""
    encoded = base64.b64encode(key.key_id + signature)
    return _DASH + key.name.encode() + b" " + encoded + b"\n"


def open_note(note: bytes, keys: Iterable[VerifierKey]) -> tuple[bytes, tuple[VerifierKey, ...]]:
    """The text of a note, and which of `keys` signed it. Lines of other keys are ignored. Raises Tampered on a
    malformed note, on a known key's wrong signature, and when no known key signed.
    """
    text, lines = _split(note)
    known = {(key.name, key.key_id): key for key in keys}
    verified: dict[tuple[str, bytes], VerifierKey] = {}
    for name, identifier, signature in map(_signature, lines):
        key = known.get((name, identifier))
        if key is None or (name, identifier) in verified:
            continue
        verify_signature(key, text, signature)
        verified[name, identifier] = key
    if not verified:
        asked = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in known.values()) or "none"
        raise Tampered(
            f"no known key signed the note; keys asked for: {asked}", hint="compare origin and vkey", fault="not-signed"
        )
    return text, tuple(verified.values())


def open_checkpoint(note: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint in a note signed by its log: one of `keys` must be a plain Ed25519 key named as the origin."""
    text, signers = open_note(note, keys)
    checkpoint = parse_checkpoint(text)
    if not any(key.name == checkpoint.origin and key.algorithm == ED25519 for key in signers):
        names = ", ".join(key.name for key in signers)
        raise Tampered(
            f"the checkpoint of {checkpoint.origin!r} is signed by {names}, not by its own log's key",
            fault="another-log",
        )
    return checkpoint


def _split(note: bytes) -> tuple[bytes, list[bytes]]:
    """Text (with its last LF) and signature lines. The last empty line parts them: a text may hold empty lines
    itself.
    """
    if len(note) > NOTE_BYTES_MAX or not note.endswith(b"\n"):
        raise Tampered(f"a note ends in LF and has at most {NOTE_BYTES_MAX} bytes; this one has {len(note)}")
    if any(byte < 0x20 and byte != 0x0A for byte in set(note)):
        raise Tampered("a note has no control characters but LF", hint="was it converted to CRLF on its way?")
    at = note.rfind(b"\n\n")
    if at < 0:
        raise Tampered("a note has an empty line before its signatures")
    read_text(note)
    lines = note[at + 2 : -1].split(b"\n") if note[at + 2 :] else []
    if not 1 <= len(lines) <= SIGNATURES_MAX:
        raise Tampered(f"a note has 1 to {SIGNATURES_MAX} signatures, this one {len(lines)}")
    return note[: at + 1], lines


def _signature(line: bytes) -> tuple[str, bytes, bytes]:
    """Name, key id and signature bytes of one line."""
    fields = line.removeprefix(_DASH).split(b" ")
    if not line.startswith(_DASH) or len(fields) != 2:
        raise Tampered(f"not a signature line: {line[:200]!r}")
    name = read_text(fields[0])
    if problem := name_problem(name):
        raise Tampered(f"signature line: {problem}")
    try:
        blob = read_base64(fields[1])
    except ValueError as error:
        raise Tampered(f"signature line of {name!r}: {error}") from error
    if len(blob) < 5:
        raise Tampered(f"signature line of {name!r} has {len(blob)} bytes; a key id alone has 4")
    return name, blob[:4], blob[4:]


def verify_signature(key: VerifierKey, text: bytes, signature: bytes) -> None:
    """Raises Tampered unless this is the key's signature (without key id) over the text of a note."""
    if len(signature) != _SIGNATURE_BYTES[key.algorithm]:
        raise Tampered(f"signature of {key.name!r} has {len(signature)} bytes, not {_SIGNATURE_BYTES[key.algorithm]}")
    message = text
    if key.algorithm == COSIGNATURE:
        time_s, signature = cosigned_time(signature), signature[8:]
        message = cosigned_message(text, time_s)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise Tampered(f"the signature of {key.name}+{key.key_id.hex()} does not verify over the text",
                       fault="signature-wrong") from error  # fmt: skip


def cosigned_message(text: bytes, time_s: int) -> bytes:
    """What a witness signs over the text of a checkpoint: cosignature/v1 with its time in Unix seconds."""
    return b"cosignature/v1\ntime %d\n" % time_s + text


def cosigned_time(signature: bytes) -> int:
    """The time in a cosignature (without key id): its first 8 bytes, big-endian Unix seconds."""
    time_s = int.from_bytes(signature[:8], "big")
    if time_s > NUMBER_MAX:
        raise Tampered(f"a cosignature's time {time_s} exceeds {NUMBER_MAX}")
    return time_s


def has_line(note: bytes, key: VerifierKey) -> bool:
    """Whether a line says that it is this key's. Nothing is verified."""
    return any((name, identifier) == (key.name, key.key_id) for name, identifier, _ in signature_lines(note))


def unverified(note: bytes) -> Checkpoint:
    """What a note says, whoever signed it: for those who verify its signatures when they know the keys."""
    return parse_checkpoint(_split(note)[0])


def signature_lines(note: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Every signature line of a note, unverified, as (name, key id, signature). Raises Tampered on a malformed one."""
    return map(_signature, _split(note)[1])
