"""K-AI phase 1 on every pair of bus and database, through Prefect: the same events of the pipeline, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from events.bus import Bus
from flows.play import Player
from flows.prefect_server import PrefectServer
from flows.scenario import read_scenario
from flows.wiring import assemble
from handlers.replay import Replay
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus
from tests.support.pipeline import own_events, without_basis
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.prefect, pytest.mark.slow]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "k-ai-2026"


@pytest.fixture(scope="module")
def prefect() -> Iterator[PrefectServer]:
    with PrefectServer() as server:
        yield server


def played(bus: Bus, url: str, prefect: PrefectServer) -> dict[str, bytes]:
    """What the pipeline said, without what says how it lay in its log; the replay is identical."""
    upgrade(url)
    bus.ensure_topics()
    parts = assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY)
    scenario = read_scenario(EXAMPLE)
    Player(scenario, parts, prefect, lambda _text: None).play()
    ledger, programme = parts.ledger, scenario.programme
    replay = Replay(programme, f"{ORIGIN}/{programme}", parts.deployment, ledger.attribution)
    for stored in ledger.read(programme):
        replay.feed(stored)
    report = replay.finish()
    assert report.is_identical, report.first_difference
    said = {name: without_basis(value) for name, value in own_events(ledger, programme).items()}
    parts.close()
    return said


def test_the_same_decisions_whatever_the_bus_and_the_database(
    kafka: TemporaryBroker, topic_prefix: str, postgres_database: str, prefect: PrefectServer, tmp_path: Path
) -> None:
    def in_memory() -> MemoryBus:
        return MemoryBus("memory", 12, "scenario", lambda: 0)

    expected = played(in_memory(), f"sqlite:///{tmp_path / 'memory.sqlite'}", prefect)
    assert any(b"phase.decided" in value for value in expected.values())
    on_kafka = KafkaBus(kafka.bootstrap, topic_prefix, 12, "scenario")
    assert played(on_kafka, f"sqlite:///{tmp_path / 'kafka.sqlite'}", prefect) == expected
    also_kafka = KafkaBus(kafka.bootstrap, f"{topic_prefix}-postgres", 12, "scenario")
    assert played(also_kafka, postgres_database, prefect) == expected
