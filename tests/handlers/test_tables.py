"""Large dictionaries of a log that was opened by a snapshot: read when they are asked for, never otherwise than whole ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.envelope import encode as encode_event
from handlers import table, table_index, tabled
from handlers.columnar import Bytes, Column, Document, Members, Plain, Pools, Reading, Texts
from handlers.fold import Folder
from handlers.folded import Folded, decode, encode
from handlers.parts import Unreadable
from handlers.places import Places
from handlers.table import Table
from handlers.table_index import bits_for, from_bytes, hash_of, to_bytes
from handlers.tabled import Blocks, Standing, Tabled
from tests.handlers.test_folded import HISTORIES, fed
from tests.support import small
from tests.support.beside import Beside
from tests.support.log import DEPLOYMENT, Log


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every dictionary with a second row is a table, of blocks and parts of an index that are soon full."""
    monkeypatch.setattr(tabled, "SMALL", 1)
    monkeypatch.setattr(table, "ROWS", 3)
    monkeypatch.setattr(table_index, "PER_PART", 4)


def opened(data: bytes, kept: Beside) -> Folded:
    """As a recorder opens a log."""
    found = decode(data, kept, is_lazy=True)
    folder = Folder.opened(small.PROGRAMME, found, judging=True)
    return Folded(folder.finish(DEPLOYMENT), folder.hiding, found.tables)


@pytest.mark.parametrize("history", HISTORIES)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_whoever_judges_from_what_is_read_bit_by_bit_judges_the_same_and_so_does_the_next_snapshot(
    history: str, data: st.DataObject
) -> None:
    """Opened at any record; from there, at some, another snapshot is made, and gone on from in memory or opened again."""
    whole = HISTORIES[history]()
    count = len(whole.records)
    stops = sorted({0, count, *data.draw(st.lists(st.integers(0, count), min_size=1, max_size=4))})
    kept, log = Beside(), Log()
    for start, stop in pairwise(stops):
        for record in whole.records[start:stop]:
            log.feed(record)
        encoded = encode(Folded(log.state))
        kept.keep(encoded)
        is_going_on: bool = data.draw(st.booleans())
        if encoded.adopting and is_going_on:
            encoded.adopt()
        else:
            log = Log(opened(encoded.head, kept).state, log.stored, log.records, log.commitments, log.decisions)
    expected = fed(whole)
    assert [row.entry for row in log.stored] == [row.entry for row in expected.stored]
    assert [encode_event(one) for one in log.decisions] == [encode_event(one) for one in expected.decisions]
    assert log.state == expected.state, "and having all of it read gives what was folded"


@pytest.mark.parametrize("history", HISTORIES)
def test_what_is_read_whole_is_the_same_down_to_the_order_of_every_dictionary(history: str) -> None:
    state = HISTORIES[history]().state
    encoded, kept = encode(Folded(state)), Beside()
    kept.keep(encoded)
    found = decode(encoded.head, kept, is_lazy=True)
    assert found.tables
    for one in found.tables:
        one.whole()
    assert encode(found) == encoded
    assert found.state == decode(encoded.head, kept).state == state


def test_judging_one_record_reads_a_handful_of_parts_however_long_the_log_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of what grows with the log is gone over."""
    log = HISTORIES["long cup"]()
    encoded, kept = encode(Folded(log.state)), Beside()
    kept.keep(encoded)
    state = opened(encoded.head, kept).state
    monkeypatch.setattr(Table, "whole", lambda _self: pytest.fail("all of a table was read"))
    again = Log(state, log.stored, log.records, log.commitments, log.decisions)
    kept.asked.clear()
    again.feed(log.records[-1])
    assert 0 < len(kept.asked) < 12 < len(kept.parts) // 8


Values = dict[tuple[str, str], tuple[bytes, int]]
TABLED = Tabled(Blocks(Members((Texts(), Texts())), Members((Bytes(), Plain()))))


def written(form: Column, value: Any, kept: Beside) -> tuple[Any, list[Callable[[], None]]]:
    into = Pools()
    data = form.write([value], into)
    kept.parts |= into.parts.new
    kept.parts = {name: kept.parts[name] for name in into.parts.names}
    return (data, list(into.texts)), into.parts.adopting


def read(form: Column, data: Any, kept: Beside, *, is_lazy: bool) -> Any:
    how = Reading(None, (object, frozenset()), kept, is_lazy)
    return form.read(data[0], Document(data[1], {}, how))[0]


KEYS = st.tuples(st.sampled_from("ab"), st.text("xyz", max_size=2))
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, st.tuples(st.binary(max_size=2), st.integers(0, 9))),
        st.tuples(st.sampled_from(["delete", "get", "contains"]), KEYS, st.none()),
        st.tuples(st.sampled_from(["length", "all", "written", "again", "whole"]), st.none(), st.none()),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(acts=ACTS)
@pytest.mark.parametrize("is_colliding", [False, True])
def test_a_table_is_what_a_dictionary_would_be_whatever_is_done_with_it(acts: Any, is_colliding: bool) -> None:
    kept, expected = Beside(), {("a", str(number)): (b"", number) for number in range(20)}
    with pytest.MonkeyPatch.context() as patch:
        if is_colliding:
            patch.setattr(table_index, "hash_of", lambda key: hash_of(key) & (7 << 61))
        data, _ = written(TABLED, expected, kept)
        found = read(TABLED, data, kept, is_lazy=True)
        for act, key, value in acts:
            found = _done(act, key, value, found, expected, kept)
        assert list(found.items()) == list(expected.items())


def _done(act: str, key: Any, value: Any, found: Any, expected: Values, kept: Beside) -> Any:
    match act:
        case "set":
            found[key] = expected[key] = value
        case "delete" if key in expected:
            del found[key], expected[key]
        case "delete":
            with pytest.raises(KeyError):
                del found[key]
        case "get":
            assert found.get(key, "none") == expected.get(key, "none")
        case "contains":
            assert (key in found) == (key in expected)
        case "length":
            assert len(found) == len(expected)
        case "all":
            assert found == expected
        case "whole":
            assert read(TABLED, written(TABLED, found, kept)[0], kept, is_lazy=False) == expected
            return read(TABLED, written(TABLED, dict(expected), kept)[0], kept, is_lazy=True)
        case _:
            data, adopting = written(TABLED, found, kept)
            if act == "again" or not adopting:
                return read(TABLED, data, kept, is_lazy=True)
            for take in adopting:
                take()
    return found


@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["note", "settle", "find", "written", "again"]), st.integers(0, 40)), max_size=50
    )
)
def test_where_records_stand_is_known_the_same_way(steps: list[tuple[str, int]]) -> None:
    kept, expected, form = Beside(), Places(), Standing()
    for offset in range(1, 20, 2):
        expected.note(offset, "final")
    found: Places = read(form, written(form, expected, kept)[0], kept, is_lazy=True)
    assert isinstance(found.earlier, Table)
    for step, number in steps:
        match step:
            case "note":
                for places in (found, expected):
                    places.note(max(20, places.last) + 1 + number, "heat")
            case "settle" if expected.scope_at(number) is not None:
                found.settle(number, "late")
                expected.settle(number, "late")
            case "written" | "again":
                data, adopting = written(form, found, kept)
                assert read(form, data, kept, is_lazy=False) == expected
                for take in adopting:
                    take()
                if step == "again":
                    found = read(form, data, kept, is_lazy=True)
            case _:
                assert (found.scope_at(number), found.last) == (expected.scope_at(number), expected.last)
    assert list(found.items()) == list(expected.items())
    assert found == expected


def test_only_what_has_changed_is_written_again() -> None:
    kept, values = Beside(), {("a", str(number)): (b"", number) for number in range(300)}
    data, _ = written(TABLED, values, kept)
    before = set(kept.parts)
    found = read(TABLED, data, kept, is_lazy=True)
    found["a", "7"] = (b"changed", 7)
    into = Pools()
    TABLED.write([found], into)
    assert len(into.parts.names - before) == 1, "one block of a hundred; the index is the same"
    assert into.parts.names - before == into.parts.new.keys()
    assert len(before - into.parts.names) == 1


def test_what_was_taken_out_is_left_behind_when_it_is_much() -> None:
    kept, values = Beside(), {("a", str(number)): (b"", number) for number in range(60)}
    found = read(TABLED, written(TABLED, values, kept)[0], kept, is_lazy=True)
    for number in range(40):
        del found["a", str(number)]
    again = read(TABLED, written(TABLED, found, kept)[0], kept, is_lazy=True)
    assert (again.layout.count, again.layout.gone, len(again)) == (20, frozenset(), 20)


def test_an_index_is_the_same_bytes_on_every_machine_and_of_every_type_of_key() -> None:
    keys = ["a", ("a", "b"), b"b", 5, ("scores", 3, 5)]
    assert len({hash_of(key) for key in keys}) == len(keys)
    assert hash_of(("a", "b")) == 0xFFC151170352BAA3
    part = from_bytes((1).to_bytes(8, "little") + (2**63).to_bytes(8, "little"))
    assert [*part] == [1, 2**63]
    assert from_bytes(to_bytes(part)) == part
    assert [bits_for(count) for count in (0, 1, 4, 5, 8, 9, 16, 17)] == [0, 0, 0, 1, 1, 2, 2, 3]


@pytest.mark.parametrize("change", [
    lambda of: of | {"rows": 1024},
    lambda of: of | {"count": of["count"] + 3},
    lambda of: of | {"index": of["index"][:-24]},
    lambda of: of | {"blocks": "?"},
])  # fmt: skip
def test_a_table_of_another_form_is_not_read(change: Callable[[dict[str, Any]], object]) -> None:
    kept = Beside()
    values = {("a", str(number)): (b"", number) for number in range(30)}
    ((one,), texts), _ = written(TABLED, values, kept)
    with pytest.raises(ValueError):
        read(TABLED, ([change(one)], texts), kept, is_lazy=True)


def test_a_block_that_is_none_is_not_read() -> None:
    with pytest.raises(Unreadable, match="not a block of rows"):
        TABLED.rows.read(Document([], {}, Reading(None, (object, frozenset()), garbage)), [b""])


def garbage(names: Any, make: Callable[[bytes], Any]) -> list[Any]:
    return [make(b"no block") for _ in names]


def shuffled(count: int) -> Iterator[int]:
    numbers = list(range(count))
    Random(5).shuffle(numbers)
    yield from numbers


def test_every_row_of_a_large_table_is_found_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ROWS", 64)
    monkeypatch.setattr(table_index, "PER_PART", 64)
    kept = Beside()
    values = {("a", str(number)): (b"", number) for number in shuffled(5000)}
    found = read(TABLED, written(TABLED, values, kept)[0], kept, is_lazy=True)
    assert all(found["a", str(number)] == (b"", number) for number in range(5000))
    assert not any(("b", str(number)) in found for number in range(5000))
