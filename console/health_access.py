"""Who may do what at Kafka: the rules of the cluster, or what this user may do, against the declaration."""

from __future__ import annotations

from typing import Any

from console.health import Finding
from console.health_parts import UNREACHED, bootstrap
from events.errors import Refused
from infra.settings import Settings

SHOWN = 4
APPLY = "phasegate acls apply, as the operator; phasegate acls check shows all"


def access(settings: Settings) -> Finding:
    """An operator compares all rules; everybody else asks what it may do itself, and compares that with its role."""
    if settings.kafka_security != "SASL_SSL":
        return _without_users(settings)
    address = bootstrap(settings)
    if address is None:
        return Finding("access", "warning", UNREACHED)
    from infra.kafka.access import principals_of
    from infra.kafka.client import Cluster
    from infra.kafka.own_access import role_of
    from infra.kafka.security import security_of

    held = principals_of(settings.prefix, settings.kafka_principals)
    role = role_of(settings.kafka_user, held)
    if role is None:
        todo = (
            f"PHASEGATE_KAFKA_PRINCIPALS='<role>=User:{settings.kafka_user} …', or come as one of those who hold a role"
        )
        return Finding("access", "warning", f"User:{settings.kafka_user} holds none of the roles", todo)
    with Cluster(address, security_of(settings)).administering() as admin:
        if role == "operator":
            return _of_all(admin, settings.prefix, held)
        return _of_one(admin, settings, role)


def _without_users(settings: Settings) -> Finding:
    if not settings.kafka:
        return Finding("access", "ok", "the local broker lets in whoever is on this machine")
    text = (
        f"with {settings.kafka_security} whoever reaches {settings.kafka} may write what it likes, decisions included"
    )
    return Finding("access", "warning", text, "docs/secured-kafka.md: users, rules, PHASEGATE_KAFKA_SECURITY=SASL_SSL")


def _of_all(admin: Any, prefix: str, held: dict[str, tuple[str, ...]]) -> Finding:
    from infra.kafka.acls import compare

    try:
        found = compare(admin, prefix, held)
    except Refused as error:
        return Finding("access", "failed", error.message, error.hint)
    if found.missing or found.surplus:
        text = f"{len(found.missing)} rules are missing, {len(found.surplus)} are not declared"
        first = _listed([*found.missing, *found.surplus])
        return Finding("access", "failed", f"{text}: {first}", f"{APPLY}; --prune takes away what is not declared")
    if beyond := [rule for rule in found.beyond if rule.resource != "GROUP"]:
        # Another deployment of this cluster has rules for the same groups, by right.
        text = f"rules for more than ours open or close ours as well: {_listed(beyond)}"
        return Finding("access", "warning", text, "narrow them, if nobody else needs them")
    return Finding("access", "ok", f"all {found.declared} rules are there, and no others")


def _of_one(admin: Any, settings: Settings, role: str) -> Finding:
    from infra.kafka.own_access import differing

    lacking, more = differing(admin, settings.prefix, role)
    who = f"User:{settings.kafka_user} as {role}"
    if lacking:
        return Finding("access", "failed", f"{who} may not {_listed([_said(one) for one in lacking])}", APPLY)
    if more:
        text = f"{who} may also {_listed([_said(one) for one in more])}"
        return Finding("access", "warning", text, "phasegate acls apply --prune, as the operator; see super.users")
    return Finding("access", "ok", f"{who} may do all that the role needs, and no more")


def _said(grant: Any) -> str:
    return f"{grant.operation} {grant.resource.lower()} {grant.name}"


def _listed(things: Any) -> str:
    shown = ", ".join(str(thing) for thing in list(things)[:SHOWN])
    return shown if len(things) <= SHOWN else f"{shown} and {len(things) - SHOWN} more"
