"""Cosignatures and what is said to a witness: the design's example to the byte, and what must not pass."""

from __future__ import annotations

import base64

import pytest

from events.cosignature import add_cosignatures, read_cosignatures, require_quorum, require_witnesses
from events.errors import Refused, Tampered
from events.note import parse_vkey, verifier_key
from events.witnessing import (
    AddCheckpoint,
    format_add_checkpoint,
    format_size,
    parse_add_checkpoint,
    parse_size,
)
from infra.keys import from_seed

LOG = from_seed("example.com/decisions/test", b"\x01" * 32)
WITNESS = from_seed("witness.example/w1", b"\x02" * 32)
WITNESS_VKEY = "witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
TEXT = b"example.com/decisions/test\n3\nLP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=\n"
TIME = 1_700_000_000
LINE = (
    "— witness.example/w1 3xwKNQAAAABlU/EAoKiwqeMxIthEPhREsseKHHgFDTx94ZXSUZVt6GZ2ijJ4974oJKkWfbRVATMa8xyBkzqaKDrc"
    "TGj5q304TAQ9Cg==\n"
).encode()
NOTE = LOG.sign_note(TEXT)
HASH = base64.b64decode("PR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=")
REQUEST = b"old 2\nPR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=\n\n" + NOTE


def test_the_worked_example_is_cosigned_to_the_byte() -> None:
    assert WITNESS.witness == parse_vkey(WITNESS_VKEY)
    assert WITNESS.cosign(TEXT, TIME) == LINE


def test_a_cosignature_is_read_with_its_time_wherever_its_line_stands() -> None:
    other = from_seed("witness.example/w2", b"\x03" * 32)
    lines = NOTE.split(b"\n\n")[1]
    for order in (lines + LINE, LINE + lines, other.cosign(TEXT, TIME + 9) + LINE + lines):
        (found,) = read_cosignatures(TEXT + b"\n" + order, [WITNESS.witness])
        assert (found.witness, found.time_s) == (WITNESS.witness, TIME)


def test_every_bit_of_a_cosignature_counts() -> None:
    payload = base64.b64decode(LINE.split(b" ")[2])
    for bit in range(32, 8 * len(payload)):  # the key id before it makes the line another key's
        changed = bytearray(payload)
        changed[bit // 8] ^= 1 << bit % 8
        line = "— witness.example/w1 ".encode() + base64.b64encode(changed) + b"\n"
        with pytest.raises(Tampered):
            read_cosignatures(NOTE + line, [WITNESS.witness])


def test_a_plain_key_is_no_witness() -> None:
    with pytest.raises(Refused, match="type 04"):
        read_cosignatures(NOTE, [WITNESS.verifier])


def test_one_key_under_two_names_is_not_two_witnesses() -> None:
    twin = WITNESS.named("witness.example/w2").witness
    with pytest.raises(Refused, match="one key"):
        require_witnesses([WITNESS.witness, twin])


def test_of_what_a_witness_answers_only_its_own_line_is_kept() -> None:
    other = from_seed("witness.example/w2", b"\x03" * 32)
    answered = other.cosign(TEXT, TIME) + LINE
    assert add_cosignatures(NOTE, answered, LOG.verifier, WITNESS.witness) == NOTE + LINE
    with pytest.raises(Tampered, match="without a cosignature"):
        add_cosignatures(NOTE, other.cosign(TEXT, TIME), LOG.verifier, WITNESS.witness)
    with pytest.raises(Tampered):
        add_cosignatures(NOTE, WITNESS.cosign(TEXT.replace(b"3", b"4"), TIME), LOG.verifier, WITNESS.witness)


def test_a_quorum_counts_fresh_witnesses_alone() -> None:
    second = from_seed("witness.example/w2", b"\x03" * 32)
    note = NOTE + LINE + second.cosign(TEXT, TIME + 100)
    found = read_cosignatures(note, [WITNESS.witness, second.witness])
    assert require_quorum(found, 2) == found
    assert require_quorum(found, 1, since_s=TIME + 1) == found[1:]
    with pytest.raises(Tampered, match="1 of 2"):
        require_quorum(found, 2, since_s=TIME + 1)


def test_a_request_to_a_witness_is_written_and_read() -> None:
    assert format_add_checkpoint(2, [HASH], NOTE) == REQUEST
    assert parse_add_checkpoint(REQUEST) == AddCheckpoint(2, (HASH,), NOTE)
    assert parse_add_checkpoint(b"old 0\n\n" + NOTE) == AddCheckpoint(0, (), NOTE)


TRAPS = {
    "no old": REQUEST.removeprefix(b"old 2\n"),
    "a leading zero": REQUEST.replace(b"old 2", b"old 02"),
    "a sign": REQUEST.replace(b"old 2", b"old +2"),
    "two spaces": REQUEST.replace(b"old 2", b"old  2"),
    "CRLF": REQUEST.replace(b"\n", b"\r\n"),
    "a short hash": REQUEST.replace(b"PR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=", b"PR3n"),
    "unused bits": REQUEST.replace(b"yI=\n", b"yJ=\n"),
    "no empty line": REQUEST.replace(b"\n\n", b"\n"),
    "no checkpoint": b"old 2\n\n",
    "64 hashes": b"old 2\n" + b"PR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=\n" * 64 + b"\n" + NOTE,
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_request_is_refused_with(trap: str) -> None:
    with pytest.raises(Tampered):
        parse_add_checkpoint(TRAPS[trap])


def test_the_size_in_a_conflict_is_a_plain_number_and_a_line() -> None:
    assert parse_size(format_size(17)) == 17
    for body in (b"17", b"017\n", b"17\n\n", b"-1\n", b"", "١٧\n".encode()):
        with pytest.raises(Tampered):
            parse_size(body)


def test_the_key_id_of_a_witness_differs_from_that_of_a_log_with_the_same_key() -> None:
    assert verifier_key(WITNESS.name, WITNESS.public).key_id != WITNESS.witness.key_id
