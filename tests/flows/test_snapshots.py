"""Opening a log by its snapshot: quicker, and never otherwise than folding it; and what is kept in memory stays bounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

import handlers
from events.bus import Message
from events.envelope import CONTENT_TYPE_HEADER, encode
from events.errors import Unavailable
from events.record import Record
from events.values import parse_instant
from flows import open_logs, recorder, snapshots
from flows.judging import Judged
from flows.kept import Kept
from flows.open_logs import OpenLogs
from flows.reader import Reader
from flows.snapshots import Snapshots, build, is_due
from handlers.folded import Folded, pack, unpack
from handlers.folded import encode as encode_folded
from handlers.state import State
from infra.ledger import Batch, Ledger
from infra.ledger.tables import digest
from tests.flows.test_recorder import everything, recorded
from tests.support import small
from tests.support.erasing import erasure, first_entry, place_of
from tests.support.stage import ORIGIN, Stage, memory_stage, play


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small logs are worth a snapshot here."""
    monkeypatch.setattr(snapshots, "GROWN_MIN", 1)


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    """A stage that has played the whole small programme, and whose recorder has paused."""
    stage = memory_stage(tmp_path)
    play(stage)
    paused(stage)
    yield stage
    stage.recorder.close()
    stage.parts.close()


def paused(stage: Stage) -> None:
    """What was being written is; nothing comes in; what is made of that is written."""
    written(stage)
    assert stage.recorder.step(0.0) == 0
    written(stage)


def written(stage: Stage) -> None:
    stage.recorder._appending._thread.submit(lambda: None).result()


class Read:
    """Notes from which index on entries are read."""

    def __init__(self, ledger: Ledger) -> None:
        self.starts: list[int] = []
        self._read, self._values = ledger.read, ledger.read_values
        ledger.read = self.read  # type: ignore[method-assign, assignment]
        ledger.read_values = self.values  # type: ignore[method-assign]

    def read(self, programme: str, start: int = 0, *others: object) -> object:
        self.starts.append(start)
        return self._read(programme, start, *others)  # type: ignore[arg-type]

    def values(
        self, programme: str, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, bytes, bytes | None]]:
        self.starts.append(start)
        return self._values(programme, start, stop)


def opened(on: Stage, *, by_snapshot: bool = True) -> State:
    """What a recorder that starts now knows."""
    ledger = on.parts.ledger
    logs = OpenLogs(ledger, on.parts.deployment, ORIGIN, Snapshots(ledger) if by_snapshot else None)
    return logs.get(small.PROGRAMME).state


def test_a_recorder_that_starts_again_reads_only_what_came_after_the_snapshot(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = on.parts.ledger.snapshot(small.PROGRAMME)
    assert kept is not None
    monkeypatch.setattr(snapshots, "GROWN_MIN", 1000)  # No other one, whatever the size of this one was.
    on.tell(replace(small.scores()[0], id="late-one"), replace(small.scores()[1], id="late-two"))
    read = Read(on.parts.ledger)
    assert opened(on) == opened(on, by_snapshot=False)
    assert read.starts[0] == kept.size
    assert 0 in read.starts[1:]


def test_those_who_look_open_a_log_by_it_and_those_who_verify_do_not(on: Stage) -> None:
    ledger = on.parts.ledger
    read = Read(ledger)
    assert Reader(ledger, snapshots=True).state(small.PROGRAMME) == Reader(ledger).state(small.PROGRAMME)
    assert [start > 0 for start in read.starts] == [True, False]


@pytest.mark.parametrize("look", [
    lambda on: on.replay().is_identical,
    lambda on: not list(on.parts.ledger.integrity(small.PROGRAMME)),
    lambda on: Reader(on.parts.ledger).prefix(small.PROGRAMME, 20).size == 20,
])  # fmt: skip
def test_a_replay_and_an_earlier_state_ask_for_none(on: Stage, look: Callable[[Stage], bool]) -> None:
    def refuse(_programme: str) -> None:
        raise AssertionError("somebody asked for a snapshot")

    on.parts.ledger.snapshot = refuse  # type: ignore[method-assign, assignment]
    assert look(on)


def altered(on: Stage, **values: object) -> None:
    """The row as somebody with all rights would leave it, its digest made right again."""
    on.parts.ledger._engine.dispose()
    found = on.parts.ledger.snapshot(small.PROGRAMME)
    assert found is not None
    with sqlite3.connect(str(on.parts.ledger._engine.url.database)) as connection:
        connection.execute("DROP TRIGGER IF EXISTS snapshots_no_update")
        for name, value in values.items():
            connection.execute(f"UPDATE snapshots SET {name} = ?", (value,))
        row = connection.execute("SELECT log_id, size, root, build, folded FROM snapshots").fetchone()
        if "digest" not in values:
            connection.execute("UPDATE snapshots SET digest = ?", (digest(*row),))


def other_log() -> bytes:
    return pack(encode_folded(Folded(State("another"))).head)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"build": bytes(32)}, "another build"),
        ({"digest": bytes(32)}, "not as it was written"),
        ({"root": bytes(32)}, "not of these entries"),
        ({"size": 10_000}, "not of these entries"),
        ({"folded": b"no zlib"}, "not a packed folded log"),
        ({"folded": pack(b"{}")}, "not a folded log"),
        ({"folded": other_log()}, "it is of 'another' with 0 entries"),
    ],
)
def test_one_that_does_not_fit_is_left_with_a_reason_and_the_log_folded(
    on: Stage, values: dict[str, object], reason: str
) -> None:
    altered(on, **values)
    with structlog.testing.capture_logs() as said:
        assert opened(on) == opened(on, by_snapshot=False)
    (line,) = [row for row in said if row["event"] == "snapshot-left"]
    assert reason in line["reason"]


def test_the_build_is_that_of_every_file_that_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, (folder, package) = build(), (tmp_path / "handlers", tmp_path / "handlers" / "__init__.py")
    folder.mkdir()
    monkeypatch.setattr(handlers, "__file__", str(package))
    found = set()
    for name, text in (("__init__.py", "1"), ("__init__.py", "2"), ("more.py", "2"), ("table.json", "{}")):
        (folder / name).write_text(text)
        build.cache_clear()
        found.add(build())
    monkeypatch.undo()
    build.cache_clear()
    assert len(found) == 4
    assert build() == before not in found


def test_what_is_erased_is_in_no_snapshot_and_the_next_one_is_made_without_it(on: Stage) -> None:
    mark, ledger = small.scores()[0].id, on.parts.ledger
    kept = ledger.snapshot(small.PROGRAMME)
    assert kept is not None
    assert mark.encode() in unpack(kept.folded)
    on.tell(erasure(place_of(first_entry(ledger, mark))))
    with sqlite3.connect(str(ledger._engine.url.database)) as connection:
        assert not [
            row for (row,) in connection.execute("SELECT folded FROM snapshots") if mark.encode() in unpack(row)
        ]
    on.tell(replace(small.scores()[1], id="afterwards", time=small.announced().time))
    paused(on)
    again = ledger.snapshot(small.PROGRAMME)
    assert again is not None
    assert again.size > kept.size
    assert mark.encode() not in unpack(again.folded)
    assert opened(on) == opened(on, by_snapshot=False)
    assert opened(on).erased
    assert list(ledger.integrity()) == []


def test_a_snapshot_that_cannot_be_kept_hinders_nothing(on: Stage) -> None:
    def refuse(*_: object) -> None:
        raise Unavailable("the disk is full")

    on.parts.ledger.keep_snapshot = refuse  # type: ignore[method-assign, assignment]
    on.tell(replace(small.scores()[0], id="late-one"), replace(small.scores()[1], id="late-two"))
    on.recorder._logs.get(small.PROGRAMME).kept = 0
    with structlog.testing.capture_logs() as said:
        paused(on)
    assert {row["reason"] for row in said if row["event"] == "snapshot-not-kept"} == {"the disk is full"}
    assert sorted(recorded(on)) == sorted(everything(on))


def test_a_log_is_worth_another_snapshot_at_sizes_that_grow_by_a_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    kept = 0
    made = [kept := size for size in range(0, 200_000, 100) if is_due(size, kept, pausing=True)]
    assert made[:4] == [1000, 2000, 3000, 4000]
    assert sum(made) < 10 * made[-1], "all of them together cost a few foldings"
    assert not is_due(19_900, 0, pausing=False)
    assert is_due(20_000, 0, pausing=False)
    assert not is_due(39_000, 20_000, pausing=False)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 40)), max_size=60), st.integers(1, 5))
def test_what_is_kept_stays_within_both_bounds_and_the_least_used_goes_first(
    puts: list[tuple[str, int]], count_max: int
) -> None:
    kept, used = Kept[int](lambda weight: weight, count_max, 100), list[str]()
    for key, weight in puts:
        kept.put(key, weight)
        used = [*(other for other in used if other != key), key]
        kept.trim()
        names = [name for name, _ in kept.items()]
        assert names == used[-len(names) :]
        assert len(names) == 1 or (len(names) <= count_max and kept.weight() <= 100)
        used = names
    kept.trim(needed="abcdefgh")
    assert [name for name, _ in kept.items()] == used


def programmes(count: int) -> list[Message]:
    """The beginnings of so many programmes, one event of each in turn. They are refused, which is recorded like anything."""
    found = []
    for event in (small.announced(), *small.beginnings()):
        for name in (f"cup-{number:03d}" for number in range(count)):
            value, at_ms = encode(replace(event, subject=name)), parse_instant(event.time)
            found.append(Message(small.topic_of(event), name.encode(), value, (CONTENT_TYPE_HEADER,), at_ms))
    return found


def test_a_recorder_of_many_programmes_keeps_no_more_of_them_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many take turns, between two batches there are those of the batch and what is within the bound."""
    monkeypatch.setattr(recorder, "BATCH_MAX", 7)
    stage = memory_stage(tmp_path)
    logs = stage.recorder._logs
    logs.kept = Kept(lambda opened: opened.state.size, 256, 30)
    heaviest: list[int] = []
    judge = stage.recorder._judge

    def watch(records: list[Record]) -> Judged:
        heaviest.append(logs.kept.weight())
        return judge(records)

    stage.recorder._judge = watch  # type: ignore[method-assign]
    stage.send(programmes(60))
    stage.record()
    assert sorted(recorded_of_all(stage)) == sorted(everything(stage))
    per_log = max(head.size for head in stage.parts.ledger.heads())
    assert per_log * 60 > 10 * 30, "together they would weigh more than ten times as much"
    assert max(heaviest) <= 30 + 7 * per_log
    logs.kept.trim()
    assert logs.kept.weight() <= 30
    stage.recorder.close()
    stage.parts.close()


def recorded_of_all(on: Stage) -> list[tuple[str, int]]:
    ends = on.parts.bus.ends()
    return [
        (topic, offset)
        for (topic, partition), end in ends.items()
        for offset, _ in on.parts.ledger.attribution(topic, partition, end)
    ]


def test_of_a_slow_ledger_one_batch_is_under_way_and_one_waits_no_more_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not recorded stays on the bus, and not in memory."""
    monkeypatch.setattr(recorder, "BATCH_MAX", 5)
    stage = memory_stage(tmp_path)
    stage.send(programmes(12))
    taken, written, ahead = 0, 0, list[int]()
    poll, append = stage.recorder._intake.poll, stage.parts.ledger.append

    def counted(timeout_s: float, max_records: int) -> object:
        nonlocal taken
        assert max_records == 5
        found = poll(timeout_s, max_records)
        taken += len(found)
        ahead.append(taken - written)
        return found

    def slow(batch: Batch) -> None:
        nonlocal written
        append(batch)
        written += sum(new.of is None for log in batch.logs for new in log.entries)

    stage.recorder._intake.poll = counted  # type: ignore[method-assign, assignment]
    stage.parts.ledger.append = slow  # type: ignore[method-assign]
    stage.record()
    assert written == taken == len(programmes(12))
    assert max(ahead) <= 2 * 5
    stage.recorder.close()
    stage.parts.close()


def test_no_more_is_encoded_at_one_go_than_a_pause_may_take(on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_logs, "AT_ONCE", 1)
    on.send(programmes(3))
    on.record()
    kept = [on.parts.ledger.snapshot(f"cup-{number:03d}") is not None for number in range(3)]
    for _ in range(3):
        paused(on)
    after = [on.parts.ledger.snapshot(f"cup-{number:03d}") is not None for number in range(3)]
    assert sum(kept) <= 1
    assert after == [True, True, True]
