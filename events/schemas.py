"""The published contracts: a JSON Schema of every event, made from its model, and the AsyncAPI document over them.

`python -m events.schemas` writes `events/schemas/`; a test refuses any difference between those files and what is made
here. A schema says all that JSON Schema can say of what is accepted. What it cannot: an integer is written without a
fraction (`3`, not `3.0`), an instant exists in the calendar, and no object has a member name twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from events.asyncapi import asyncapi
from events.envelope import SCHEMA_BASE, schema_uri
from events.fields import Id, Instant, Payload
from events.names import TYPES, EventType

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path(__file__).with_suffix("")
ASYNCAPI_FILE = "asyncapi.json"

_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_INSTANT = {"type": "string", "format": "date-time", "pattern": rf"^{_DAY}T{_TIME}\.[0-9]{{3}}Z$"}
_CLAIMED = {"type": "string", "format": "date-time", "pattern": rf"^{_DAY}T{_TIME}(\.[0-9]{{1,3}})?Z$"}


def event_schema(row: EventType) -> dict[str, Any]:
    """JSON Schema 2020-12 of the whole CloudEvent. `data` is closed; the envelope is open to extension attributes."""
    data = data_schema(row.model)
    definitions = data.pop("$defs", {})
    return {
        "$schema": DIALECT,
        "$id": schema_uri(row.name),
        "title": row.name,
        "description": data["description"],
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": _attributes(row.name) | {"data": {"$ref": f"#/$defs/{row.model.__name__}"}},
        "additionalProperties": True,
        "$defs": {row.model.__name__: data, **definitions},
    }


def _attributes(name: str) -> dict[str, Any]:
    """The context attributes as `events.envelope.decode` reads them. `data_base64` is never read."""
    text = {"type": "string"}
    return {
        "specversion": {"const": "1.0"},
        "id": {**text, "minLength": 1, "maxLength": 128, "description": "With `source` the identity of the event."},
        "source": {**text, "minLength": 1, "maxLength": 512, "description": "Who says it, as the rulebook names them."},
        "type": {"const": name},
        "subject": {**TypeAdapter(Id).json_schema(), "description": "The programme id; equal to the record's key."},
        "time": {**_CLAIMED, "description": "When it happened, as the sender says. Rules use the time of receipt."},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {**text, "description": f"The URI of this schema, {schema_uri(name)}; not read."},
        "correlationid": {**text, "description": "The phase run that it belongs to."},
        "causationid": {**text, "description": "The id of the event that caused it."},
        "data_base64": False,
    }


def data_schema(model: type[Payload]) -> dict[str, Any]:
    """The schema of a payload, with its parts under `$defs`."""
    written = model.model_json_schema(ref_template="#/$defs/{model}", schema_generator=_Generator, mode="validation")
    tidy: dict[str, Any] = _tidy(written)
    return tidy


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, told what the check of an instant means. No titles that repeat member names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        return dict(_INSTANT) if schema["function"] == _CHECK_OF_INSTANTS else super().function_after_schema(schema)


_CHECK_OF_INSTANTS = TypeAdapter(Instant).core_schema["function"]


def _tidy(node: Any) -> Any:
    """Closes maps whose keys have a pattern, as the models do, and puts docstrings on one line."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy = {name: _tidy(value) for name, value in node.items()}
    if "patternProperties" in tidy:
        tidy.setdefault("additionalProperties", False)
    if isinstance(tidy.get("description"), str):
        tidy["description"] = " ".join(tidy["description"].split())
    return tidy


def documents(types: Mapping[str, EventType] = TYPES) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every published document by its file name."""
    for name, row in types.items():
        yield schema_uri(name).removeprefix(SCHEMA_BASE), event_schema(row)
    yield ASYNCAPI_FILE, asyncapi(types)


def written(document: Mapping[str, Any]) -> str:
    """The text of a published document: members in the order of the generator, two spaces, one LF at the end."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def write(folder: Path = FOLDER) -> None:
    """Writes every document, and removes those of types that are no more."""
    folder.mkdir(exist_ok=True)
    wanted = dict(documents())
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, document in wanted.items():
        (folder / name).write_text(written(document), encoding="utf-8")


if __name__ == "__main__":
    write()
