"""A cluster's rules of access, compared with the declaration and brought to it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import errors as kafka_errors
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from events.errors import Refused, Unavailable
from events.record import DEAD_LETTERS, TOPICS
from infra.kafka.access import AUDITORS, RECORDERS, Rule, rules_of

SHOWN_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Compared:
    """`missing` is declared and not there, `surplus` is there on what is ours alone and not declared. `beyond` are rules
    for more than ours that open or close it as well: they may serve others, and are never touched. The groups of two
    deployments have the same names, so there only what our own holders may do is ours alone.
    """

    declared: int
    missing: tuple[Rule, ...]
    surplus: tuple[Rule, ...]
    beyond: tuple[Rule, ...]


def compare(admin: Any, prefix: str, held: Mapping[str, tuple[str, ...]]) -> Compared:
    """Raises Refused where the cluster has no authorizer, or does not show its rules to us."""
    declared, there = rules_of(prefix, held), rules_there(admin)
    ours = {("TOPIC", f"{prefix}.{topic}", "LITERAL") for topic in (*TOPICS, DEAD_LETTERS)}
    ours |= {("GROUP", name, "PREFIXED") for name in (RECORDERS, AUDITORS)}
    holders = {name for names in held.values() for name in names}
    others = there - declared
    surplus = {
        rule
        for rule in others
        if (rule.resource, rule.name, rule.pattern) in ours and (rule.resource == "TOPIC" or rule.principal in holders)
    }
    beyond = {rule for rule in others - surplus if _concerns(rule, ours, holders)}
    return Compared(len(declared), *(tuple(sorted(part)) for part in (declared - there, surplus, beyond)))


def apply(admin: Any, found: Compared, *, prune: bool) -> None:
    """Adds what is missing; only then, and only when asked, takes away what is surplus. Returns when the cluster shows it."""
    with _by_an_operator():
        if found.missing:
            failed = admin.create_acls([_acl(rule) for rule in found.missing])["failed"]
            if failed:
                raise failed[0](f"{len(failed)} of {len(found.missing)} rules")
        if prune and found.surplus:
            for wanted, _, error in admin.delete_acls([_filter(rule) for rule in found.surplus]):
                if error is not kafka_errors.NoError:
                    raise error(str(wanted))
    _await(admin, frozenset(found.missing), frozenset(found.surplus if prune else ()))


def _await(admin: Any, added: frozenset[Rule], gone: frozenset[Rule]) -> None:
    """A broker learns what its controller took a moment later: until then it neither shows nor heeds it."""
    deadline = time.monotonic() + SHOWN_WITHIN_S
    while not (added <= (there := rules_there(admin)) and not gone & there):
        if time.monotonic() > deadline:
            raise Unavailable("the cluster took the rules, but does not show them yet", hint="phasegate acls check")
        time.sleep(0.05)


def rules_there(admin: Any) -> frozenset[Rule]:
    """Every rule of the cluster."""
    with _by_an_operator():
        found, _ = admin.describe_acls(_everything())
    return frozenset(_rule(acl) for acl in found)


@contextmanager
def _by_an_operator() -> Iterator[None]:
    try:
        yield
    except kafka_errors.SecurityDisabledError as error:
        raise Refused(
            "this cluster has no authorizer: everybody may do everything",
            hint="authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer on every node",
        ) from error
    except kafka_errors.ClusterAuthorizationFailedError as error:
        raise Refused(
            "Kafka shows and changes its rules only to who may ALTER and DESCRIBE the cluster",
            hint="come as the operator, the first time as a super user of the cluster",
        ) from error
    except (kafka_errors.NotControllerError, kafka_errors.RequestTimedOutError) as error:
        raise Unavailable(f"the cluster's controller does not answer: {error}", hint="try again") from error


def _concerns(rule: Rule, ours: Iterable[tuple[str, str, str]], holders: set[str]) -> bool:
    """A rule of the cluster as a whole concerns us when it is about somebody who holds one of our roles."""
    if rule.resource == "CLUSTER":
        return rule.principal in holders
    names = [name for resource, name, _ in ours if resource == rule.resource]
    if rule.name == "*":
        return bool(names)
    if rule.pattern == "PREFIXED":
        return any(
            name.startswith(rule.name) or (rule.resource == "GROUP" and rule.name.startswith(name)) for name in names
        )
    return rule.resource == "GROUP" and any(rule.name.startswith(name) for name in names)


def _acl(rule: Rule) -> ACL:
    place = ResourcePattern(ResourceType[rule.resource], rule.name, ACLResourcePatternType[rule.pattern])
    return ACL(rule.principal, rule.host, ACLOperation[rule.operation], ACLPermissionType[rule.permission], place)


def _filter(rule: Rule) -> ACLFilter:
    place = ResourcePatternFilter(ResourceType[rule.resource], rule.name, ACLResourcePatternType[rule.pattern])
    return ACLFilter(rule.principal, rule.host, ACLOperation[rule.operation], ACLPermissionType[rule.permission], place)


def _everything() -> ACLFilter:
    anywhere = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    return ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anywhere)


def _rule(acl: ACL) -> Rule:
    place = acl.resource_pattern
    return Rule(
        acl.principal,
        place.resource_type.name,
        place.resource_name,
        place.pattern_type.name,
        acl.operation.name,
        acl.permission_type.name,
        acl.host,
    )
