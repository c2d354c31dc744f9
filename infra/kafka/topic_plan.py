"""What has to be done so that the topics of a deployment are as they must be, and doing it.

Nothing is done when one of the topics cannot be brought there without losing what it means: another count of partitions
(keys would move), another clock (stamps would mix), another count of copies (they are moved by Kafka's own tools).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kafka import errors as kafka_errors
from kafka.admin import ConfigResource, ConfigResourceType

from events.errors import Refused, Unavailable
from events.record import DEAD_LETTERS, TOPICS
from infra.kafka.topics import check_partitions, read_settings, topic_settings

_FOR_GOOD = "message.timestamp.type"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`replication` and `min_insync` of 0 leave that to the cluster."""

    prefix: str
    partitions: int
    replication: int = 0
    min_insync: int = 0

    @property
    def names(self) -> list[str]:
        return [f"{self.prefix}.{topic}" for topic in (*TOPICS, DEAD_LETTERS)]

    @property
    def settings(self) -> dict[str, str]:
        asked = {"min.insync.replicas": str(self.min_insync)} if self.min_insync else {}
        return topic_settings("broker") | asked


@dataclass(frozen=True, slots=True)
class Change:
    """One step for one topic; to make it when `found` is None. `setting` is Kafka's name, or what a new topic is made of."""

    topic: str
    setting: str
    found: str | None
    wanted: str


def plan(admin: Any, wanted: Wanted) -> list[Change]:
    """The steps that are left; none when all is as it must be. Raises Refused."""
    _possible(wanted, len(admin.describe_cluster()["brokers"]))
    described = {topic["name"]: topic for topic in admin.describe_topics(wanted.names) if not _absent(topic)}
    settings = read_settings(admin, described) if described else {}
    steps = []
    for name in wanted.names:
        if name in described:
            _same_for_good(name, described[name], settings[name], wanted)
            steps += _different(name, settings[name], wanted)
        else:
            steps.append(Change(name, "topic", None, _as_text(wanted)))
    return steps


def carry_out(admin: Any, wanted: Wanted, steps: Sequence[Change]) -> None:
    """Does what `plan` said, missing topics first. Called again after a failure it goes on with the rest."""
    new = {
        step.topic: {
            "num_partitions": wanted.partitions,
            "replication_factor": wanted.replication or -1,
            "configs": wanted.settings,
        }
        for step in steps
        if step.found is None
    }
    if new:
        for topic in admin.create_topics(new, raise_errors=False)["topics"]:
            error = kafka_errors.for_code(topic["error_code"])
            if error not in (kafka_errors.NoError, kafka_errors.TopicAlreadyExistsError):
                raise error(topic.get("error_message") or topic["name"])
        admin.wait_for_topics(list(new))
    for name in dict.fromkeys(step.topic for step in steps if step.found is not None):
        changed = {step.setting: step.wanted for step in steps if step.topic == name}
        outcome = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, changed)])["topic"][name]
        if outcome != "OK":
            raise Unavailable(f"{name} was not changed: {outcome}", hint="come as the operator; then call again")


def _absent(topic: dict[str, Any]) -> bool:
    error = kafka_errors.for_code(topic["error_code"])
    if error is kafka_errors.UnknownTopicOrPartitionError:
        return True
    if error is not kafka_errors.NoError:
        raise error(topic["name"])
    return False


def _possible(wanted: Wanted, brokers: int) -> None:
    if wanted.replication > brokers:
        raise Refused(
            f"{wanted.replication} copies of each topic are asked for, the cluster has {brokers} brokers",
            hint="add brokers, or ask for fewer copies",
        )
    if wanted.replication and wanted.min_insync > wanted.replication:
        raise Refused(
            f"{wanted.min_insync} copies must hold a record, but there are {wanted.replication}: nothing could be written",
            hint="with 3 copies, 2 must hold it",
        )


def _same_for_good(name: str, described: dict[str, Any], settings: dict[str, str], wanted: Wanted) -> None:
    check_partitions(name, len(described["partitions"]), wanted.partitions)
    if settings[_FOR_GOOD] != wanted.settings[_FOR_GOOD]:
        raise Refused(
            f"Topic {name} has {_FOR_GOOD}={settings[_FOR_GOOD]}, this deployment needs {wanted.settings[_FOR_GOOD]}",
            hint="Use another prefix. A topic's clock never changes: stamps would mix.",
        )
    copies = {len(partition["replica_nodes"]) for partition in described["partitions"]}
    if wanted.replication and copies != {wanted.replication}:
        raise Refused(
            f"Topic {name} has {', '.join(map(str, sorted(copies)))} copies, {wanted.replication} are asked for",
            hint="kafka-reassign-partitions moves copies; nothing was changed here",
        )
    if wanted.min_insync > min(copies):
        raise Refused(
            f"Topic {name} has {min(copies)} copies; with min.insync.replicas={wanted.min_insync} nothing could be written",
            hint="kafka-reassign-partitions makes more copies; nothing was changed here",
        )


def _different(name: str, found: dict[str, str], wanted: Wanted) -> list[Change]:
    return [
        Change(name, key, str(found.get(key)), value)
        for key, value in wanted.settings.items()
        if found.get(key) != value
    ]


def _as_text(wanted: Wanted) -> str:
    copies = f", {wanted.replication} copies" if wanted.replication else ""
    return f"{wanted.partitions} partitions{copies}, " + ", ".join(
        f"{key}={value}" for key, value in wanted.settings.items()
    )
