"""The declaration of access on a real broker that allows nothing by itself: each act of each role, done or refused."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import pytest
from kafka import KafkaProducer

from events.record import DEAD_LETTERS, TOPICS
from infra.kafka.access import ROLES, Grant, principals_of
from infra.kafka.acls import apply, compare
from infra.kafka.client import Cluster
from infra.kafka.topic_plan import Wanted, carry_out, plan
from tests.support.kafka_acts import DONE, REFUSED, Somebody, outcome
from tests.support.secured import SUPER, SecuredBroker

pytestmark = pytest.mark.kafka

PREFIX = "guarded"


@dataclass(frozen=True, slots=True)
class Guarded:
    """The broker with the declaration applied, the topics made, and a record in each of them."""

    broker: SecuredBroker

    def somebody(self, role: str) -> Somebody:
        visible = min(grant.name for grant in ROLES[role].grants if grant.resource == "TOPIC")
        settings = {"bootstrap_servers": self.broker.bootstrap, **self.broker.security(f"{PREFIX}-{role}")}
        return Somebody(settings, PREFIX, visible)


@pytest.fixture(scope="module")
def guarded(secured_kafka: SecuredBroker) -> Guarded:
    """A super user applies the rules; the operator, who may do it from then on, makes the topics."""
    held = principals_of(PREFIX, ())
    with Cluster(secured_kafka.bootstrap, secured_kafka.security(SUPER)).administering() as admin:
        apply(admin, compare(admin, PREFIX, held), prune=False)
    wanted = Wanted(PREFIX, 2)
    with Cluster(secured_kafka.bootstrap, secured_kafka.security(f"{PREFIX}-operator")).administering() as admin:
        carry_out(admin, wanted, plan(admin, wanted))
        assert plan(admin, wanted) == []
        found = compare(admin, PREFIX, held)
        assert (found.missing, found.surplus) == ((), ())
    own = {"bootstrap_servers": secured_kafka.bootstrap, **secured_kafka.security(SUPER)}
    with closing(KafkaProducer(**own)) as producer:
        for name in wanted.names:
            producer.send(name, b"value", partition=0).get(30)
    return Guarded(secured_kafka)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_is_declared_and_nothing_else(guarded: Guarded, role: str) -> None:
    somebody = guarded.somebody(role)
    with somebody.stack:
        found = {grant: outcome(act) for grant, act in somebody.acts()}
    allowed = ROLES[role].grants | ({Grant("CLUSTER", "users", "ALTER")} if role == "operator" else set())
    assert found == {grant: DONE if grant in allowed else REFUSED for grant in found}


def test_somebody_without_a_role_may_do_nothing(guarded: Guarded) -> None:
    settings = {"bootstrap_servers": guarded.broker.bootstrap, **guarded.broker.security("stranger")}
    somebody = Somebody(settings, PREFIX, "scores")
    with somebody.stack:
        found = {grant: outcome(act) for grant, act in somebody.acts() if grant.resource != "GROUP"}
    assert found == dict.fromkeys(found, REFUSED)


def test_decisions_have_one_writer_and_nobody_may_delete_or_widen() -> None:
    """Written by hand: the tests above compare the broker with the declaration, whatever that says."""
    writers = {topic: writers_of(topic) for topic in (*TOPICS, DEAD_LETTERS)}
    assert writers == {
        "submissions": {"office", "submissions", "http"},
        "scores": {"office", "scores", "http"},
        "audits": {"office", "audits", "http"},
        "decisions": {"office"},
        "dead-letters": {"recorder"},
    }
    operations = {grant.operation for role in ROLES.values() for grant in role.grants}
    assert operations == {"READ", "WRITE", "CREATE", "DESCRIBE", "ALTER_CONFIGS", "DESCRIBE_CONFIGS", "ALTER"}
    alters = {
        (name, grant.resource) for name, role in ROLES.items() for grant in role.grants if grant.operation == "ALTER"
    }
    assert alters == {("operator", "CLUSTER")}
    data = {name for name, role in ROLES.items() if not {grant.operation for grant in role.grants} & {"READ", "WRITE"}}
    assert data == {"operator"}


def writers_of(topic: str) -> set[str]:
    return {name for name, role in ROLES.items() if Grant("TOPIC", topic, "WRITE") in role.grants}
