"""The real parts: broker, topics, clocks, database. Asked only; nothing is created."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from console.commands.kafka import broker_home
from console.health import Finding
from events.bus import Clock
from events.errors import PhasegateError, Unavailable
from events.record import DEAD_LETTERS, TOPICS
from events.values import format_instant
from infra.settings import Settings

SKEW_MS = 2_000
HIDDEN = 29
"""Kafka's error code for a topic that a user may not even describe."""
UNREACHED = "not asked: no broker answers"


def broker(settings: Settings) -> Finding:
    """Says of a cluster that does not serve us why: nobody there, TLS or not, another authority, wrong user or password."""
    address = bootstrap(settings)
    if address is None and settings.kafka:
        problem = _reached(settings)[1][0]
        return Finding("broker", "failed", problem.message, f"{problem.hint}; or correct PHASEGATE_KAFKA")
    if address is None:
        return Finding(
            "broker", "failed", f"the local broker in {broker_home(settings)} does not answer", "phasegate kafka up"
        )
    with _admin(settings, address) as admin:
        nodes = admin.describe_cluster()["brokers"]
    how = (
        f", {settings.kafka_security} as {settings.kafka_user or 'nobody'}"
        if settings.kafka_security != "PLAINTEXT"
        else ""
    )
    return Finding("broker", "ok", f"{address} answers, {len(nodes)} node{'s' if len(nodes) > 1 else ''}{how}")


def bootstrap(settings: Settings) -> str | None:
    """Where a broker serves us: PHASEGATE_KAFKA, else the local one; None when none does. Raises Refused for settings of
    the connection that cannot be used.
    """
    from infra.kafka.broker import status

    if not settings.kafka:
        found = status(broker_home(settings))
        return found.bootstrap if found else None
    return settings.kafka if _reached(settings)[0] else None


def _reached(settings: Settings) -> tuple[list[str], list[PhasegateError]]:
    from infra.kafka.knocking import reach
    from infra.kafka.security import security_of

    return reach(settings.kafka, security_of(settings))


@contextmanager
def _admin(settings: Settings, address: str) -> Iterator[Any]:
    from infra.kafka.client import Cluster
    from infra.kafka.security import security_of

    with Cluster(address, security_of(settings)).administering() as admin:
        yield admin


def topics(settings: Settings) -> Finding:
    """The five topics as the ledger needs them: partition count, receipt stamps, nothing ever deleted."""
    address = bootstrap(settings)
    if address is None:
        return Finding("topics", "warning", UNREACHED)
    from infra.kafka.topics import read_settings, topic_settings

    names = [f"{settings.prefix}.{topic}" for topic in (*TOPICS, DEAD_LETTERS)]
    with _admin(settings, address) as admin:
        described = {topic["name"]: topic for topic in admin.describe_topics(names)}
        hidden = [name for name in names if described[name]["error_code"] == HIDDEN]
        there = [name for name in names if described[name]["partitions"]]
        found = read_settings(admin, there) if there and not hidden else {}
    if hidden:
        todo = "come as recorder, office, auditor or operator; or phasegate acls apply, as the operator"
        return Finding("topics", "warning", f"not shown to this user: {', '.join(hidden)}", todo)
    for name in there:
        found[name]["partitions"] = str(len(described[name]["partitions"]))
        found[name]["copies"] = str(min(len(one["replica_nodes"]) for one in described[name]["partitions"]))
    asked = _asked(settings) | topic_settings(_clock(settings))
    faults = [
        f"{key} is {', '.join(sorted(different))}, not {value}"
        for key, value in asked.items()
        if (different := {f"{found[name].get(key)} ({name})" for name in there if found[name].get(key) != value})
    ]
    if faults:
        todo = "phasegate topics apply changes what may be changed; partitions and clock: use another prefix"
        return Finding("topics", "failed", "; ".join(faults), todo)
    if len(there) < len(names):
        missing = ", ".join(name for name in names if name not in there)
        maker = (
            "the first run or recorder makes them"
            if settings.kafka_security != "SASL_SSL"
            else "phasegate topics apply"
        )
        return Finding("topics", "warning", f"not there yet: {missing}", maker)
    return Finding("topics", "ok", f"{len(names)} topics of {settings.partitions} partitions under {settings.prefix}")


def _asked(settings: Settings) -> dict[str, str]:
    """What the settings ask of topics beyond what every deployment needs."""
    asked = {
        "partitions": settings.partitions,
        "copies": settings.replication,
        "min.insync.replicas": settings.min_insync,
    }
    return {key: str(value) for key, value in asked.items() if value}


def _clock(settings: Settings) -> Clock:
    """A scenario's ledger is bound to scenario topics; every other ledger lives in the broker's time."""
    from infra.ledger import Ledger

    try:
        with Ledger.open(settings.database) as ledger:
            stream = ledger.stream()
    except Unavailable:
        return "broker"
    return "scenario" if stream and stream.prefix == settings.prefix and stream.clock == "scenario" else "broker"


def clocks(settings: Settings) -> Finding:
    """One-sided and cheap: a record that the broker stamped in our future proves a skew; none proves nothing."""
    address = bootstrap(settings)
    if address is None:
        return Finding("clocks", "warning", UNREACHED)
    newest = _newest_stamp(settings, address)
    if _clock(settings) == "scenario":
        return Finding("clocks", "ok", "a scenario runs in its own time")
    if newest is None:
        return Finding("clocks", "ok", "no record yet to compare with")
    ahead = newest - int(time.time() * 1000)
    if ahead > SKEW_MS:
        text = f"the broker's newest record is {ahead / 1000:.1f} s in our future"
        return Finding("clocks", "failed", text, "set the clocks (NTP): deadlines are judged by the broker's")
    return Finding("clocks", "ok", f"the broker's newest record is of {format_instant(newest)}, not in our future")


def _newest_stamp(settings: Settings, address: str) -> int | None:
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    names = {f"{settings.prefix}.{topic}" for topic in TOPICS}
    with _admin(settings, address) as admin:
        there = sorted(names & set(admin.list_topics()))
        places = {
            TopicPartition(topic["name"], number): OffsetSpec.MAX_TIMESTAMP
            for topic in (admin.describe_topics(there) if there else ())
            for number in range(len(topic["partitions"]))
        }
        found = admin.list_partition_offsets(places) if places else {}
    stamps = [int(place.timestamp) for place in found.values() if place.timestamp >= 0]
    return max(stamps, default=None)


def database(settings: Settings) -> Finding:
    from console.commands.setup import without_password
    from infra.ledger import Ledger

    with Ledger.open(settings.database) as ledger:
        logs, stream = ledger.heads(), ledger.stream()
    where = without_password(settings.database)
    if stream and stream.prefix == settings.prefix and stream.partitions != settings.partitions:
        text = f"{where} records {stream.partitions} partitions, the settings say {settings.partitions}"
        return Finding("database", "failed", text, f"PHASEGATE_PARTITIONS={stream.partitions}")
    if stream and stream.prefix != settings.prefix:
        text = f"{where} records the topics {stream.prefix}.*, the settings say {settings.prefix}.*"
        return Finding("database", "warning", text, f"PHASEGATE_PREFIX={stream.prefix}, or another database")
    return Finding("database", "ok", f"{where}, schema current, {len(logs)} log{'' if len(logs) == 1 else 's'}")
