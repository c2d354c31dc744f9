"""A programme that was begun on the first schema of the ledger, by the code of that time, goes on to its end on the present
one: on a real Kafka whose topics hold what was recorded, in both databases.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from events.bus import Message
from events.entry import decode_entry, decode_headers
from events.note import open_checkpoint
from events.proofs import consistency_proof, verify_consistency
from events.record import DEAD_LETTERS, TOPICS
from events.tiles import reading_tiles
from flows.wiring import assemble
from handlers.decide import decision_id
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.kafka.client import Cluster
from infra.ledger import Ledger
from infra.ledger.database import newest_schema, upgrade
from tests.support import small
from tests.support.bundles import audit, exported, key_of
from tests.support.old_ledgers import REVISIONS, restore
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, Stage, memory_stage, play

CUP = small.PROGRAMME
PREFIX, PARTITIONS = "test", 4
"""Of the bus that the old ledger is bound to."""

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    is_file = request.param == "sqlite"
    return f"sqlite:///{tmp_path}/ledger.sqlite" if is_file else str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def bus(kafka: TemporaryBroker) -> Iterator[KafkaBus]:
    """The topics of the old ledger, empty; the next test needs the same."""
    bus = KafkaBus(kafka.bootstrap, PREFIX, PARTITIONS, "scenario")
    bus.ensure_topics()
    yield bus
    bus.close()
    names = {f"{PREFIX}.{topic}" for topic in (*TOPICS, DEAD_LETTERS)}
    with closing(Cluster(kafka.bootstrap, {}).admin()) as admin:
        admin.delete_topics(sorted(names))
        until = time.monotonic() + 60
        while names & set(admin.list_topics()):
            assert time.monotonic() < until
            time.sleep(0.1)


def fill(bus: KafkaBus, ledger: Ledger) -> None:
    """The topics as they were: every record at its offset, with its stamp."""
    records = []
    for stored in ledger.read(CUP):
        entry, opening = decode_entry(stored.entry), stored.opening
        if opening is not None:
            headers = decode_headers(opening.headers)
            message = Message(entry.topic, opening.key, opening.value, headers, entry.received_ms)
            records.append((entry.topic, entry.partition, entry.offset, message))
    publisher = bus.publisher()
    at = publisher.publish([message for *_, message in sorted(records, key=lambda record: record[:3])])
    publisher.close()
    assert [(one.topic, one.partition, one.offset) for one in at] == sorted(record[:3] for record in records)


def to_the_end(on: Stage) -> None:
    """From where the old ledger ends: a finding is disputed, and its ruling owed."""
    on.progress(small.DEADLINES["audits"] + 1)
    on.tell(small.ruling())
    on.progress(small.OPENS + 22 * small.DAY)
    on.tell(small.signature(decision_id(CUP, "heat")))
    on.progress(small.OPENS + 33 * small.DAY + 1)


def decided(stage: Stage) -> dict[str, Any]:
    """What was decided, without size and root of a log whose salts are its own."""
    (decision,) = stage.way.state.phases["heat"].decisions.values()
    return {name: value for name, value in decision.fact.data.items() if name != "basis"}


def test_a_programme_of_the_first_schema_is_recorded_and_decided_to_its_end(
    url: str, bus: KafkaBus, tmp_path: Path
) -> None:
    restore(REVISIONS[0], url)
    assert upgrade(url) == ("0001", newest_schema())
    ledger = Ledger.open(url)
    began, old = list(ledger.read(CUP)), ledger.checkpoints(CUP)[-1]
    assert old.size == len(began)
    fill(bus, ledger)
    on = Stage(assemble(bus, ledger, ORIGIN, OFFICE_KEY, LOG_KEY))
    assert on.record() == 0
    to_the_end(on)
    on.recorder.settle_up()

    assert on.way.state.status("heat") == "final"
    assert list(ledger.read(CUP, 0, len(began))) == began
    assert list(ledger.integrity(keys=[LOG_KEY.verifier])) == []
    report = on.replay()
    assert report.first_difference is None
    assert report.decisions.checked > 20

    before = open_checkpoint(old.note, [key_of()])
    after = open_checkpoint(ledger.checkpoints(CUP)[-1].note, [key_of()])
    assert before.size < after.size
    proof = consistency_proof(before.size, after.size, reading_tiles(after.size, ledger.tiles(CUP).hashes))
    verify_consistency(before.size, after.size, proof, before.root, after.root)
    audit(exported(on, tmp_path / "bundle"), since=old.note)

    (tmp_path / "straight").mkdir()
    straight = memory_stage(tmp_path / "straight")
    play(straight)
    assert decided(on) == decided(straight)
    straight.parts.close()
    on.recorder.close()
    ledger.close()
