"""Signing keys on disk: Ed25519, PEM PKCS#8 without a passphrase, readable by their owner only.

Trust: whoever can read a key file can sign as its owner. A log's key signs under many names, one per programme,
because the name of a note's key is the origin of the log.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events import jws, note
from events.cosignature import cosignature_payload
from events.errors import Conflict, NotFound, Refused, Unavailable

SUFFIX = ".pem"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key under a name. Signatures are deterministic (RFC 8032)."""

    name: str
    private: Ed25519PrivateKey

    def __post_init__(self) -> None:
        note.verifier_key(self.name, self.public)

    def __repr__(self) -> str:
        return f"SigningKey({self.kid})"

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def verifier(self) -> note.VerifierKey:
        return note.verifier_key(self.name, self.public)

    @property
    def vkey(self) -> str:
        """The public key string to hand to auditors."""
        return note.format_vkey(self.verifier)

    @property
    def kid(self) -> str:
        """`<name>+<8 hex key id>`: how signature headers and rulebooks name the key."""
        return f"{self.name}+{self.verifier.key_id.hex()}"

    def named(self, name: str) -> SigningKey:
        """The same private key under another name, hence with another key id."""
        return SigningKey(name, self.private)

    def sign_note(self, text: bytes) -> bytes:
        """The whole note: text, empty line, one signature line."""
        if not text.endswith(b"\n"):
            raise Refused(f"the text of a note ends in LF: {text[-40:]!r}")
        return text + b"\n" + self.line(text)

    def line(self, text: bytes) -> bytes:
        """One signature line over the text of a note, LF included."""
        return note.format_signature(self.verifier, self.private.sign(text))

    @property
    def witness(self) -> note.VerifierKey:
        """The public key as a cosigner's (type 04)."""
        return note.verifier_key(self.name, self.public, note.COSIGNATURE)

    def cosign(self, text: bytes, time_s: int) -> bytes:
        """One cosignature line over the text of a checkpoint, at a time in Unix seconds; LF included."""
        signature = self.private.sign(note.cosigned_message(text, time_s))
        return note.format_signature(self.witness, cosignature_payload(time_s, signature))

    def jws(self, value: bytes) -> bytes:
        """The detached signature header over a record's value."""
        protected = jws.protected_header(self.kid)
        return jws.format_jws(protected, self.private.sign(jws.sign_input(protected, value)))


def from_seed(name: str, seed: bytes) -> SigningKey:
    """The key of a 32-byte seed: for tests and worked examples, whose seeds are public."""
    return SigningKey(name, Ed25519PrivateKey.from_private_bytes(seed))


def key_path(directory: Path, name: str) -> Path:
    """Where the key of this name lies; a slash in the name is written `~`, so that every key is one file."""
    if problem := note.name_problem(name):
        raise Refused(problem)
    if "~" in name or name.startswith("."):
        raise Refused(f"the key name {name!r} must not contain '~' nor start with a dot: it names a file")
    return directory / (name.replace("/", "~") + SUFFIX)


def new_key(directory: Path, name: str) -> SigningKey:
    """Makes a key and writes it with mode 0600, durably. Raises Conflict when a file of that name is there."""
    path = key_path(directory, name)
    key = SigningKey(name, Ed25519PrivateKey.generate())
    pem = key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Conflict(f"{path} exists; a key is never overwritten", hint="choose another name") from error
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return key


def load_key(path: Path, name: str | None = None) -> SigningKey:
    """The key in a file, named by the file unless `name` is given. Refuses a file that others can read."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            pem = file.read()
    except FileNotFoundError as error:
        raise NotFound(f"there is no key file {path}", hint="phasegate keys new NAME") from error
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from error
    if mode & _OTHERS:
        raise Refused(f"{path} has mode {mode:04o}; others can read it", hint=f"chmod 600 {path}, or make a new one")
    return SigningKey(name or path.stem.replace("~", "/"), _private(path, pem))


def _private(path: Path, pem: bytes) -> Ed25519PrivateKey:
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused(f"{path} is not an unencrypted PEM PKCS#8 key: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise Refused(f"{path} holds a {type(private).__name__}, not an Ed25519 key")
    return private


def list_keys(directory: Path) -> list[SigningKey]:
    """Every key in a directory, by name."""
    return [load_key(path) for path in sorted(directory.glob("*" + SUFFIX))]
