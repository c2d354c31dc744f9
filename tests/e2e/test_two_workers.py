"""Two `serve` beside one recorder, on a Prefect server with PostgreSQL (where the system has it, else SQLite): one is killed in
the middle of a transition, and the Prefect server goes away for a while: programmes go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from events.record import TOPICS
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.support.deployment import environment
from tests.support.prefect import Prefect, own_prefect, paused
from tests.support.village import Village, eventually


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[Prefect]:
    with own_prefect(tmp_path / "prefect") as made:
        yield made


@pytest.mark.kafka
@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whatever_dies_or_hangs_the_programmes_go_on(
    kafka: TemporaryBroker, topic_prefix: str, prefect: Prefect, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    upgrade(url)
    bus = KafkaBus(kafka.bootstrap, topic_prefix, 2, "broker")
    bus.ensure_topics()
    with Ledger.open(url) as ledger:
        more = {
            "PHASEGATE_PREFIX": topic_prefix,
            "PHASEGATE_PARTITIONS": "2",
            "PHASEGATE_PROGRESS_SECONDS": "3600",
            "PREFECT_API_URL": prefect.api_url,
            "PREFECT_RUNNER_POLL_FREQUENCY": "2",
            "PREFECT_HOME": str(tmp_path / "client"),
        }
        village = Village(tmp_path, environment(tmp_path, url, kafka.bootstrap) | more, bus, ledger)
        try:
            begin(village)
            killed_in_the_middle(village)
            without_prefect(village, prefect)
        finally:
            village.end()
    bus.close()


def begin(village: Village) -> None:
    """One after the other: the second finds the automations of the first."""
    for command, name, said in (
        ("record", "record", "recording"),
        ("serve", "one", "serving"),
        ("serve", "two", "serving"),
    ):
        service = village.service(command, name)
        eventually(lambda name=name, said=said: village.lines(name, said) > 0, service)  # type: ignore[misc]


def killed_in_the_middle(village: Village) -> None:
    """Nothing is recorded while one `serve` publishes markers, alone; then it is killed, and the other, which knew nothing of
    it, wakes up.
    """
    recorder, one, two = (village.services[name] for name in ("record", "one", "two"))
    village.play("killed", 4.0, 20.0)
    eventually(lambda: "score.recorded" in village.accepted("killed"), recorder, one, two)
    with paused(two):
        with paused(recorder):
            before = village.bus.ends()
            eventually(lambda: all(grown(village, before, topic) for topic in TOPICS), recorder, one)
            one.kill()
            one.wait()
        assert not concluded(village, "killed")
    eventually(partial(concluded, village, "killed"), recorder, two)
    decided(village, "killed")


def grown(village: Village, before: Any, topic: str) -> bool:
    now = village.bus.ends()
    return any(now[place] > end for place, end in before.items() if place[0] == topic)


def concluded(village: Village, programme: str) -> bool:
    return "programme.concluded" in village.accepted(programme)


def decided(village: Village, programme: str) -> None:
    """Each step of the pipeline is accepted once; whatever was said again is a duplicate."""
    accepted = village.accepted(programme)
    for name in ("phase.opened", "intake.closed", "phase.decided", "decision.finalised", "figures.published"):
        assert accepted.count(name) == 1, (name, accepted)


def without_prefect(village: Village, prefect: Prefect) -> None:
    """While the server is away a programme is decided all the same; when it is back on its port it is joined by itself."""
    recorder, two = village.services["record"], village.services["two"]
    prefect.kill()
    village.play("dark")
    eventually(partial(concluded, village, "dark"), recorder, two)
    decided(village, "dark")
    assert village.lines("two", "without-prefect") > 0
    eventually(lambda: village.lines("two", "prefect-away") > 0, recorder, two)
    joined = village.lines("two", "serving")
    prefect.start()
    eventually(lambda: village.lines("two", "serving") > joined, recorder, two)
