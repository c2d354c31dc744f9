"""`phasegate rebuild` on a real Kafka: a new ledger from the records alone, and what it finds in the old one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from tests.console.conftest import Phasegate
from tests.support import small
from tests.support.deployment import environment
from tests.support.shared import both_on, verdicts
from tests.support.stage import ORIGIN, Stage

pytestmark = [pytest.mark.kafka]

PARTITIONS = 3


@dataclass
class Office:
    """What there is before anything is rebuilt, and the command line on it."""

    stage: Stage
    other: str
    phasegate: Phasegate
    home: Path

    @property
    def new(self) -> str:
        return f"sqlite:///{self.home}/new.sqlite"


@pytest.fixture
def office(
    kafka: TemporaryBroker, topic_prefix: str, tmp_path: Path, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    url = f"sqlite:///{tmp_path}/old.sqlite"
    bus = KafkaBus(kafka.bootstrap, topic_prefix, PARTITIONS, "scenario")
    stage, other = both_on(bus, url)
    own = environment(tmp_path, url, kafka.bootstrap) | {
        "PHASEGATE_PREFIX": topic_prefix, "PHASEGATE_PARTITIONS": str(PARTITIONS)
    }  # fmt: skip
    for name, value in own.items():
        if name.startswith("PHASEGATE_"):
            monkeypatch.setenv(name, value)
    yield Office(stage, other, phasegate, tmp_path)
    stage.parts.close()


def test_a_ledger_is_made_again_from_kafka_alone_and_says_the_same(office: Office) -> None:
    answer = office.phasegate("rebuild", "--into", office.new, "--json")
    assert answer.code == 0, answer.out + answer.err
    print(answer.out)
    records = sum(office.stage.parts.bus.ends().values())
    assert verdicts(answer.data) == (records, records, 0)
    assert answer.data["decisions"]["different"] == 0
    assert answer.data["decisions"]["checked"] == 29
