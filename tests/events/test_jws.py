from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.jws import SignatureInvalid, format_jws, parse, protected_header, sign_input, verify
from infra.keys import from_seed

KEY = from_seed("panel.example/a", b"\x03" * 32)
KEYS = {KEY.kid: KEY.public}
VALUE = b'{"id":"1"}'


def b64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def signed(header: bytes, value: bytes = VALUE) -> bytes:
    """A correct signature under any header, however wrong."""
    protected = b64url(header)
    return format_jws(protected, KEY.private.sign(sign_input(protected, value)))


def test_a_value_is_signed_and_verified() -> None:
    assert verify(VALUE, KEY.jws(VALUE), KEYS) == KEY.kid
    assert KEY.jws(VALUE) == KEY.jws(VALUE)
    assert parse(KEY.jws(VALUE)).kid == KEY.kid == f"panel.example/a+{KEY.verifier.key_id.hex()}"


def test_the_header_is_the_one_of_the_design() -> None:
    expected = b'{"alg":"EdDSA","b64":false,"crit":["b64"],"kid":"k"}'
    assert protected_header("k") == b64url(expected)


def test_what_is_signed_is_the_header_a_dot_and_the_bytes_as_they_are() -> None:
    protected, _, signature = KEY.jws(VALUE).split(b".")
    public = Ed25519PrivateKey.from_private_bytes(b"\x03" * 32).public_key()
    public.verify(base64.urlsafe_b64decode(signature + b"=="), protected + b"." + VALUE)


def test_members_may_stand_in_any_order() -> None:
    header = json.dumps({"kid": KEY.kid, "crit": ["b64"], "b64": False, "alg": "EdDSA"}, separators=(",", ":"))
    assert verify(VALUE, signed(header.encode()), KEYS) == KEY.kid


def test_another_value_or_key_is_invalid() -> None:
    with pytest.raises(SignatureInvalid, match="does not verify"):
        verify(VALUE + b" ", KEY.jws(VALUE), KEYS)
    with pytest.raises(SignatureInvalid, match="may speak here"):
        verify(VALUE, KEY.jws(VALUE), {})
    with pytest.raises(SignatureInvalid, match="does not verify"):
        verify(VALUE, KEY.jws(VALUE), {KEY.kid: bytes(32)})


def header(**changed: object) -> bytes:
    members = {"alg": "EdDSA", "b64": False, "crit": ["b64"], "kid": KEY.kid} | changed
    return json.dumps({k: v for k, v in members.items() if v is not None}, separators=(",", ":")).encode()


TRAPS = {
    "alg none": signed(header(alg="none")),
    "another alg": signed(header(alg="HS256")),
    "b64 true": signed(header(b64=True)),
    "b64 zero": signed(header(b64=0)),
    "no b64": signed(header(b64=None, crit=None)),
    "crit without b64": signed(header(crit=[])),
    "crit with more": signed(header(crit=["b64", "exp"])),
    "no crit": signed(header(crit=None)),
    "no kid": signed(header(kid=None)),
    "kid that is a number": signed(header(kid=1)),
    "an embedded key": signed(header(jwk={})),
    "a repeated member": signed(header()[:-1] + b',"alg":"EdDSA"}'),
    "spaces": signed(header().replace(b",", b", ")),
    "a list": signed(b"[]"),
    "not JSON": signed(b"{"),
    "a payload inside": KEY.jws(VALUE).replace(b"..", b"." + b64url(VALUE) + b"."),
    "one dot": KEY.jws(VALUE).replace(b"..", b"."),
    "three dots": KEY.jws(VALUE) + b".",
    "padding": KEY.jws(VALUE) + b"==",
    "unused bits": KEY.jws(VALUE)[:-1] + bytes([KEY.jws(VALUE)[-1] + 1]),
    "standard base64": KEY.jws(VALUE).replace(b"_", b"/").replace(b"-", b"+") + b"+",
    "a short signature": format_jws(b64url(header()), bytes(63)),
    "a line end": KEY.jws(VALUE) + b"\n",
    "nothing": b"",
    "not ASCII": "é..é".encode(),
    "too long": signed(header(kid="x" * 3000)),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_header_is_invalid_with(trap: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(VALUE, TRAPS[trap], KEYS)


def test_any_changed_byte_is_invalid() -> None:
    good = KEY.jws(VALUE)
    for at in range(len(good)):
        with pytest.raises(SignatureInvalid):
            verify(VALUE, good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :], KEYS)
