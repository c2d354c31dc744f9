"""The AsyncAPI 3.0 document: which events travel on which topic, under which key and headers, and how topics are kept.

Source: AsyncAPI 3.0.0; its Kafka bindings 0.5.0; CloudEvents 1.0.2, Kafka binding 3.3. Payloads refer to the JSON
Schemas beside the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from events.envelope import BYTES_MAX, CONTENT_TYPE, CONTENT_TYPE_HEADER, JWS_HEADER, SCHEMA_BASE, schema_uri
from events.fields import Id
from events.names import EventType
from events.reasons import REFUSALS
from events.record import DEAD_LETTERS, TOPICS

PARTITIONS = 12
"""The number of partitions unless a deployment says otherwise. It is the same for the four topics and never changes."""

DEAD_LETTERS_KEPT_MS = 14 * 24 * 60 * 60 * 1000
GROUP = "phasegate-recorder"

_BINDING = "0.5.0"
_SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
_SUMMARIES = {
    "submissions": "What teams and the intake desk say.",
    "scores": "What evaluators and benchmark runners say.",
    "audits": "What auditors, panels and the pipeline's own screens say.",
    "decisions": "What the programme office and the pipeline say.",
    DEAD_LETTERS: "Every refused record as it came, with headers that say where it stood and why it was refused.",
}


def asyncapi(types: Mapping[str, EventType]) -> dict[str, Any]:
    """The document over these types: the four topics, and the dead letters."""
    channels = {topic: _channel(topic, _names(types, topic)) for topic in TOPICS}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "phasegate",
            "version": "1.0.0",
            "description": "Events of staged programmes: CloudEvents 1.0 in structured mode, one per record, "
            "keyed by programme. The rulebook of a programme says who may send what.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": channels | {DEAD_LETTERS: _channel(DEAD_LETTERS, ["refused-record"], DEAD_LETTERS_KEPT_MS)},
        "operations": _operations(types),
        "components": {
            "messages": {name: _message(row) for name, row in types.items()} | {"refused-record": _refused_record()},
            "messageTraits": {"event": _event_trait()},
            "parameters": {
                "prefix": {"description": "The prefix of a deployment's topics.", "default": "phasegate"},
            },
        },
    }


def _names(types: Mapping[str, EventType], topic: str) -> list[str]:
    return [name for name, row in types.items() if topic in row.topics]


def _channel(topic: str, messages: list[str], retention_ms: int = -1) -> dict[str, Any]:
    """Retention without end where the ledger cites offsets; the other settings that keep a topic's record whole."""
    configuration = {
        "cleanup.policy": ["delete"],
        "retention.ms": retention_ms,
        "retention.bytes": -1,
        "message.timestamp.type": "LogAppendTime",
    }
    return {
        "address": f"{{prefix}}.{topic}",
        "summary": _SUMMARIES[topic],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "parameters": {"prefix": {"$ref": "#/components/parameters/prefix"}},
        "bindings": {
            "kafka": {"partitions": PARTITIONS, "topicConfiguration": configuration, "bindingVersion": _BINDING}
        },
    }


def _operations(types: Mapping[str, EventType]) -> dict[str, Any]:
    """The pipeline's side: it records all four topics, says what the office's key says, relays what it refused."""
    record = {f"record-{topic}": _operation("receive", topic, _names(types, topic)) for topic in TOPICS}
    said = {topic: [name for name in _names(types, topic) if types[name].office] for topic in TOPICS}
    say = {f"say-{topic}": _operation("send", topic, names) for topic, names in said.items() if names}
    return record | say | {"relay-refused": _operation("send", DEAD_LETTERS, ["refused-record"])}


def _operation(action: str, topic: str, names: list[str]) -> dict[str, Any]:
    kafka: dict[str, Any] = {"bindingVersion": _BINDING}
    if action == "receive":
        kafka["groupId"] = {"type": "string", "const": GROUP}
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in names],
        "bindings": {"kafka": kafka},
    }


def _message(row: EventType) -> dict[str, Any]:
    signed = " Signed with the programme office's key." if row.office else ""
    return {
        "name": row.name,
        "title": row.short,
        "summary": " ".join((row.model.__doc__ or "").split()) + signed,
        "payload": {
            "schemaFormat": _SCHEMA_FORMAT,
            "schema": {"$ref": f"./{schema_uri(row.name).removeprefix(SCHEMA_BASE)}"},
        },
        "traits": [{"$ref": "#/components/messageTraits/event"}],
    }


def _event_trait() -> dict[str, Any]:
    """What is common to all events: content type, headers, key."""
    text = {"type": "string"}
    return {
        "contentType": CONTENT_TYPE,
        "description": f"The value is the whole event, at most {BYTES_MAX} bytes. The partition is murmur2 of the key.",
        "headers": {
            "type": "object",
            "required": ["content-type"],
            "properties": {
                "content-type": {
                    **text,
                    "pattern": rf"^{CONTENT_TYPE.replace('+', '[+]')}(;.*)?$",
                    "default": CONTENT_TYPE_HEADER[1].decode(),
                    "description": "Structured mode; exactly once.",
                },
                JWS_HEADER: {
                    **text,
                    "pattern": r"^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+$",
                    "description": "Detached JWS (RFC 7515, RFC 7797, EdDSA) over the value's bytes; at most once.",
                },
                "traceparent": {**text, "description": "W3C trace context; never part of an event."},
            },
        },
        "bindings": {"kafka": {"key": _key(), "bindingVersion": _BINDING}},
    }


def _key() -> dict[str, Any]:
    return {**TypeAdapter(Id).json_schema(), "description": "The programme id in UTF-8; equal to `subject`."}


def _refused_record() -> dict[str, Any]:
    text = {"type": "string"}
    origin = {f"__dlq.errors.{part}": text for part in ("topic", "partition", "offset", "group", "message")}
    reason = {"type": "string", "enum": list(REFUSALS)}
    return {
        "name": "refused-record",
        "title": "refused record",
        "summary": "Key, value and headers of a refused record, unchanged, and more headers. Sent at least once.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "required": [*origin, "phasegate_reason"],
            "properties": origin | {"phasegate_reason": reason},
        },
        "payload": {"description": "Any bytes, or none."},
    }
