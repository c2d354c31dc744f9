"""What a broker on this machine is told: KRaft, loopback only, nothing is ever deleted.

`Node(port, control)` is the local broker: one node, plaintext. Three nodes on one machine are three homes and three
processes, with `Node(port, control, number, voters, cluster, copies=3, in_sync=2)` each: `voters` and `cluster` are the same
in all (`voter`, `new_id`), ports and number its own. Start all before waiting for one: a node answers when a majority of
the voters is there. A broker with other listeners, with an authorizer or with TLS says so in `more`.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.kafka.process import HOST

FEATURES = {
    "group.version": 1,
    "transaction.version": 2,
    "share.version": 2,
    "streams.version": 1,
    "eligible.leader.replicas.version": 1,
}
"""What `storage format` would finalise for 4.4. We write meta.properties ourselves, which saves a second Java start."""

JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", "-XX:-UsePerfData", "-Djava.awt.headless=true")

_ALWAYS = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "CLIENT",
    "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    # After kill -9 the old registration must expire first: 9 s by default.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "transaction.max.timeout.ms": "60000",
    "log.retention.ms": "-1",
    "log.retention.bytes": "-1",
    # Every partition maps two index files of this size; 1 MB still indexes segments of 512 MB.
    "log.index.size.max.bytes": "1048576",
    "log.cleaner.dedupe.buffer.size": "16777216",
}

_LOGGING = """\
status=error
name=broker
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %m (%c{1})%n%throwable{short}
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
"""


@dataclass(frozen=True, slots=True)
class Node:
    """One broker that is a controller as well. No `voters`: it is alone. No `cluster`: its first start invents an id.

    `more` is added to the settings and wins over ours. Where `port` does not answer in the clear, or not to everybody,
    `inside` is a port that does, and `administrator` the kafka-python settings of somebody who may finalise features there.
    """

    port: int
    control: int
    number: int = 1
    voters: tuple[str, ...] = ()
    cluster: str = ""
    copies: int = 1
    in_sync: int = 1
    more: Mapping[str, str] = field(default_factory=dict)
    inside: int = 0
    administrator: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """The port at which the node is asked whether it serves."""
        return self.inside or self.port


def voter(number: int, control: int) -> str:
    """A node as the others know it."""
    return f"{number}@{HOST}:{control}"


def write_settings(home: Path, node: Node) -> Path:
    """Write configuration and, the first time, the identity of the data folder; returns server.properties."""
    data = home / "data"
    data.mkdir(parents=True, exist_ok=True)
    (home / "tmp").mkdir(exist_ok=True)
    (home / "log4j2.properties").write_text(_LOGGING)
    identity = data / "meta.properties"
    if not identity.exists():
        cluster = node.cluster or new_id()
        identity.write_text(f"version=1\ncluster.id={cluster}\nnode.id={node.number}\ndirectory.id={new_id()}\n")
    server = home / "server.properties"
    lines = [f"{name}={value}\n" for name, value in (_settings(node, data) | dict(node.more)).items()]
    server.touch(mode=0o600)  # what a secured node is told holds passwords
    server.write_text("# Written at every start by phasegate; changes here are lost.\n" + "".join(lines))
    return server


def _settings(node: Node, data: Path) -> dict[str, str]:
    copies, in_sync = str(node.copies), str(node.in_sync)
    return _ALWAYS | {
        "node.id": str(node.number),
        "controller.quorum.voters": ",".join(node.voters or [voter(node.number, node.control)]),
        "listeners": f"CLIENT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.control}",
        "advertised.listeners": f"CLIENT://{HOST}:{node.port}",
        "log.dirs": str(data),
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


def new_id() -> str:
    """An id of a cluster or a folder, as Kafka writes them."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
