"""The topics of a deployment: created with settings that keep everything, refused when somebody changed what counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kafka import KafkaAdminClient
from kafka import errors as kafka_errors
from kafka.admin import ConfigResource, ConfigResourceType

from events.bus import Clock
from events.errors import Refused
from infra.kafka.client import LARGEST

LATEST_STAMP = 2**63 - 1
"""`message.timestamp.after.max.ms` of scenario topics: at its maximum, or Kafka refuses stamps in the future."""


_CHECKED = ("message.timestamp.type", "cleanup.policy", "retention.ms", "retention.bytes", "compression.type")


def topic_settings(clock: Clock) -> dict[str, str]:
    """What every topic is created with. Retention without end: the ledger cites offsets for good."""
    kept = {
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
        "max.message.bytes": str(LARGEST),
        # The broker unpacks what senders packed: a codec that is not installed here would stop the recorder.
        "compression.type": "uncompressed",
    }
    if clock == "broker":
        return kept | {"message.timestamp.type": "LogAppendTime"}
    return kept | {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(LATEST_STAMP)}


def ensure_topics(admin: KafkaAdminClient, names: Iterable[str], partitions: int, clock: Clock) -> None:
    """Create the missing topics, then check all of them as the broker reports them.

    Several processes may do this at once. What would only cost data later (retention) is refused now.
    """
    wanted = list(names)
    missing = set(wanted) - set(admin.list_topics())
    if missing:
        new = {name: {"num_partitions": partitions, "configs": topic_settings(clock)} for name in sorted(missing)}
        response = admin.create_topics(new, raise_errors=False)
        for topic in response["topics"]:
            error = kafka_errors.for_code(topic["error_code"])
            if error not in (kafka_errors.NoError, kafka_errors.TopicAlreadyExistsError):
                raise error(topic.get("error_message") or topic["name"])
        admin.wait_for_topics(wanted)
    for described in admin.describe_topics(wanted):
        if (error := kafka_errors.for_code(described["error_code"])) is not kafka_errors.NoError:
            raise error(described["name"])
        check_partitions(described["name"], len(described["partitions"]), partitions)
    for name, found in read_settings(admin, wanted).items():
        _check_settings(name, found, topic_settings(clock))


def read_settings(admin: KafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """All settings of the topics, as the broker has them. Of a topic whose settings this user may not see kafka-python drops
    the refusal, and gives none.
    """
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    reply: dict[str, dict[str, dict[str, Any]]] = admin.describe_configs(resources, config_filter="all")["topic"]
    if hidden := [name for name, settings in reply.items() if not settings]:
        raise kafka_errors.TopicAuthorizationFailedError(f"settings of {', '.join(hidden)}")
    return {name: {key: entry["value"] for key, entry in settings.items()} for name, settings in reply.items()}


def check_partitions(name: str, found: int, wanted: int) -> None:
    """Raises Refused with both numbers."""
    if found != wanted:
        raise Refused(
            f"Topic {name} has {found} partitions, this deployment is set to {wanted}",
            hint="Keys would move to other partitions. Set the count that the topics have, or use another prefix.",
            topic=name,
            found=found,
            wanted=wanted,
        )


def _check_settings(name: str, found: dict[str, str], wanted: dict[str, str]) -> None:
    for key in _CHECKED:
        if found.get(key) != wanted[key]:
            raise Refused(
                f"Topic {name} has {key}={found.get(key)}, this deployment needs {wanted[key]}",
                hint=f"Set {key} on the topic, or use another prefix. A topic's clock never changes: stamps would mix.",
                topic=name,
                found=found.get(key),
                wanted=wanted[key],
            )
