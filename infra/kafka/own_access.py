"""What the user of a connection may do, as the broker says it, against what its role asks for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kafka import errors as kafka_errors
from kafka.protocol.consumer.group import HeartbeatRequest

from events.record import DEAD_LETTERS, TOPICS
from infra.kafka.access import AUDITORS, CLUSTER, RECORDERS, ROLES, Grant

COORDINATED_WITHIN_S = 15.0
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
        described = _when_coordinated(lambda: admin.describe_groups([name])[name])
    except kafka_errors.GroupAuthorizationFailedError:
        return set()
    found = {"DESCRIBE", *(described["authorized_operations"] or ())}
    manager = admin._manager  # noqa: SLF001 - no public way to ask; the version is locked
    coordinator = manager.run(admin._find_coordinator_ids, [name])[name]  # noqa: SLF001 - same
    asked = HeartbeatRequest(group_id=name, generation_id=-1, member_id="nobody")
    error = kafka_errors.for_code(manager.run(partial(manager.send, node_id=coordinator), asked).error_code)
    return found if error is kafka_errors.GroupAuthorizationFailedError else found | {"READ"}


def _when_coordinated(ask: Callable[[], Any]) -> Any:
    """The first question about a group makes the cluster make the topic that groups are kept in; that takes a moment."""
    deadline = time.monotonic() + COORDINATED_WITHIN_S
    while True:
        try:
            return ask()
        except (kafka_errors.CoordinatorNotAvailableError, kafka_errors.CoordinatorLoadInProgressError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
