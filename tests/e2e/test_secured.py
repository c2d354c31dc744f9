"""The small programme on a broker that allows nothing by itself: recorder, office and every sender as a user of its own."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from events.bus import Message, Publisher
from events.errors import Refused
from events.record import Position
from flows.transitions import Progress
from flows.wiring import assemble
from infra.kafka.access import principals_of
from infra.kafka.acls import apply, compare
from infra.kafka.bus import KafkaBus
from infra.kafka.client import Cluster
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.support import small
from tests.support.secured import SUPER, SecuredBroker
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, Stage, play

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PARTITIONS = 2
SENDERS = {"submissions": "submissions", "scores": "scores", "audits": "audits", "decisions": "office"}
"""Who sends to which topic."""


@dataclass
class Guarded(Stage):
    """A stage whose recorder, office and senders come to Kafka as different users."""

    buses: dict[str, KafkaBus] = field(default_factory=dict)
    publishers: dict[str, Publisher] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.publisher.close()
        self.publishers = {role: self.buses[role].publisher() for role in SENDERS.values()}
        self.way = Progress(replace(self.parts, bus=self.buses["office"]), small.PROGRAMME)
        self.way.office.pause = self._record_meanwhile

    def send(self, messages: Iterable[Message]) -> list[Position]:
        return [self.publishers[SENDERS[one.topic]].publish([one])[0] for one in messages]


def bus_of(broker: SecuredBroker, prefix: str, role: str) -> KafkaBus:
    user = SUPER if role == SUPER else f"{prefix}-{role}"
    return KafkaBus(broker.bootstrap, prefix, PARTITIONS, "scenario", security=broker.security(user))


@pytest.fixture
def prepared(secured_kafka: SecuredBroker, topic_prefix: str) -> None:
    """Rules are applied; the topics are made by a super user, since a scenario's are no operator's matter."""
    with Cluster(secured_kafka.bootstrap, secured_kafka.security(SUPER)).administering() as admin:
        apply(admin, compare(admin, topic_prefix, principals_of(topic_prefix, ())), prune=False)
    with closing(bus_of(secured_kafka, topic_prefix, SUPER)) as bus:
        bus.ensure_topics()


def test_a_programme_is_decided_and_replays_with_each_part_under_its_own_user(
    prepared: None, secured_kafka: SecuredBroker, topic_prefix: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    upgrade(url)
    with ExitStack() as stack:
        roles = ("recorder", "auditor", *SENDERS.values())
        buses = {role: stack.enter_context(closing(bus_of(secured_kafka, topic_prefix, role))) for role in roles}
        ledger = stack.enter_context(Ledger.open(url))
        buses["recorder"].ensure_topics()
        on = Guarded(assemble(buses["recorder"], ledger, ORIGIN, OFFICE_KEY, LOG_KEY), buses=buses)
        for publisher in on.publishers.values():
            stack.callback(publisher.close)
        stack.callback(on.recorder.close)
        stray = Message("scores", small.PROGRAMME.encode(), b"{}", (), small.OPENS)
        on.way.office.await_recorded(on.send([stray]))
        play(on)
        on.recorder.settle_up()
        state = on.parts.reader().state(small.PROGRAMME)
        assert (state.status("heat"), state.concluded is not None) == ("final", True)
        report = on.replay()
        assert (report.is_identical, report.decisions.checked > 0) == (True, True), report.first_difference
        assert list(ledger.integrity(keys=[LOG_KEY.verifier])) == []
        assert _letters(buses["auditor"], secured_kafka, topic_prefix) == [b"{}"]
        with pytest.raises(Refused, match=f"does not allow this to '{topic_prefix}-scores'"):
            on.publishers["scores"].publish([Message("decisions", b"x", b"{}", (), small.OPENS)])


def _letters(auditor: KafkaBus, broker: SecuredBroker, prefix: str) -> list[bytes | None]:
    """What lies in dead-letters, read by who may: the auditor reads it, and the four topics."""
    from kafka import KafkaConsumer, TopicPartition

    assert sum(auditor.ends().values()) > 20
    settings = {"bootstrap_servers": broker.bootstrap, **broker.security(f"{prefix}-auditor")}
    with closing(KafkaConsumer(**settings, auto_offset_reset="earliest")) as consumer:
        places = [TopicPartition(f"{prefix}.dead-letters", number) for number in range(PARTITIONS)]
        consumer.assign(places)
        found: list[bytes | None] = []
        end = sum(consumer.end_offsets(places).values())
        while len(found) < end:
            found += [record.value for batch in consumer.poll(500).values() for record in batch]
        return found
