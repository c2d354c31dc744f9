"""What the local broker is told: one node, KRaft, loopback only, nothing is ever deleted."""

from __future__ import annotations

import base64
import uuid
from pathlib import Path

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

_SERVER = """\
# Written at every start by phasegate; changes here are lost.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{control}
controller.listener.names=CONTROLLER
listeners=CLIENT://{host}:{port},CONTROLLER://{host}:{control}
advertised.listeners=CLIENT://{host}:{port}
inter.broker.listener.name=CLIENT
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# After kill -9 the old registration must expire first: 9 s by default.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
transaction.max.timeout.ms=60000
log.retention.ms=-1
log.retention.bytes=-1
# Every partition maps two index files of this size; 1 MB still indexes segments of 512 MB.
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=16777216
"""

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


def write_settings(home: Path, port: int, control: int) -> Path:
    """Write configuration and, the first time, the identity of the data folder; returns server.properties."""
    data = home / "data"
    data.mkdir(parents=True, exist_ok=True)
    (home / "tmp").mkdir(exist_ok=True)
    (home / "log4j2.properties").write_text(_LOGGING)
    identity = data / "meta.properties"
    if not identity.exists():
        identity.write_text(f"version=1\ncluster.id={_id()}\nnode.id=1\ndirectory.id={_id()}\n")
    server = home / "server.properties"
    server.write_text(_SERVER.format(host=HOST, port=port, control=control, data=data))
    return server


def _id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
