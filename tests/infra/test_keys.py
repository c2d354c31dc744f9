from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from events import jws
from events.errors import Conflict, NotFound, Refused
from events.note import Checkpoint, checkpoint_text, open_checkpoint, parse_vkey
from infra.keys import from_seed, key_path, list_keys, load_key, new_key


def test_a_new_key_is_loaded_as_it_was_written(tmp_path: Path) -> None:
    made = new_key(tmp_path / "keys", "phasegate.example/office")
    path = key_path(tmp_path / "keys", "phasegate.example/office")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.name == "phasegate.example~office.pem"
    assert load_key(path).vkey == made.vkey
    assert load_key(path, "else").name == "else"
    assert [key.vkey for key in list_keys(tmp_path / "keys")] == [made.vkey]
    serialization.load_pem_private_key(path.read_bytes(), None)


def test_a_new_key_ignores_a_generous_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        new_key(tmp_path, "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE(key_path(tmp_path, "a").stat().st_mode) == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    first = new_key(tmp_path, "a")
    with pytest.raises(Conflict):
        new_key(tmp_path, "a")
    assert load_key(key_path(tmp_path, "a")).vkey == first.vkey


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_can_reach_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    new_key(tmp_path, "a")
    path = key_path(tmp_path, "a")
    path.chmod(mode)
    with pytest.raises(Refused, match=f"{mode:04o}") as error:
        load_key(path)
    assert "chmod 600" in error.value.hint


def test_what_is_no_ed25519_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pem"
    other = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for content in (b"", b"no key", other):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(Refused):
            load_key(path)
    with pytest.raises(NotFound) as error:
        load_key(tmp_path / "b.pem")
    assert error.value.hint == "phasegate keys new NAME"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "../a", "a~b", "."])
def test_a_name_that_is_no_file_or_no_key_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused):
        new_key(tmp_path, name)


def test_one_key_signs_under_the_name_of_each_log() -> None:
    key = from_seed("a", b"\x01" * 32)
    for origin in ("phasegate.example/p", "phasegate.example/q"):
        named = key.named(origin)
        assert named.public == key.public
        assert named.kid != key.kid
        checkpoint = Checkpoint(origin, 1, bytes(32))
        note = named.sign_note(checkpoint_text(checkpoint))
        assert open_checkpoint(note, [parse_vkey(named.vkey)]) == checkpoint
        assert jws.verify(b"v", named.jws(b"v"), {named.kid: key.public}) == named.kid


def test_a_key_does_not_show_itself() -> None:
    key = from_seed("a", b"\x01" * 32)
    assert repr(key) == f"SigningKey({key.kid})"
