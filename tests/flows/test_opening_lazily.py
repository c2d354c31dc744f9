"""A recorder that opens logs by what it needs of their snapshots: whatever happens to those, it never judges otherwise."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from events.errors import Unavailable
from flows import snapshots
from flows.open_logs import OpenLog, OpenLogs
from flows.snapshots import Snapshots
from handlers import table, table_index, tabled
from handlers.folded import unpack
from infra.ledger import Keeping, Ledger
from tests.flows.test_recorder import everything, recorded
from tests.support import small
from tests.support.erasing import erasure, first_entry, place_of
from tests.support.stage import ORIGIN, Stage, memory_stage, play


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """At every pause a snapshot is made, and what has a second row is a table of small parts."""
    monkeypatch.setattr(snapshots, "GROWN_MIN", 1)
    monkeypatch.setattr(snapshots, "AT_A_PAUSE", 1000)
    monkeypatch.setattr(tabled, "SMALL", 1)
    monkeypatch.setattr(table, "ROWS", 3)
    monkeypatch.setattr(table_index, "PER_PART", 4)


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    stage = memory_stage(tmp_path)
    yield stage
    stage.recorder.close()
    stage.parts.close()


def started_again(on: Stage) -> None:
    """What was folded is kept, and forgotten."""
    while on.recorder.step(0.0):
        pass
    written(on)
    on.recorder.step(0.0)  # The pause before may have come while something was being written.
    written(on)
    on.recorder.forget()


def written(on: Stage) -> None:
    on.recorder._appending._thread.submit(lambda: None).result()


def log_of(on: Stage) -> OpenLog:
    return on.recorder._logs.get(small.PROGRAMME)


def folded(ledger: Ledger, on: Stage) -> OpenLog:
    return OpenLogs(ledger, on.parts.deployment, ORIGIN).get(small.PROGRAMME)


def again_each_time(on: Stage) -> Callable[[], int]:
    record = on.record

    def recording() -> int:
        started_again(on)
        return record()

    return recording


@pytest.mark.parametrize("is_forgetting", [True, False])
def test_a_programme_whose_recorder_starts_again_at_every_turn_ends_as_any_other(
    on: Stage, is_forgetting: bool
) -> None:
    """Or starts once, and goes on from what it keeps itself."""
    on.tell(small.announced(), *small.beginnings())
    started_again(on)
    if is_forgetting:
        on.record = again_each_time(on)  # type: ignore[method-assign]
    with structlog.testing.capture_logs() as said:
        play(on)
        started_again(on)
        lines = [row["event"] for row in said if row["event"].startswith("snapshot")]
    assert not lines, "no snapshot was left, or not kept"
    assert log_of(on).tables
    assert log_of(on).state == folded(on.parts.ledger, on).state
    assert sorted(recorded(on)) == sorted(everything(on))
    assert on.replay().is_identical
    assert on.done[-1].phase == "heat"
    assert list(on.parts.ledger.integrity()) == []


def played(on: Stage) -> None:
    play(on)
    started_again(on)


def late() -> list[object]:
    return [replace(small.scores()[0], id="late-one"), replace(small.scores()[1], id="late-two")]


def damaged(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TRIGGER snapshot_parts_no_update")
    connection.execute("UPDATE snapshot_parts SET data = zeroblob(8)")


def replaced(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM snapshot_parts WHERE rowid % 2")


def exchanged(connection: sqlite3.Connection) -> None:
    """Each part says what another one says."""
    connection.execute("DROP TRIGGER snapshot_parts_no_update")
    rows = connection.execute("SELECT name, data FROM snapshot_parts ORDER BY name").fetchall()
    for (name, _), (_, data) in zip(rows, [*rows[1:], rows[0]], strict=True):
        connection.execute("UPDATE snapshot_parts SET data = ? WHERE name = ?", (data, name))


@pytest.mark.parametrize("harm", [damaged, replaced, exchanged])
@pytest.mark.parametrize("is_open", [True, False])
def test_a_part_that_is_gone_or_not_as_it_was_is_noticed_and_the_log_folded(
    on: Stage, harm: Callable[[sqlite3.Connection], None], is_open: bool
) -> None:
    """Before the recorder opens the log, or in the midst of its work."""
    played(on)
    if is_open:
        assert log_of(on).tables
    on.parts.ledger._engine.dispose()
    with sqlite3.connect(str(on.parts.ledger._engine.url.database)) as connection:
        harm(connection)
    with structlog.testing.capture_logs() as said:
        on.tell(*late())  # type: ignore[arg-type]
    assert [row for row in said if row["event"] == "overtaken" and "part of the snapshot" in row["message"]]
    assert not log_of(on).tables
    assert log_of(on).state == folded(on.parts.ledger, on).state
    assert sorted(recorded(on)) == sorted(everything(on))
    assert on.replay().is_identical


def test_another_snapshot_in_its_place_is_noticed_and_used(on: Stage) -> None:
    """As when another recorder has made one."""
    played(on)
    assert log_of(on).tables
    head = on.parts.ledger.snapshot(small.PROGRAMME)
    assert head is not None
    on.parts.ledger.keep_snapshot(small.PROGRAMME, head.size, Keeping(head.build, b"not read", {}, []))
    on.tell(*late())  # type: ignore[arg-type]
    assert log_of(on).state == folded(on.parts.ledger, on).state
    assert sorted(recorded(on)) == sorted(everything(on))


def test_what_is_erased_is_in_no_part(on: Stage) -> None:
    played(on)
    mark, ledger = small.scores()[0].id, on.parts.ledger
    assert mark in texts(ledger)
    on.tell(erasure(place_of(first_entry(ledger, mark))))
    assert mark not in texts(ledger)
    on.tell(replace(small.scores()[1], id="afterwards", time=small.announced().time))
    started_again(on)
    assert ledger.snapshot(small.PROGRAMME) is not None
    assert mark not in texts(ledger)
    assert log_of(on).tables
    assert log_of(on).state == folded(ledger, on).state
    assert list(ledger.integrity()) == []


def texts(ledger: Ledger) -> str:
    """All that is in the snapshots of a ledger."""
    with sqlite3.connect(str(ledger._engine.url.database)) as connection:
        heads = [unpack(row) for (row,) in connection.execute("SELECT folded FROM snapshots")]
        rows = [row for (row,) in connection.execute("SELECT data FROM snapshot_parts")]
    return " ".join(str(data) for data in (*heads, *map(plain, rows)))


def plain(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error:  # Of an index.
        return b""


def test_the_next_snapshot_of_a_log_that_was_opened_by_one_has_the_parts_that_are_the_same(on: Stage) -> None:
    played(on)
    before = names(on)
    opened = log_of(on)
    light = opened.weight
    on.tell(*late())  # type: ignore[arg-type]
    started = opened.since
    assert started == opened.state.size, "another one was made, and gone on from"
    assert opened.weight <= light + 3
    kept, new = names(on) & before, names(on) - before
    assert len(kept) > 3 * len(new) > 0


def names(on: Stage) -> set[bytes]:
    with sqlite3.connect(str(on.parts.ledger._engine.url.database)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM snapshot_parts")}


def test_of_a_log_whose_next_snapshot_is_not_kept_the_last_one_is_gone_on_from(on: Stage) -> None:
    played(on)
    assert (since := log_of(on).since) > 0
    keep = on.parts.ledger.keep_snapshot

    def refuse(*_: object) -> bool:
        raise Unavailable("the disk is full")

    on.parts.ledger.keep_snapshot = refuse  # type: ignore[method-assign, assignment]
    on.tell(*late())  # type: ignore[arg-type]
    assert log_of(on).since == since
    on.parts.ledger.keep_snapshot = keep  # type: ignore[method-assign]
    on.tell(replace(small.scores()[0], id="late-three"))
    assert log_of(on).since == log_of(on).state.size > since
    assert log_of(on).state == folded(on.parts.ledger, on).state


def test_a_log_weighs_what_is_in_memory_of_it(on: Stage) -> None:
    played(on)
    opened = log_of(on)
    assert opened.weight < opened.state.size // 4
    before = opened.weight
    assert len([*opened.state.phases["heat"].marks.items()]) > 3
    assert opened.weight > before
    assert OpenLogs(on.parts.ledger, on.parts.deployment, ORIGIN).get(small.PROGRAMME).weight > before


def test_one_who_only_looks_reads_all_that_it_needs_at_once(on: Stage) -> None:
    played(on)
    found = Snapshots(on.parts.ledger).restore(small.PROGRAMME, judging=False)
    assert found is not None
    assert not found.tables
    assert not found.state.seen
    assert isinstance(found.state.phases["heat"].marks, dict)
