"""What the exporter counts, from a ledger of the small programme in the broker's time; and that it reads nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from events.bus import Message
from events.envelope import CONTENT_TYPE_HEADER, Envelope
from events.errors import Unavailable
from events.record import Record
from events.values import parse_instant
from flows.metrics import exporter as exporting
from flows.metrics import looking
from flows.metrics.exporter import Exporter
from flows.metrics.record_times import RecordTimes
from flows.metrics.table import METRICS, series
from infra.ledger import Ledger
from infra.memory_bus import MemoryBus
from tests.support import small
from tests.support.stage import Stage, stage


class Deployment:
    """A stage in the broker's time, which stands where the last event was said; and an exporter that looks when it is told."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = 0
        self.stage: Stage = stage(
            MemoryBus("test", 4, "broker", lambda: self.now_ms), f"sqlite:///{folder}/ledger.sqlite"
        )
        self.exporter = Exporter(lambda: self.stage.parts.ledger, lambda _ledger: self.stage.parts.bus)
        self.registry = CollectorRegistry()
        self.registry.register(self.exporter)

    def tell(self, *said: Envelope) -> None:
        for event in said:
            self.now_ms = max(self.now_ms, parse_instant(event.time))
            self.stage.send([self.stage.message(event)])
            self.stage.record()

    def look(self) -> None:
        for part in self.exporter.parts:
            part.ask()

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    made = Deployment(tmp_path)
    monkeypatch.setattr(exporting, "now_ms", lambda: made.now_ms)
    monkeypatch.setattr("flows.metrics.logs_watch.now_ms", lambda: made.now_ms)
    made.tell(small.announced(clock="broker"), *small.beginnings())
    yield made
    made.exporter.close()


def test_every_metric_of_the_table_is_served_and_no_other(on: Deployment) -> None:
    """Gauges of parts that nobody looked at have no value yet; their names and kinds are there."""
    on.look()
    on.registry.register(RecordTimes())
    families = {family.name: family for family in on.registry.collect()}
    assert {name.removesuffix("_total") for name in METRICS} == set(families)
    for name, metric in METRICS.items():
        assert families[name.removesuffix("_total")].type == metric.kind
        assert families[name.removesuffix("_total")].documentation == metric.meaning
    names = {sample.name for family in families.values() for sample in family.samples}
    assert names <= set(series())


def test_records_are_counted_by_topic_and_verdict_and_refusals_by_reason(on: Deployment) -> None:
    on.stage.send([Message("scores", small.PROGRAMME.encode(), b"no JSON", (CONTENT_TYPE_HEADER,))] * 3)
    on.stage.record()
    on.look()
    assert on.value("phasegate_records_total", topic="scores", verdict="refused") == 3
    assert on.value("phasegate_refused_total", reason="not-json") == 3
    assert on.value("phasegate_records_total", topic="decisions", verdict="accepted") == 4
    assert on.value("phasegate_log_size", programme=small.PROGRAMME) == 10


def test_what_grew_is_counted_on_and_nothing_is_read_twice(on: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    read, real = list[int](), Ledger.read_values

    def noted(ledger: Ledger, programme: str, start: int = 0, stop: int | None = None) -> object:
        read.append(start)
        return real(ledger, programme, start, stop)

    monkeypatch.setattr(Ledger, "read_values", noted)
    on.look()
    on.look()
    assert read == [0, 0], "one pass to count and one to fold; none when nothing has grown"
    on.tell(*small.submissions())
    on.look()
    assert set(read[2:]) == {7}
    assert on.value("phasegate_log_size", programme=small.PROGRAMME) == 7 + len(small.submissions())


def test_a_phase_is_in_one_state_and_the_others_are_told_as_zero(on: Deployment) -> None:
    on.look()
    states = {
        name: on.value("phasegate_phase_state", programme=small.PROGRAMME, phase="heat", state=name)
        for name in ("planned", "open", "intake-closed", "held", "decided", "final")
    }
    assert states == {"planned": 1, "open": 0, "intake-closed": 0, "held": 0, "decided": 0, "final": 0}


def test_what_is_due_is_overdue_by_the_time_since_its_deadline(on: Deployment) -> None:
    def overdue() -> float | None:
        return on.value("phasegate_transition_overdue_seconds", programme=small.PROGRAMME)

    on.look()
    assert overdue() == 0
    on.now_ms = small.OPENS + 90_001
    on.look()
    assert overdue() == 90
    list(on.stage.way.steps(on.now_ms))
    on.look()
    assert overdue() == 0


def test_a_log_that_grew_past_its_checkpoint_ages_until_it_is_signed(on: Deployment) -> None:
    def behind_and_age() -> tuple[float | None, float | None]:
        of = {"programme": small.PROGRAMME}
        behind = on.value("phasegate_checkpoint_behind_entries", **of)
        return behind, on.value("phasegate_checkpoint_age_seconds", **of)

    on.look()
    assert behind_and_age() == (0, 0)
    on.stage.send([on.stage.message(said) for said in small.submissions()])
    on.stage.recorder.step(0.01)
    on.now_ms += 1_000_000
    on.look()
    assert behind_and_age() == (len(small.submissions()), 1000)
    on.stage.recorder.settle_up()
    on.look()
    assert behind_and_age() == (0, 0)


def test_lag_is_measured_where_nothing_records(on: Deployment) -> None:
    on.look()
    places = {"topic": "submissions", "partition": str(_partition(on))}
    assert (on.value("phasegate_lag_records", **places), on.value("phasegate_lag_seconds", **places)) == (0, 0)
    on.stage.send([on.stage.message(said) for said in small.submissions()])
    on.now_ms += 45_000
    on.look()
    assert on.value("phasegate_lag_records", **places) == len(small.submissions())
    assert on.value("phasegate_lag_seconds", **places) == 45


def _partition(on: Deployment) -> int:
    from events.record import partition_for

    return partition_for(small.PROGRAMME.encode(), on.stage.parts.bus.partitions)


def test_a_part_that_fails_or_hangs_is_told_as_down_and_its_last_values_stay(
    on: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise Unavailable("the broker is away")

    on.look()
    bus = on.stage.parts.bus
    monkeypatch.setattr(bus, "ends", away)
    on.look()
    assert (on.value("phasegate_up", part="broker"), on.value("phasegate_up", part="database")) == (0, 1)
    assert on.value("phasegate_lag_records", topic="scores", partition="0") == 0
    monkeypatch.undo()
    monkeypatch.setattr(exporting, "now_ms", lambda: on.now_ms)
    on.look()
    assert on.value("phasegate_up", part="broker") == 1
    monkeypatch.setattr(looking, "STALE_S", -1.0)
    assert on.value("phasegate_up", part="broker") == 0, "no answer for longer than that"


def test_how_long_records_took_is_counted_where_they_are_committed(on: Deployment) -> None:
    times, registry = RecordTimes(), CollectorRegistry()
    registry.register(times)

    on.stage.recorder.committed = lambda records, _growths: times.add(records, on.now_ms + 300)
    on.tell(*small.submissions())
    count = len(small.submissions())
    assert registry.get_sample_value("phasegate_record_seconds_count") == count
    assert registry.get_sample_value("phasegate_record_seconds_bucket", {"le": "0.25"}) == 0
    assert registry.get_sample_value("phasegate_record_seconds_bucket", {"le": "0.5"}) == count
    assert registry.get_sample_value("phasegate_record_seconds_sum") == pytest.approx(0.3 * count)


def test_records_in_scenario_time_take_no_time_that_could_be_told() -> None:
    times, registry = RecordTimes(), CollectorRegistry()
    registry.register(times)
    times.add([Record("scores", 0, 0, 0, "producer", b"k", (), b"v")], 10)
    assert registry.get_sample_value("phasegate_record_seconds_count") == 0
