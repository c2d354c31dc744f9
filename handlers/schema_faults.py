"""Where the data of an event does not fit the schema of its type: every fault, with what stands there and what is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from events.envelope import Envelope
from events.names import TYPES
from events.schemas import event_schema
from events.upcast import present


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """`pointer` (RFC 6901) leads into the event, and for what is missing to where it should stand. `asked` is the part of the
    published schema that applies there, None where there is none: nothing may stand there, or several shapes may.
    """

    pointer: str
    message: str
    is_missing: bool
    value: Any
    asked: Mapping[str, Any] | None

    def data(self) -> dict[str, Any]:
        return {
            "pointer": self.pointer, "message": self.message, "missing": self.is_missing, "value": self.value,
            "asked": self.asked,
        }  # fmt: skip


def schema_faults(event: Envelope) -> list[SchemaFault]:
    """In the order of the model's members; none for an event that fits, and for a type that is not in the table."""
    said = present(event)
    if (row := TYPES.get(said.type)) is None:
        return []
    try:
        row.model.model_validate(said.data)
    except ValidationError as error:
        schema = event_schema(row)
        return [_fault(schema, said.data, detail) for detail in error.errors(include_url=False)]
    return []


def _fault(schema: Mapping[str, Any], data: Any, detail: Mapping[str, Any]) -> SchemaFault:
    is_missing = detail["type"] == "missing"
    path = ["data", *_within(data, detail["loc"])]
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
    value = None if is_missing else detail["input"]
    return SchemaFault(pointer, detail["msg"], is_missing, value, _asked(schema, path))


def _within(data: Any, loc: Sequence[str | int]) -> list[str | int]:
    """The parts of a place that lead through the data itself; the others name the alternatives of a model."""
    path: list[str | int] = []
    for number, part in enumerate(loc):
        is_member = isinstance(data, dict) and (part in data or number == len(loc) - 1)
        is_item = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if is_member or is_item:
            path.append(part)
            data = data.get(part) if isinstance(data, dict) else data[int(part)]
    return path


def _asked(schema: Mapping[str, Any], path: Sequence[str | int]) -> Mapping[str, Any] | None:
    found: Any = schema
    for part in path:
        found = _resolved(schema, found)
        found = found.get("items") if isinstance(part, int) else found.get("properties", {}).get(part)
        if not isinstance(found, dict):
            return None
    return _resolved(schema, found)


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to, and of what may also be null the other alternative."""
    others = [one for one in part.get("anyOf", ()) if one != {"type": "null"}]
    if len(others) == 1:
        part = others[0]
    if "$ref" in part:
        found: Mapping[str, Any] = schema["$defs"][part["$ref"].rpartition("/")[2]]
        return found
    return part
