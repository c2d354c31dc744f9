"""What the user of a connection may do, as the broker says it, against what its role asks for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from kafka import errors as kafka_errors
from kafka.protocol.consumer.group import HeartbeatRequest

from events.record import DEAD_LETTERS, TOPICS
from infra.kafka.access import AUDITORS, CLUSTER, RECORDERS, ROLES, Grant

_IMPLIED = {"READ": "DESCRIBE", "WRITE": "DESCRIBE", "ALTER": "DESCRIBE", "ALTER_CONFIGS": "DESCRIBE_CONFIGS"}


def role_of(user: str, held: Mapping[str, tuple[str, ...]]) -> str | None:
    """The role that a user holds; None when the declaration does not know it."""
    return next((role for role, names in held.items() if f"User:{user}" in names), None)


def differing(admin: Any, prefix: str, role: str) -> tuple[list[Grant], list[Grant]]:
    """What the user lacks for the role, and what it may do beyond it. Asks only; nothing is tried out."""
    may = may_do(admin, prefix)
    wanted = ROLES[role].grants
    implied = {Grant(one.resource, one.name, _IMPLIED[one.operation]) for one in wanted if one.operation in _IMPLIED}
    return sorted(wanted - may), sorted(may - wanted - implied)


def may_do(admin: Any, prefix: str) -> frozenset[Grant]:
    """Everything that this user may do with the topics, the groups and the cluster of a deployment. Of a topic that is not
    there a broker tells nothing: it counts as one on which nothing is allowed.
    """
    names = {f"{prefix}.{topic}": topic for topic in (*TOPICS, DEAD_LETTERS)}
    found = {
        Grant("TOPIC", names[topic["name"]], operation)
        for topic in admin.describe_topics(list(names))
        for operation in topic["authorized_operations"] or ()
    }
    found |= {Grant("GROUP", name, operation) for name in (RECORDERS, AUDITORS) for operation in _of_group(admin, name)}
    found |= {
        Grant("CLUSTER", CLUSTER, operation) for operation in admin.describe_cluster()["authorized_operations"] or ()
    }
    return frozenset(found)


def _of_group(admin: Any, name: str) -> set[str]:
    """Of a group that nobody has joined yet a broker tells nothing. So it is also asked like a member who does not belong to
    it: the answer is a refusal, or that this member is unknown.
    """
    try:
        described = admin.describe_groups([name])[name]
    except kafka_errors.GroupAuthorizationFailedError:
        return set()
    found = {"DESCRIBE", *(described["authorized_operations"] or ())}
    asked = HeartbeatRequest(group_id=name, generation_id=-1, member_id="nobody")
    manager = admin._manager  # noqa: SLF001 - no public way to ask; the version is locked
    coordinator = manager.run(admin._find_coordinator_ids, [name])[name]  # noqa: SLF001 - same
    answer = manager.run(partial(manager.send, node_id=coordinator), asked)
    refused = kafka_errors.for_code(answer.error_code) is kafka_errors.GroupAuthorizationFailedError
    return found if refused else found | {"READ"}
