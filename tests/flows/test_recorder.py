"""A recorder whose ledger fails in the middle of a burst: while one batch is written the next is judged already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from events.entry import decode_entry
from events.errors import Conflict, PhasegateError, Unavailable
from flows import recorder as recording
from infra.ledger import Batch, Ledger
from tests.support import small
from tests.support.stage import Stage, memory_stage


class Failing:
    """Makes appends of a ledger fail, by their number; `committed` ones fail after they were committed."""

    def __init__(self, ledger: Ledger, errors: dict[int, PhasegateError], *, committed: bool = False) -> None:
        self.append, self.errors, self.committed, self.count = ledger.append, errors, committed, 0

    def __call__(self, batch: Batch) -> None:
        self.count += 1
        error = self.errors.get(self.count)
        if error is None or self.committed:
            self.append(batch)
        if error is not None:
            raise error


@pytest.fixture
def on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage with everything of its programme published, batches of two records, four to a step, and nothing recorded yet."""
    monkeypatch.setattr(recording, "BATCH_MAX", 2)
    monkeypatch.setattr(recording, "BURST", 4)
    stage = memory_stage(tmp_path)
    stage.send(stage.message(event) for event in (small.announced(), *small.beginnings(), *small.submissions()))
    yield stage
    stage.recorder.close()
    stage.parts.close()


def recorded(on: Stage) -> list[tuple[str, int]]:
    """Topic and offset of every first entry, in the order of the log."""
    entries = [decode_entry(stored.entry) for stored in on.parts.ledger.read(small.PROGRAMME)]
    return [(entry.topic, entry.offset) for entry in entries if entry.of is None]


def everything(on: Stage) -> list[tuple[str, int]]:
    """Topic and offset of every record on the bus."""
    return [(topic, offset) for (topic, _), end in on.parts.bus.ends().items() for offset in range(end)]


def test_one_step_records_several_batches_and_all_of_them_are_committed(on: Stage) -> None:
    failing = Failing(on.parts.ledger, {})
    on.parts.ledger.append = failing  # type: ignore[method-assign]  # it counts
    count = on.recorder.step()
    assert failing.count == recording.BURST
    assert count == len(recorded(on)) == 2 * recording.BURST


@pytest.mark.parametrize("number", [1, 2, 3])
def test_after_a_conflict_everything_is_recorded_once_and_the_replay_is_identical(on: Stage, number: int) -> None:
    on.parts.ledger.append = Failing(on.parts.ledger, {number: Conflict("overtaken")})  # type: ignore[method-assign]
    assert on.recorder.step() == 2 * (number - 1)
    on.record()
    assert sorted(recorded(on)) == sorted(everything(on))
    assert on.replay().is_identical
    assert list(on.parts.ledger.integrity()) == []


@pytest.mark.parametrize("committed", [False, True])
def test_a_recorder_that_goes_on_after_a_failure_reads_the_ledger_again(on: Stage, committed: bool) -> None:
    failing = Failing(on.parts.ledger, {2: Unavailable("the connection was lost")}, committed=committed)
    on.parts.ledger.append = failing  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        on.recorder.step()
    assert len(recorded(on)) == (4 if committed else 2)
    on.record()
    assert sorted(recorded(on)) == sorted(everything(on))
    assert on.replay().is_identical
