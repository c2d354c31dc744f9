"""Prints the dead letters of a deployment, each once, as JSON lines: python letters.py localhost:9092 [PREFIX]

For a producer who wants to know what of its own was refused. It needs nothing of phasegate: a letter is the refused record as
it was sent, and its headers say why and where it stood.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition

ORIGIN = ("__dlq.errors.topic", "__dlq.errors.partition", "__dlq.errors.offset")


def letters(bootstrap: str, topic: str) -> Iterator[dict[str, Any]]:
    """Every letter that is there now. It is sent at least once; where the record stood tells repeats apart."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    consumer.assign(places)
    ends = consumer.end_offsets(places)
    seen: set[tuple[str, ...]] = set()
    while any(consumer.position(place) < end for place, end in ends.items()):
        for records in consumer.poll(timeout_ms=1000).values():
            for record in records:
                headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
                origin = tuple(headers[name] for name in ORIGIN)
                if origin not in seen:
                    seen.add(origin)
                    yield told(headers, origin, record.value)
    consumer.close()


def told(headers: dict[str, str], origin: tuple[str, ...], value: bytes | None) -> dict[str, Any]:
    """One letter. Of the value only whose it says it is; a sender can have written anything."""
    try:
        event = json.loads(value or b"")
        source, event_id = event["source"], event["id"]
    except (ValueError, KeyError, TypeError):
        source = event_id = None
    reason, why = headers["phasegate_reason"], headers["__dlq.errors.message"]
    return {"stood": "/".join(origin), "reason": reason, "why": why, "source": source, "id": event_id}


if __name__ == "__main__":
    prefix = sys.argv[2] if len(sys.argv) > 2 else "phasegate"
    for letter in letters(sys.argv[1], f"{prefix}.dead-letters"):
        print(json.dumps(letter))
