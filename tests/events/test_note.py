"""Signed notes and checkpoints: the published examples to the byte, and each trap that was met in real parsers."""

from __future__ import annotations

import base64

import pytest

from events.errors import Refused, Tampered
from events.merkle import EMPTY_ROOT
from events.notation import NUMBER_MAX
from events.note import (
    COSIGNATURE,
    Checkpoint,
    VerifierKey,
    checkpoint_text,
    format_signature,
    format_vkey,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_vkey,
    signature_lines,
    verifier_key,
)
from infra.keys import from_seed

LOG = from_seed("example.com/decisions/test", b"\x01" * 32)
LOG_VKEY = "example.com/decisions/test+b3363ac4+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
WITNESS_VKEY = "witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
ROOT = bytes.fromhex("2cfef7627597e00b564975774ad728ef210706759fca6d64138c6dfc1cbf2cda")
TEXT = b"example.com/decisions/test\n3\nLP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=\n"
LOG_LINE = (
    "— example.com/decisions/test szY6xGW2LjxqOPeU2Mny4091VaWxd1X2rzniBYYyZi8QzQwEOfpIv5LukXAq8dF5esI1D0XY9QV1zsIp2"
    "hbeBvWMlAo=\n"
).encode()
WITNESS_LINE = (
    "— witness.example/w1 3xwKNQAAAABlU/EAoKiwqeMxIthEPhREsseKHHgFDTx94ZXSUZVt6GZ2ijJ4974oJKkWfbRVATMa8xyBkzqaKDrc"
    "TGj5q304TAQ9Cg==\n"
).encode()
NOTE = TEXT + b"\n" + LOG_LINE + WITNESS_LINE
CHECKPOINT = Checkpoint("example.com/decisions/test", 3, ROOT)
KEY = parse_vkey(LOG_VKEY)
WITNESS = parse_vkey(WITNESS_VKEY)


def signed(text: bytes) -> bytes:
    return LOG.sign_note(text)


def test_the_worked_example_is_written_to_the_byte() -> None:
    assert LOG.vkey == LOG_VKEY
    assert checkpoint_text(CHECKPOINT) == TEXT
    assert signed(TEXT) + WITNESS_LINE == NOTE


def test_the_worked_example_is_read_and_the_unknown_witness_ignored() -> None:
    assert open_checkpoint(NOTE, [KEY]) == CHECKPOINT


def test_a_known_witness_is_verified_with_its_time() -> None:
    assert open_note(NOTE, [KEY, WITNESS])[1] == (KEY, WITNESS)
    with pytest.raises(Tampered, match=r"witness\.example/w1"):
        open_note(NOTE.replace(b"AABlU/EA", b"AABlU/EB"), [KEY, WITNESS])


def test_a_cosignature_does_not_stand_for_the_log() -> None:
    with pytest.raises(Tampered, match="not by its own log's key"):
        open_checkpoint(NOTE, [WITNESS])


@pytest.mark.parametrize(
    ("vkey", "note"),
    [
        (
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            (
                "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERY"
                "NZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
            ),
        ),
        (
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            (
                "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
                "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
                "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
            ),
        ),
    ],
)
def test_the_published_notes_verify(vkey: str, note: str) -> None:
    text, signers = open_note(note.encode(), [parse_vkey(vkey)])
    assert text == note.encode().split(b"\n\n")[0] + b"\n"
    assert format_vkey(signers[0]) == vkey


def test_signatures_are_found_by_name_and_key_id_in_any_order_among_grease() -> None:
    grease = "— grease.example/a ".encode() + base64.b64encode(bytes(40)) + b"\n"
    same_name = format_signature(VerifierKey(KEY.name, b"\0\0\0\0", 1, KEY.public), bytes(64))
    for lines in ([grease, LOG_LINE], [WITNESS_LINE, grease, same_name, LOG_LINE], [LOG_LINE, grease]):
        assert open_checkpoint(TEXT + b"\n" + b"".join(lines), [KEY]) == CHECKPOINT
    assert [name for name, _, _ in signature_lines(NOTE)] == [KEY.name, WITNESS.name]


def test_a_text_may_hold_empty_lines() -> None:
    assert open_note(signed(b"a\n\nb\n"), [KEY])[0] == b"a\n\nb\n"


TRAPS = {
    "no signature known": TEXT + b"\n" + WITNESS_LINE,
    "no signature at all": TEXT + b"\n",
    "no empty line": TEXT + LOG_LINE,
    "no last LF": NOTE[:-1],
    "CRLF": NOTE.replace(b"\n", b"\r\n"),
    "a carriage return in the text": NOTE.replace(b"test\n3", b"test\r\n3"),
    "a control character": NOTE.replace(b"\n3\n", b"\n3\x0b\n"),
    "another size": NOTE.replace(b"\n3\n", b"\n4\n"),
    "a known key's wrong signature": NOTE.replace(b"szY6xGW2", b"szY6xGW3"),
    "an empty signature line": TEXT + b"\n" + LOG_LINE + b"\n",
    "a line without em dash": TEXT + b"\n" + LOG_LINE.replace("—".encode(), b"-"),
    "two spaces": TEXT + b"\n" + LOG_LINE.replace(b"test sz", b"test  sz"),
    "junk in base64": TEXT + b"\n" + LOG_LINE.replace(b"szY6", b"sz*Y6"),
    "unused bits in base64": TEXT + b"\n" + LOG_LINE.replace(b"lAo=", b"lAp="),
    "no padding": TEXT + b"\n" + LOG_LINE.replace(b"lAo=", b"lAo"),
    "trailing bytes in a line": TEXT + b"\n" + LOG_LINE.replace(b"lAo=", b"lAo= "),
    "a plus in a name": TEXT + b"\n" + "— a+b AAAAAAA=\n".encode() + LOG_LINE,
    "a Unicode space in a name": TEXT + b"\n" + "— a\u2003b AAAAAAA=\n".encode() + LOG_LINE,
    "not UTF-8": NOTE.replace(b"witness", b"witnes\xff"),
    "more than 100 signatures": NOTE + WITNESS_LINE * 100,
    "too large": b"x" * 1_000_001 + b"\n",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_note_is_refused_with(trap: str) -> None:
    assert TRAPS[trap] != NOTE
    with pytest.raises(Tampered):
        open_checkpoint(TRAPS[trap], [KEY])


ROOT_64 = base64.b64encode(ROOT)
CHECKPOINT_TRAPS = {
    "a leading zero": b"example.com/decisions/test\n03\n" + ROOT_64 + b"\n",
    "an underscore": b"example.com/decisions/test\n1_0\n" + ROOT_64 + b"\n",
    "a plus": b"example.com/decisions/test\n+3\n" + ROOT_64 + b"\n",
    "spaces": b"example.com/decisions/test\n 3\n" + ROOT_64 + b"\n",
    "Arabic digits": "example.com/decisions/test\n٣\n".encode() + ROOT_64 + b"\n",
    "a size beyond 63 bits": b"example.com/decisions/test\n%d\n" % (NUMBER_MAX + 1) + ROOT_64 + b"\n",
    "no size": b"example.com/decisions/test\n\n" + ROOT_64 + b"\n",
    "a root of 3 bytes": b"example.com/decisions/test\n3\nAAAA\n",
    "a root of 33 bytes": b"example.com/decisions/test\n3\n" + base64.b64encode(bytes(33)) + b"\n",
    "a root in base64url": b"example.com/decisions/test\n3\n" + ROOT_64.replace(b"/", b"_") + b"\n",
    "unused bits": b"example.com/decisions/test\n3\n" + ROOT_64[:-2] + b"p=\n",
    "an extension line": TEXT + b"more\n",
    "an empty origin": b"\n3\n" + ROOT_64 + b"\n",
    "an origin with a space": b"a b\n3\n" + ROOT_64 + b"\n",
    "a line separator as line end": "example.com/decisions/test\u20283\u2028".encode() + ROOT_64 + b"\n",
    "size 0 with a root": b"example.com/decisions/test\n0\n" + ROOT_64 + b"\n",
    "two lines": b"example.com/decisions/test\n3\n",
}


@pytest.mark.parametrize("trap", CHECKPOINT_TRAPS)
def test_a_signed_checkpoint_is_refused_with(trap: str) -> None:
    with pytest.raises(Tampered):
        open_checkpoint(signed(CHECKPOINT_TRAPS[trap]), [KEY])


def test_an_origin_must_be_the_name_of_the_key_that_signs() -> None:
    with pytest.raises(Tampered, match="not by its own"):
        open_checkpoint(signed(TEXT.replace(b"test", b"else")), [KEY])


def test_the_empty_tree_has_a_checkpoint() -> None:
    empty = Checkpoint(KEY.name, 0, EMPTY_ROOT)
    assert open_checkpoint(signed(checkpoint_text(empty)), [KEY]) == empty
    assert parse_checkpoint(checkpoint_text(empty)) == empty


@pytest.mark.parametrize(
    "vkey",
    [
        LOG_VKEY.replace("b3363ac4", "b3363ac5"),
        LOG_VKEY.replace("b3363ac4", "B3363AC4"),
        LOG_VKEY.replace("test+", "tesu+"),
        LOG_VKEY + "\n",
        LOG_VKEY[:-1],
        LOG_VKEY.replace("+AYq", "+BYq"),
        LOG_VKEY.replace("+AYq", "+CYq"),
        LOG_VKEY[:-1] + "é",
        "example.com/decisions/test",
        "",
    ],
)
def test_a_vkey_that_is_not_as_written_is_refused(vkey: str) -> None:
    with pytest.raises(Refused):
        parse_vkey(vkey)


def test_one_key_has_another_id_for_each_algorithm_and_name() -> None:
    keys = [verifier_key(n, KEY.public, a) for n in ("a", "b") for a in (1, COSIGNATURE)]
    assert len({key.key_id for key in keys}) == 4


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "\ud800"])
def test_a_name_that_no_note_can_carry_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        verifier_key(name, bytes(32))
