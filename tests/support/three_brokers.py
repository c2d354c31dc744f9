"""Three Kafka nodes on this machine: each partition on all three, and acknowledged when two of them have it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient

from events.errors import Unavailable
from infra.kafka import supervisor
from infra.kafka.jars import broker_jars
from infra.kafka.java import find_java
from infra.kafka.launch import command, finalise_features
from infra.kafka.process import HOST, answers, free_ports
from infra.kafka.settings import Node, new_id, voter, write_settings

NUMBERS = (1, 2, 3)
STARTS_WITHIN_S = 120.0


class OneOfThree:
    """A node, and the supervisor process that ends it when this process ends."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.home = Path(tempfile.mkdtemp(prefix=f"phasegate-kafka-{node.number}-"))
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", supervisor.__file__, str(self.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def start(self) -> None:
        """Does not wait: it answers when a majority is there."""
        argv = command(find_java(), broker_jars(lambda _text: None), self.home, write_settings(self.home, self.node))
        self._order({"start": argv, "log": str(self.home / "broker.log")})

    def kill(self) -> None:
        self._order({"end": int(signal.SIGKILL)})

    def await_answer(self) -> None:
        """Raises Unavailable."""
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not answers(HOST, self.node.port):
            if time.monotonic() > deadline:
                log = (self.home / "broker.log").read_text(errors="replace")
                raise Unavailable(f"node {self.node.number} does not come up; its log ends:\n{log[-2000:]}")
            time.sleep(0.1)

    def close(self) -> None:
        for pipe in (self._supervisor.stdin, self._supervisor.stdout):
            if pipe:
                pipe.close()
        self._supervisor.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def _order(self, order: dict[str, object]) -> None:
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        self._supervisor.stdin.write(json.dumps(order).encode() + b"\n")
        self._supervisor.stdin.flush()
        self._supervisor.stdout.readline()


class ThreeBrokers:
    """`nodes` by their number."""

    def __init__(self) -> None:
        ports, cluster = free_ports(6), new_id()
        voters = tuple(voter(number, ports[number + 2]) for number in NUMBERS)
        self.nodes = {
            number: OneOfThree(Node(ports[number - 1], ports[number + 2], number, voters, cluster, copies=3, in_sync=2))
            for number in NUMBERS
        }
        self.bootstrap = ",".join(f"{HOST}:{port}" for port in ports[:3])

    def start(self) -> None:
        for node in self.nodes.values():
            node.start()
        for node in self.nodes.values():
            node.await_answer()
        finalise_features(self.nodes[1].home, self.nodes[1].node)

    def leader(self, topic: str, partition: int) -> int:
        """The number of the node that takes what is sent there; -1 while nobody does. `topic` with its prefix."""
        number: int = self._described(topic, partition)["leader_id"]
        return number

    def is_whole(self) -> bool:
        """Every partition of every topic has all three nodes in sync again."""
        rows = (row for topic in self._ask(None) for row in topic["partitions"])
        return all(set(row["isr_nodes"]) == set(NUMBERS) for row in rows)

    def _described(self, topic: str, partition: int) -> dict[str, Any]:
        (described,) = self._ask([topic])
        return next(one for one in described["partitions"] if one["partition_index"] == partition)

    def _ask(self, topics: list[str] | None) -> list[dict[str, Any]]:
        living = [f"{HOST}:{node.node.port}" for node in self.nodes.values() if answers(HOST, node.node.port)]
        admin = KafkaAdminClient(bootstrap_servers=living)
        try:
            described: list[dict[str, Any]] = admin.describe_topics(topics)
        finally:
            admin.close()
        return described


@contextmanager
def three_brokers() -> Iterator[ThreeBrokers]:
    brokers = ThreeBrokers()
    try:
        brokers.start()
        yield brokers
    finally:
        for node in brokers.nodes.values():
            node.close()
