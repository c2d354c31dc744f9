"""Columns of a log: they say of every prefix what reading it would, and each entry is read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from events.entry import Entry, decode_entry
from flows.columns import MINUTE_MS, VERDICTS, Columns, KeptColumns
from flows.reader import Reader
from infra.ledger import Ledger
from tests.support import small
from tests.support.counted import statements
from tests.support.erasing import erasure, first_entry, place_of
from tests.support.requeueing import sent_again
from tests.support.stage import memory_stage, play


@pytest.fixture(scope="module", params=["a whole programme", "one with a record that was sent again"])
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    folder: Path = tmp_path_factory.mktemp("columns")
    if request.param == "a whole programme":
        stage = memory_stage(folder)
        play(stage)
    else:
        stage = sent_again(folder)
    yield stage.parts.ledger
    stage.recorder.close()
    stage.parts.close()


def entries_of(ledger: Ledger) -> list[Entry]:
    return [decode_entry(stored.entry) for stored in ledger.read(small.PROGRAMME, with_openings=False)]


def columns_of(ledger: Ledger) -> Columns:
    return KeptColumns(ledger).of(small.PROGRAMME, len(entries_of(ledger)))


def test_of_every_prefix_they_say_what_reading_it_would(ledger: Ledger) -> None:
    entries, columns = entries_of(ledger), columns_of(ledger)
    for size in range(1, len(entries) + 1):
        read = entries[:size]
        first = [entry for entry in read if entry.of is None]
        counted = Counter(entry.verdict for entry in read)
        counted["pending"] -= len(read) - len(first)
        assert columns.verdicts(size) == {name: counted[name] for name in VERDICTS}
        assert columns.last_ms(size) == max(entry.received_ms for entry in first)
        assert columns.minutes(size) == Counter(entry.received_ms // MINUTE_MS for entry in first)
        since = read[size // 2].received_ms
        refused = [entry for entry in read if entry.verdict == "refused" and entry.received_ms > since]
        assert columns.refused_after(size, since) == len(refused)
        unsigned = [entry.received_ms for entry in read[size // 2 :] if entry.of is None]
        assert columns.first_received(size // 2, size) == (unsigned[0] if unsigned else None)


def test_a_time_means_the_smallest_prefix_with_everything_received_up_to_then(ledger: Ledger) -> None:
    entries, columns = entries_of(ledger), columns_of(ledger)
    instants = {entry.received_ms + shift for entry in entries for shift in (-1, 0, 1)}
    for size in (len(entries), len(entries) // 2):
        for instant in instants:
            held = [entry.index + 1 for entry in entries[:size] if entry.of is None and entry.received_ms <= instant]
            assert columns.size_at(instant, size) == max(held, default=0)


def test_what_was_read_is_not_read_again(ledger: Ledger) -> None:
    kept, size = KeptColumns(ledger), len(entries_of(ledger))
    kept.of(small.PROGRAMME, size)
    with statements(ledger) as sent:
        assert kept.of(small.PROGRAMME, size).size == size
        assert kept.of(small.PROGRAMME, size // 2).verdicts(size // 2)
    assert sent == []


def test_many_threads_read_a_log_once(ledger: Ledger) -> None:
    kept, size = KeptColumns(ledger), len(entries_of(ledger))
    with statements(ledger) as sent, ThreadPoolExecutor(8) as pool:
        found = {id(one) for one in pool.map(lambda _: kept.of(small.PROGRAMME, size), range(32))}
    assert len(found) == 1
    assert sum("e.entry FROM entries" in statement for statement in sent) == 1
    assert columns_of(ledger).verdicts(size) == kept.of(small.PROGRAMME, size).verdicts(size)


def test_an_earlier_moment_is_folded_once_where_it_is_kept(ledger: Ledger) -> None:
    reader, size = Reader(ledger), len(entries_of(ledger)) // 2
    assert reader.prefix(small.PROGRAMME, size).state is not reader.prefix(small.PROGRAMME, size).state
    reader.keep_prefixes()
    first = reader.prefix(small.PROGRAMME, size)
    with statements(ledger) as sent:
        assert reader.prefix(small.PROGRAMME, size) is first
    assert not [statement for statement in sent if "FROM entries" in statement]
    assert reader.prefix(small.PROGRAMME, size - 1).state.size == size - 1


def test_an_earlier_moment_is_folded_anew_after_an_erasure(tmp_path: Path) -> None:
    stage = memory_stage(tmp_path)
    play(stage)
    ledger = stage.parts.ledger
    reader, mark = Reader(ledger), first_entry(ledger, "score-ash-art-ann")
    reader.keep_prefixes()
    before = reader.prefix(small.PROGRAMME, mark.index + 1)
    stage.tell(erasure(place_of(mark)))
    assert reader.prefix(small.PROGRAMME, mark.index + 1) is not before
    stage.recorder.close()
    stage.parts.close()
