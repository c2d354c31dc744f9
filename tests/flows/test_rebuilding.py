"""Recording again what a bus holds: whatever was played, the second ledger says of each record what the first says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from events.bus import Bus
from events.entry import encode_headers
from events.envelope import decode, encode
from events.errors import Refused
from flows import rereading
from flows.cut import inputs_at_cut
from flows.office import message
from flows.reading import Reading
from flows.rebuilding import Decided, Rebuilding, decide_again, gaps, origin_for
from flows.rereading import Rereading
from flows.same_records import Comparison, compare
from handlers.judge import Deployment
from handlers.other_history import as_said_before
from handlers.replay import Replay
from infra.ledger import Ledger, Standing
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus
from tests.infra.conftest import postgres_database, postgres_url
from tests.support import small
from tests.support.scenarios import memory, play_scenario
from tests.support.shared import both_on
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, memory_stage, play

__all__ = ["postgres_database", "postgres_url"]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PLAYED = ("k-ai-2026", "variations/upheld-objection", "variations/withdrawal-before-finality")


def received_by_half(bus: Bus) -> dict[tuple[str, int], int]:
    """How far a recorder was when half of all records had come in."""
    records = [record for (topic, number), end in bus.ends().items() for record in bus.read(topic, number, 0, end)]
    stamps = sorted(record.received_ms for record in records)
    half = [record for record in records if record.received_ms <= stamps[len(stamps) // 2]]
    return {place: sum((record.topic, record.partition) == place for record in half) for place in bus.ends()}


def rebuilt(bus: Bus, old: Ledger, url: str) -> tuple[Comparison, Decided]:
    deployment = Deployment(bus.partitions, {OFFICE_KEY.kid: OFFICE_KEY.public})
    upgrade(url)
    with Ledger.open(url) as new:
        new.bind(bus.prefix, bus.partitions, bus.clock)
        with closing(Rebuilding(bus, new, deployment, origin_for(new, ORIGIN))) as rebuilding:
            for stops in (received_by_half(bus), bus.ends()):
                rebuilding.record_up_to(stops, lambda _: None)
                assert new.positions(stops) == stops
        assert list(new.integrity()) == []
        return compare(new, old, old.standing()), decide_again(new, deployment, None, lambda _: None)


@pytest.mark.slow
@pytest.mark.parametrize("example", PLAYED)
def test_a_whole_programme_comes_out_the_same(tmp_path: Path, example: str) -> None:
    bus = memory()
    url = f"sqlite:///{tmp_path}/old.sqlite"
    play_scenario(EXAMPLES / example, bus, url)
    with Ledger.open(url) as old:
        compared, decided = rebuilt(bus, old, f"sqlite:///{tmp_path}/new.sqlite")
        assert compared.first is None
        assert compared.records.identical == sum(bus.ends().values())
        assert decided.first is None
        assert decided.decisions.identical == decided.decisions.checked > 30
        assert decided.earlier > 5


@pytest.mark.postgres
def test_it_does_not_matter_which_database_either_ledger_is_in(tmp_path: Path, postgres_database: str) -> None:
    stage, _ = both_on(MemoryBus("test", 3, "scenario", lambda: 0), f"sqlite:///{tmp_path}/old.sqlite")
    compared, decided = rebuilt(stage.parts.bus, stage.parts.ledger, postgres_database)
    assert (compared.first, decided.first) == (None, None)
    with Ledger.open(postgres_database) as old:
        again, _ = rebuilt(stage.parts.bus, old, f"sqlite:///{tmp_path}/again.sqlite")
        assert again.first is None
        assert again.records.checked == compared.records.checked == sum(stage.parts.bus.ends().values())


def test_what_a_decision_was_computed_from_is_found_at_another_size(tmp_path: Path) -> None:
    stage, _ = both_on(MemoryBus("test", 3, "scenario", lambda: 0), f"sqlite:///{tmp_path}/old.sqlite")
    url = f"sqlite:///{tmp_path}/new.sqlite"
    rebuilt(stage.parts.bus, stage.parts.ledger, url)
    with Ledger.open(url) as new:
        before, again = (
            inputs_at_cut(Reading(ledger, 3, {}, ()), small.PROGRAMME, "heat", None)
            for ledger in (stage.parts.ledger, new)
        )
    assert again.inputs == before.inputs
    assert (again.status, again.is_decided) == (before.status, before.is_decided)
    assert again.size != before.size


def test_records_of_all_partitions_come_by_their_receipt_and_each_partition_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "LEAST_AT_ONCE", 2)
    monkeypatch.setattr(rereading, "AT_ONCE", 6)
    stage = memory_stage(tmp_path, 1)
    play(stage)
    bus = stage.parts.bus
    intake = Rereading(bus, bus.ends()).intake("nobody", lambda places: dict.fromkeys(places, 0))
    records = []
    while found := intake.poll(0.0, 7):
        records += found
    stamps = [record.received_ms for record in records]
    assert stamps == sorted(stamps)
    for (topic, _), end in bus.ends().items():
        assert [record.offset for record in records if record.topic == topic] == list(range(end))


def test_a_new_ledger_beyond_the_old_one_is_not_compared_with_it(tmp_path: Path) -> None:
    stage, _ = both_on(MemoryBus("test", 3, "scenario", lambda: 0), f"sqlite:///{tmp_path}/old.sqlite")
    rebuilt(stage.parts.bus, stage.parts.ledger, f"sqlite:///{tmp_path}/new.sqlite")
    before = {place: max(0, end - 1) for place, end in stage.parts.bus.ends().items()}
    deployment = Deployment(3, {OFFICE_KEY.kid: OFFICE_KEY.public})
    with Ledger.open(f"sqlite:///{tmp_path}/new.sqlite") as new:
        rebuilding = Rebuilding(stage.parts.bus, new, deployment, origin_for(new, ORIGIN))
        with closing(rebuilding), pytest.raises(Refused, match="up to"):
            rebuilding.record_up_to(before, lambda _: None)


def test_what_was_recorded_before_kafka_deleted_it_is_no_gap() -> None:
    class Forgetful(MemoryBus):
        def begins(self) -> Mapping[tuple[str, int], int]:
            return {**super().begins(), ("scores", 0): 5}

    bus = Forgetful("test", 1, "scenario", lambda: 0)
    assert [str(gap) for gap in gaps(bus, bus.ends(), None, {})] == ["scores/0 offsets 0 to 4: Kafka has deleted them"]
    assert gaps(bus, bus.ends(), None, {("scores", 0): 5}) == []
    (lost,) = gaps(MemoryBus("test", 1, "scenario", lambda: 0), {}, Standing({}, {("audits", 0): 2}), {})
    assert (lost.start, lost.stop, lost.is_deleted) == (0, 2, False)


# ------------------------------------------------------------------------------------- a decision with another log's basis
Change = Callable[[dict[str, Any]], dict[str, Any]]


def decided(tmp_path: Path, change: Change, log: str) -> Replay:
    """A replay, as the log of that name, of a programme whose decision says of its basis something else."""
    stage = memory_stage(tmp_path)
    play(stage)
    replay = Replay(small.PROGRAMME, log, stage.parts.deployment, stage.parts.ledger.attribution)
    for stored in stage.parts.ledger.read(small.PROGRAMME):
        if stored.opening is not None and b"phasegate.phase.decided.v1" in (stored.opening.value or b""):
            event = decode(stored.opening.value)
            said = message("decisions", replace(event, data=change(event.data)), OFFICE_KEY, 0)
            stored.opening = replace(stored.opening, headers=encode_headers(said.headers), value=said.value)
        replay.feed(stored)
    replay.finish()
    return replay


def with_basis(**members: object) -> Change:
    return lambda data: data | {"basis": data["basis"] | members}


AGAIN = f"{ORIGIN}/rebuilt-0123456789ab/{small.PROGRAMME}"
FIRST = f"{ORIGIN}/{small.PROGRAMME}"


def test_in_a_log_that_was_never_rebuilt_every_basis_is_its_own(tmp_path: Path) -> None:
    """Or a forger could name another log, and no root would be compared."""
    found = decided(tmp_path, with_basis(log=AGAIN, root="0" * 64), FIRST).report
    assert (found.decisions.different, found.earlier) == (1, 0)


@pytest.mark.parametrize(
    ("change", "different"),
    [
        (with_basis(root="0" * 64, size=1), 0),
        (with_basis(log=f"{ORIGIN}/rebuilt-ba9876543210/{small.PROGRAMME}"), 0),
        (with_basis(log="elsewhere.example/small-cup"), 1),
        (with_basis(log=AGAIN, root="0" * 64), 1),
        (with_basis(rulebook="0" * 64), 1),
        (with_basis(engine="another"), 1),
        (lambda data: data | {"vacancies": 0}, 1),
    ],
)
def test_in_a_rebuilt_log_size_and_root_may_be_those_of_a_log_before_it_and_nothing_else(
    tmp_path: Path, change: Change, different: int
) -> None:
    found = decided(tmp_path, change, AGAIN).report
    assert found.decisions.different == different
    assert found.earlier == 4 - different  # the three assessments name the first log too


def test_what_is_adopted_is_the_place_in_the_log_and_nothing_else(tmp_path: Path) -> None:
    said = small.event("phase.decided", "d", "s", 0, basis={"log": FIRST, "size": 1, "root": "a", "engine": "1"}, x=1)
    made = replace(said, data={"basis": {"log": AGAIN, "size": 2, "root": "b", "engine": "2"}, "x": 2})
    seen = decode(as_said_before(said, encode(made), AGAIN, small.PROGRAMME))
    assert seen.data == {"basis": {"log": FIRST, "size": 1, "root": "a", "engine": "2"}, "x": 2}
    assert LOG_KEY.named(FIRST).kid != LOG_KEY.named(AGAIN).kid
