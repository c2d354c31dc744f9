"""K-AI whole on every pair of bus and database, with Prefect and without: the same events of the pipeline, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.prefect_server import PrefectServer
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from tests.support.scenarios import Outcome, memory, play_scenario

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.prefect, pytest.mark.slow]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "k-ai-2026"


@pytest.fixture(scope="module")
def prefect() -> Iterator[PrefectServer]:
    with PrefectServer() as server:
        yield server


def said(played: Outcome) -> dict[str, bytes]:
    assert played.replay.is_identical, played.replay.first_difference
    assert played.unmet == []
    return played.said


def test_the_same_decisions_whatever_the_bus_and_the_database(
    kafka: TemporaryBroker, topic_prefix: str, postgres_database: str, prefect: PrefectServer, tmp_path: Path
) -> None:
    expected = said(play_scenario(EXAMPLE, memory(), f"sqlite:///{tmp_path / 'memory.sqlite'}"))
    assert any(b"programme.concluded" in value for value in expected.values())
    on_kafka = KafkaBus(kafka.bootstrap, topic_prefix, 12, "scenario")
    assert said(play_scenario(EXAMPLE, on_kafka, f"sqlite:///{tmp_path / 'kafka.sqlite'}", prefect)) == expected
    also_kafka = KafkaBus(kafka.bootstrap, f"{topic_prefix}-postgres", 12, "scenario")
    assert said(play_scenario(EXAMPLE, also_kafka, postgres_database)) == expected
