"""Reading rulebooks and tables of marks from files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from events.errors import NotFound
from infra.marks_file import MarksFileInvalid, read_marks
from infra.rulebook_file import RulebookUnreadable, load, loads


def test_every_scalar_is_text() -> None:
    text = "a: 17.5\nb: [yes, ~, 2026-01-05T09:00:00Z, 0x1F, 'q']\nc: {1: null}\nd:"
    assert loads(text).document == {
        "a": "17.5",
        "b": ["yes", "~", "2026-01-05T09:00:00Z", "0x1F", "q"],
        "c": {"1": "null"},
        "d": "",
    }


def test_every_member_has_the_line_of_its_key() -> None:
    loaded = loads("a:\n  b:\n    - x\n    - y\nc: 1\n")
    assert [loaded.line(path) for path in (("a",), ("a", "b"), ("a", "b", 1), ("c",))] == [1, 2, 4, 5]


def test_a_missing_member_has_the_line_of_what_is_around_it() -> None:
    assert loads("x: 1\na:\n  b: 1\n").line(("a", "c", 3)) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "t:3: 'a' stands already on line 1"),
        ("a: {b: 1, b: 2}", "t:1: 'b' stands already on line 1"),
        ("a: &x 1", "t:1: anchor 'x'"),
        ("a: 1\nb: *x", "t:2: alias 'x'"),
        ("a: !!float 1", "t:1: tag"),
        ("a: !mine 1", "t:1: tag"),
        ("a: [1", "t:1: "),
        ("a: 1\n\tb: 2", "t:2: "),
        ("? [a]\n: 1", "t:1: a key is a sequence"),
        ("", "t is empty"),
        ("a: 1\n---\nb: 2", "t:2: "),
        ("[" * 100, "t:1: nested deeper than 60"),
        ("<<: {a: 1}\nb: \x00", "t"),
    ],
)
def test_what_yaml_allows_and_a_rulebook_does_not_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(RulebookUnreadable) as refusal:
        loads(text, "t")
    assert refusal.value.message.startswith(message)


def test_a_merge_key_is_a_plain_name() -> None:
    assert loads("<<: {a: 1}").document == {"<<": {"a": "1"}}


def test_a_file_that_is_missing_or_not_text_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no rulebook"):
        load(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"a: \xff")
    with pytest.raises(RulebookUnreadable, match="byte 3"):
        load(tmp_path / "bad.yaml")
    with pytest.raises(RulebookUnreadable, match="directory"):
        load(tmp_path)


HEADER = "team,criterion,item,evaluator,value,reference\n"


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "marks.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_marks_are_exact(tmp_path: Path) -> None:
    (row,) = read_marks(table(tmp_path, "\ufeff" + HEADER + "a,c,i,x,0.1,0.30\n"))
    assert (row.slot, row.value, row.reference) == (("a", "c", "i", "x"), Fraction(1, 10), Fraction(3, 10))


def test_the_reference_may_be_left_out(tmp_path: Path) -> None:
    assert read_marks(table(tmp_path, HEADER + "a,c,i,x,1,\n"))[0].reference is None
    assert read_marks(table(tmp_path, "team,criterion,item,evaluator,value\na,c,i,x,1\n"))[0].reference is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("team,value\n", "no column 'criterion'"),
        ("", "its columns are none"),
        (HEADER + "a,c,i,x,1e3,\n", ":2: '1e3' is not a plain decimal"),
        (HEADER + "a,c,i,,1,\n", ":2: 'evaluator' is empty"),
        (HEADER + "a,c,i,x,1,2,3\n", ":2: there are more fields"),
        (HEADER + "a,c,i,x,1,\na,c,i,x,2,\n", ":3: a/c/i/x has a mark already on line 2"),
        (HEADER + 'a,c,i,x,"1,\n', "unexpected end of data"),
    ],
)
def test_a_table_that_cannot_be_read_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MarksFileInvalid) as refusal:
        read_marks(table(tmp_path, text))
    assert message in refusal.value.message
