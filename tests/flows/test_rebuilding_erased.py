"""A ledger made again from Kafka, which still holds what was erased: it never gets into the new one."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from events.entry import Entry, decode_entry
from flows.erasures_ahead import known_erasures
from flows.open_logs import OpenLogs
from flows.rebuilding import Decided, Rebuilding, decide_again, origin_for
from flows.same_records import Comparison, compare
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.support import small
from tests.support.erasing import AFTER, erasure, first_entry, place_of
from tests.support.stage import ORIGIN, Stage, memory_stage, play

SECRET = "a third person named in a comment"
MARKS = [score.id for score in small.scores()[:3]]


@pytest.fixture
def on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The small programme to its end; three of its marks have a comment, and were erased by two records."""
    scores = small.scores()
    for score in scores[:3]:
        score.data["comment"] = SECRET
    monkeypatch.setattr(small, "scores", lambda: scores)
    (tmp_path / "old").mkdir()
    stage = memory_stage(tmp_path / "old")
    play(stage)
    first, second, third = (place_of(first_entry(stage.parts.ledger, one)) for one in MARKS)
    copy = replace(scores[0], data={name: value for name, value in scores[0].data.items() if name != "comment"})
    stage.tell(erasure(first, second), copy)
    stage.tell(erasure(third, at_ms=AFTER + 1, event_id="erase-2"))
    return stage


def rebuilt(on: Stage, url: str) -> tuple[Comparison, Decided]:
    bus, deployment, old = on.parts.bus, on.parts.deployment, on.parts.ledger
    upgrade(url)
    with Ledger.open(url) as new:
        erased = known_erasures(bus, deployment, bus.ends())
        with closing(Rebuilding(bus, new, deployment, origin_for(new, ORIGIN), erased)) as rebuilding:
            rebuilding.record_up_to(bus.ends(), lambda _: None)
        assert list(new.integrity()) == []
        assert [(row.index, row.by is None) for row in new.erased(small.PROGRAMME)] == [
            (entry.index, False) for entry in missing(new)
        ]
        return compare(new, old, old.standing()), decide_again(new, deployment, None, lambda _: None)


def missing(ledger: Ledger) -> list[Entry]:
    stored = [one for one in ledger.read(small.PROGRAMME) if one.opening is None]
    return [entry for entry in (decode_entry(one.entry) for one in stored) if entry.of is None]


@pytest.mark.parametrize("batch", [2000, 7])
def test_what_was_erased_is_judged_again_and_never_kept(
    on: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr("flows.recorder.BATCH_MAX", batch)
    append, opened = Ledger.append, list[bool]()

    def watched(ledger: Ledger, given: object) -> None:
        append(ledger, given)  # type: ignore[arg-type]
        files = [path.read_bytes() for path in tmp_path.glob("new.sqlite*")]
        opened.append(any(SECRET.encode() in data for data in files))

    monkeypatch.setattr(Ledger, "append", watched)
    compared, decided = rebuilt(on, f"sqlite:///{tmp_path}/new.sqlite")
    assert opened
    assert not any(opened)
    assert compared.first is None, compared.first
    assert compared.without_content == 3
    assert decided.first is None
    assert decided.decisions.unchecked


def test_a_log_that_is_opened_again_before_the_erasure_has_it_from_kafka(
    on: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each batch everything cached is dropped, as by a crash: the decision is judged with the marks it rests on."""
    monkeypatch.setattr("flows.recorder.BATCH_MAX", 3)
    monkeypatch.setattr("flows.recorder.BURST", 1)
    monkeypatch.setattr(OpenLogs, "keep", lambda opened, *_arguments, **_named: opened.forget())
    compared, decided = rebuilt(on, f"sqlite:///{tmp_path}/new.sqlite")
    assert (compared.first, decided.first) == (None, None)
    assert compared.records.identical == sum(on.parts.bus.ends().values())


def test_nobody_can_hide_a_record_by_saying_that_it_is_erased(on: Stage) -> None:
    bus, deployment = on.parts.bus, on.parts.deployment
    before = known_erasures(bus, deployment, bus.ends())
    assert len(before) == 3
    place = place_of(first_entry(on.parts.ledger, small.scores()[4].id))
    said = erasure(place, at_ms=AFTER + 2, event_id="forged")
    on.tell(small.event("record.erased", "forged", "urn:team:ash", AFTER + 2, **said.data))
    assert known_erasures(bus, deployment, bus.ends()) == before


def test_where_nothing_is_erased_kafka_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = memory_stage(tmp_path)
    stage.tell(small.announced(), *small.beginnings())
    monkeypatch.setattr("flows.erasures_ahead.record_one", None)
    assert known_erasures(stage.parts.bus, stage.parts.deployment, stage.parts.bus.ends()) == set()
