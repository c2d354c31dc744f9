"""Who may do what at Kafka: the one declaration. `acls apply` brings a cluster to it, docs/secured-kafka.md shows it, and
the tests do each act as each role on a real broker.

Deny by default: what is not here is refused by the broker. One role alone writes `decisions`. The names of operations are
Kafka's own; READ and WRITE each imply DESCRIBE. No transactional id is granted: nothing here uses transactions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from events.errors import Refused
from events.record import DEAD_LETTERS, TOPICS

Resource = Literal["TOPIC", "GROUP", "CLUSTER"]
Pattern = Literal["LITERAL", "PREFIXED"]

RECORDERS = "phasegate-recorder"
"""Beginning of the groups that recorders form: a ledger that was rebuilt has a group of its own beside that of the old."""

AUDITORS = "phasegate-audit-"
"""Beginning of the groups in which auditors read with tools of their own. `phasegate` itself reads without one."""

CLUSTER = "kafka-cluster"
"""Kafka's name for the one resource that the cluster is."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """`name` is a topic without the prefix, the beginning of a group's name, or the cluster."""

    resource: Resource
    name: str
    operation: str


@dataclass(frozen=True, slots=True)
class Role:
    """`does` says for people what the role is for."""

    does: str
    grants: frozenset[Grant]


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One entry of a cluster's access list, as Kafka keeps it."""

    principal: str
    resource: str
    name: str
    pattern: str
    operation: str
    permission: str = "ALLOW"
    host: str = "*"

    def __str__(self) -> str:
        shown = f"{self.name}*" if self.pattern == "PREFIXED" else self.name
        host = "" if self.host == "*" else f" from {self.host}"
        return f"{self.permission} {self.principal} {self.operation} {self.resource.lower()} {shown}{host}"


def _topics(names: Iterable[str], *operations: str) -> frozenset[Grant]:
    return frozenset(Grant("TOPIC", name, operation) for name in names for operation in operations)


_ALL = (*TOPICS, DEAD_LETTERS)

ROLES: Mapping[str, Role] = {
    "recorder": Role(
        "the recorders: read everything, write nothing but dead letters",
        _topics(TOPICS, "READ", "DESCRIBE_CONFIGS")
        | _topics([DEAD_LETTERS], "WRITE", "DESCRIBE_CONFIGS")
        | {Grant("GROUP", RECORDERS, "READ")},
    ),
    "office": Role(
        "the programme office and its flows: announces, closes with a marker on each topic, decides; alone writes decisions",
        _topics(TOPICS, "READ", "WRITE", "DESCRIBE_CONFIGS") | _topics([DEAD_LETTERS], "DESCRIBE", "DESCRIBE_CONFIGS"),
    ),
    "submissions": Role("whoever sends what teams say", _topics(["submissions"], "WRITE")),
    "scores": Role("whoever sends what evaluators say", _topics(["scores"], "WRITE")),
    "audits": Role("whoever sends what auditors and experts say", _topics(["audits"], "WRITE")),
    "http": Role(
        "the intake over HTTP, for all senders without Kafka", _topics(["submissions", "scores", "audits"], "WRITE")
    ),
    "auditor": Role(
        "reads everything, and changes nothing",
        _topics(_ALL, "READ", "DESCRIBE_CONFIGS")
        | {Grant("GROUP", AUDITORS, "READ"), Grant("GROUP", RECORDERS, "DESCRIBE")},
    ),
    "operator": Role(
        "makes topics and rules of access; reads and writes no record",
        _topics(_ALL, "CREATE", "DESCRIBE", "ALTER_CONFIGS", "DESCRIBE_CONFIGS")
        | {
            Grant("GROUP", RECORDERS, "DESCRIBE"),
            Grant("CLUSTER", CLUSTER, "ALTER"),
            Grant("CLUSTER", CLUSTER, "DESCRIBE"),
        },
    ),
}


def principals_of(prefix: str, given: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Who holds each role, from `role=User:name`, repeated where several do; roles that are not given are held by
    `User:<prefix>-<role>`. Raises Refused.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        role, _, principal = text.partition("=")
        if role not in ROLES or not principal.startswith("User:") or principal in ("User:", "User:*"):
            raise Refused(
                f"{text!r} does not say who holds a role", hint=f"<role>=User:<name>; roles are {', '.join(ROLES)}"
            )
        found[role] = (*found.get(role, ()), principal)
    held = {role: found.get(role, (f"User:{prefix}-{role}",)) for role in ROLES}
    _one_role_each(held)
    return held


def _one_role_each(held: Mapping[str, tuple[str, ...]]) -> None:
    """Two roles in one hand would put together what the declaration keeps apart."""
    roles: dict[str, str] = {}
    for role, names in held.items():
        for name in names:
            if name in roles:
                raise Refused(
                    f"{name} holds two roles, {roles[name]} and {role}", hint="give each role a principal of its own"
                )
            roles[name] = role


def rules_of(prefix: str, held: Mapping[str, tuple[str, ...]]) -> frozenset[Rule]:
    """The whole declaration for one deployment, as a cluster would keep it."""
    return frozenset(
        rule_of(prefix, principal, grant)
        for role, names in held.items()
        for principal in names
        for grant in ROLES[role].grants
    )


def rule_of(prefix: str, principal: str, grant: Grant) -> Rule:
    name = f"{prefix}.{grant.name}" if grant.resource == "TOPIC" else grant.name
    pattern: Pattern = "PREFIXED" if grant.resource == "GROUP" else "LITERAL"
    return Rule(principal, grant.resource, name, pattern, grant.operation)
