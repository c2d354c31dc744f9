"""Detached JWS over a record's value: who says this. RFC 7515 appendix F with RFC 7797 (`b64` false), EdDSA of RFC
8037.

The record's header `phasegate-jws` holds `BASE64URL(protected)..BASE64URL(signature)`; what is signed is
`BASE64URL(protected) || "." || value`, the value's bytes as they are.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from events.errors import Refused

HEADER_BYTES_MAX = 2048
_MEMBERS = {"alg", "b64", "crit", "kid"}


class SignatureInvalid(Refused):
    """The signature header is malformed, names an unknown key, or does not verify."""


@dataclass(frozen=True, slots=True)
class DetachedJws:
    """A parsed, unverified signature header. `protected` is the base64url text as sent: it is part of what was
    signed.
    """

    protected: bytes
    kid: str
    signature: bytes


def protected_header(kid: str) -> bytes:
    """The base64url of the one protected header that is written, members sorted."""
    return _encode(orjson.dumps({"alg": "EdDSA", "b64": False, "crit": ["b64"], "kid": kid}))


def sign_input(protected: bytes, payload: bytes) -> bytes:
    """The bytes that are signed."""
    return protected + b"." + payload


def format_jws(protected: bytes, signature: bytes) -> bytes:
    """The header value: the payload between the two dots is left out, it is the record's value."""
    return protected + b".." + _encode(signature)


def parse(header_value: bytes) -> DetachedJws:
    """The parts of a header value. Members may stand in any order; there must be exactly these four, and `b64`
    false.
    """
    parts = header_value.split(b".")
    if len(header_value) > HEADER_BYTES_MAX or len(parts) != 3 or parts[1] != b"":
        raise SignatureInvalid("not a detached JWS", hint="expected BASE64URL(header)..BASE64URL(signature)")
    header, signature = _header(_decode(parts[0])), _decode(parts[2])
    if set(header) != _MEMBERS:
        raise SignatureInvalid(f"the JWS header has members {sorted(header)}, not exactly {sorted(_MEMBERS)}")
    if header["alg"] != "EdDSA" or header["b64"] is not False or header["crit"] != ["b64"]:
        raise SignatureInvalid(f'the JWS header must be alg "EdDSA", b64 false, crit ["b64"]; found {header}')
    if not isinstance(header["kid"], str) or len(signature) != 64:
        raise SignatureInvalid(f"kid must be text, the signature 64 bytes; found {header['kid']!r}, {len(signature)}")
    return DetachedJws(parts[0], header["kid"], signature)


def verify(value: bytes, header_value: bytes, keys: Mapping[str, bytes]) -> str:
    """The kid of the key that signed `value`. `keys` maps kid to 32 public bytes. Raises SignatureInvalid."""
    jws = parse(header_value)
    public = keys.get(jws.kid)
    if public is None:
        raise SignatureInvalid(f"no key {jws.kid!r} may speak here", hint="announce it in the rulebook, or sign anew")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(jws.signature, sign_input(jws.protected, value))
    except (InvalidSignature, ValueError) as error:
        raise SignatureInvalid(f"the signature of {jws.kid!r} does not verify over the record's value") from error
    return jws.kid


def _header(data: bytes) -> dict[str, Any]:
    """The protected header, refused when any other bytes could mean the same (a repeated member, say)."""
    try:
        header = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise SignatureInvalid(f"the JWS header is not JSON: {error}") from error
    if not isinstance(header, dict) or orjson.dumps(header) != data:
        raise SignatureInvalid("the JWS header is not a JSON object without spaces and repeated members")
    return header


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decode(field: bytes) -> bytes:
    try:
        decoded = base64.b64decode(field + b"=" * (-len(field) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureInvalid(f"{field[:80]!r} is not base64url") from error
    if _encode(decoded) != field:
        raise SignatureInvalid(f"{field[:80]!r} is not canonical base64url without padding")
    return decoded
