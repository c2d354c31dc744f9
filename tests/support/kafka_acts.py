"""What somebody can try at a broker, each by itself, as a real client does it: done, or the broker's own refusal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from events.record import DEAD_LETTERS, TOPICS
from infra.kafka.access import AUDITORS, CLUSTER, RECORDERS, Grant

DONE, REFUSED = "done", "refused"
EVERY_TOPIC = (*TOPICS, DEAD_LETTERS)
NOBODY = "nobody"
"""The operation of what no role may do."""

Act = tuple[Grant, Callable[[], object]]


@dataclass
class Somebody:
    """The clients of one user, built once. `visible` is a topic that the user may see: a group is joined over it."""

    settings: dict[str, Any]
    prefix: str
    visible: str
    stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        own = self.settings | {"reconnect_backoff_max_ms": 500}
        self.admin = self.stack.enter_context(closing(KafkaAdminClient(**own)))
        self.consumer = self.stack.enter_context(closing(KafkaConsumer(**own, auto_offset_reset="earliest")))

    def name(self, topic: str) -> str:
        return f"{self.prefix}.{topic}"

    def acts(self) -> Iterator[Act]:
        """Every act, by what allows it."""
        for topic in EVERY_TOPIC:
            yield Grant("TOPIC", topic, "WRITE"), partial(self.write, topic)
            yield Grant("TOPIC", topic, "READ"), partial(self.read, topic)
            yield Grant("TOPIC", topic, "CREATE"), partial(self.create, self.name(topic))
            yield Grant("TOPIC", topic, "ALTER_CONFIGS"), partial(self.alter, topic)
            yield Grant("TOPIC", topic, "DESCRIBE_CONFIGS"), partial(self.describe_settings, topic)
            yield Grant("TOPIC", topic, "DELETE"), partial(self.empty, topic)
            yield Grant("TOPIC", topic, "ALTER"), partial(self.widen, topic)
        yield Grant("TOPIC", "another", "CREATE"), partial(self.create, f"another-{self.prefix}")
        yield Grant("GROUP", RECORDERS, "READ"), partial(self.join, RECORDERS)
        yield Grant("GROUP", AUDITORS, "READ"), partial(self.join, f"{AUDITORS}one")
        yield Grant("GROUP", "another", "READ"), partial(self.join, "another")
        yield Grant("CLUSTER", CLUSTER, "DESCRIBE"), self.show_rules
        yield Grant("CLUSTER", CLUSTER, "ALTER"), self.make_a_rule
        yield Grant("CLUSTER", "users", "ALTER"), self.make_a_user
        yield Grant("CLUSTER", NOBODY, "TRANSACTIONAL_ID"), self.begin_a_transaction

    def write(self, topic: str) -> None:
        """By a producer of its own: after a refusal one refuses everything."""
        with closing(KafkaProducer(**self.settings, max_block_ms=15_000, allow_auto_create_topics=False)) as producer:
            producer.send(self.name(topic), b"value", b"key").get(15)

    def first(self, topic: str) -> TopicPartition:
        """Raises the broker's refusal to show the topic: the client itself would only wait, or say that there is none."""
        _raise(self.admin.describe_topics([self.name(topic)])[0]["error_code"])
        return TopicPartition(self.name(topic), 0)

    def read(self, topic: str) -> None:
        """The first record: one is there (the test sees to it)."""
        place = self.first(topic)
        self.consumer.assign([place])
        self.consumer.seek(place, 0)
        deadline = time.monotonic() + 15
        while not self.consumer.poll(200):
            assert time.monotonic() < deadline, f"nothing was read of {topic}, and nothing refused"

    def create(self, name: str) -> None:
        """Asked without doing it. Of a topic that is there: whoever may make it is told that it is there."""
        answer = self.admin.create_topics({name: {"num_partitions": 1}}, validate_only=True, raise_errors=False)
        _raise(answer["topics"][0]["error_code"], kafka_errors.TopicAlreadyExistsError)

    def widen(self, topic: str) -> None:
        self.admin.create_partitions({self.name(topic): 9}, validate_only=True)

    def empty(self, topic: str) -> None:
        self.admin.delete_records({self.first(topic): 1})

    def alter(self, topic: str) -> None:
        wanted = ConfigResource(ConfigResourceType.TOPIC, self.name(topic), {"retention.ms": "-1"})
        _raised(self.admin.alter_configs([wanted], validate_only=True, raise_on_unknown=False)["topic"])

    def describe_settings(self, topic: str) -> None:
        """By the request itself: kafka-python drops the broker's refusal, and gives no settings."""
        asked = self.admin._describe_configs_request([ConfigResource(ConfigResourceType.TOPIC, self.name(topic))])
        _raise(self.admin._manager.run(self.admin._manager.send, asked).results[0].error_code)

    def join(self, group: str) -> None:
        """A member of its own, until it is assigned something. Polls are long: one that ends while it joins may leave it with
        nothing for good (infra/kafka/intake.py).
        """
        with closing(KafkaConsumer(**self.settings, group_id=group)) as member:
            member.subscribe([self.name(self.visible)])
            deadline = time.monotonic() + 60
            while not member.assignment():
                member.poll(10_000)
                assert time.monotonic() < deadline, f"{group} was not joined, and not refused"

    def show_rules(self) -> None:
        anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
        self.admin.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anything))

    def make_a_rule(self) -> None:
        place = ResourcePattern(ResourceType.TOPIC, "elsewhere", ACLResourcePatternType.LITERAL)
        rule = ACL("User:somebody", "*", ACLOperation.READ, ACLPermissionType.ALLOW, place)
        failed = self.admin.create_acls([rule])["failed"]
        if failed:
            raise failed[0]

    def make_a_user(self) -> None:
        made = UserScramCredentialUpsertion("somebody", ScramMechanism.SCRAM_SHA_512, "x", iterations=4096)
        if error := self.admin.alter_user_scram_credentials([made])["somebody"]:
            raise kafka_errors.ClusterAuthorizationFailedError(error)

    def begin_a_transaction(self) -> None:
        with closing(KafkaProducer(**self.settings, transactional_id=f"{self.prefix}-any", max_block_ms=15_000)) as one:
            one.init_transactions()


def outcome(act: Callable[[], object]) -> str:
    """Whether the broker did it, or its authorizer refused it. What is neither is raised. A producer without a topic to
    write to is refused before it names one, and kafka-python then gives the broker's error as text alone.
    """
    try:
        act()
    except kafka_errors.AuthorizationError:
        return REFUSED
    except kafka_errors.KafkaError as error:
        if "ClusterAuthorizationFailedError" in str(error):
            return REFUSED
        raise
    return DONE


def _raise(code: int, *allowed: type[Exception]) -> None:
    error = kafka_errors.for_code(code)
    if error is not kafka_errors.NoError and error not in allowed:
        raise error


def _raised(outcomes: dict[str, str]) -> None:
    """kafka-python gives the errors of this request as text alone."""
    for text in outcomes.values():
        if "AuthorizationFailed" in text:
            raise kafka_errors.TopicAuthorizationFailedError(text)
        assert text == "OK", text
