"""How one refused record is shown: as it came, against what was expected of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = ("type", "pattern", "enum", "const", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems",
          "required", "description")  # fmt: skip
"""What of a schema says what may stand at one place; not what stands below it."""


def show_refusal(data: Mapping[str, Any], console: Console) -> None:
    """Why it was refused, the record, its faults, the phase then and now, and what to do next."""
    for line in _lines(data):
        console.print(line, soft_wrap=True)


def _lines(data: Mapping[str, Any]) -> Iterator[str]:
    settled = "" if data["settled_by"] is None else f", settled by {data['settled_by']}"
    yield f"entry {data['index']} of {data['programme']}{settled}: refused, {data['reason']}"
    yield f"  rule      {data['rule']}"
    if data["detail"]:
        yield f"  detail    {printable(data['detail'])}"
    yield f"  received  {data['received']} as {data['topic']}/{data['partition']}/{data['offset']}"
    yield from _record(data["record"])
    for fault in data["faults"]:
        yield from _fault(fault)
    if data["schema"] is not None:
        yield f"  schema    {data['schema']}"
    for name in ("then", "now"):
        if data[name] is not None:
            yield f"  {name:<9} {_phase(data[name])}"
    yield from _again(data["sent_again"])
    if data["path"] is not None:
        yield f"  its bytes are in {data['path']}"
    yield f"  next      {data['next']}"


def _record(record: Mapping[str, Any] | None) -> Iterator[str]:
    if record is None:
        yield "  its record was erased"
        return
    yield f"  key       {printable(record['key'])}"
    for name, text in record["headers"]:
        yield f"  header    {printable(name)}: {printable(text)}"
    if record["event"] is None:
        yield f"  value     {printable(record['value'])}"
        return
    for line in json.dumps(record["event"], ensure_ascii=True, indent=2).splitlines():
        yield f"    {line}"


def _fault(fault: Mapping[str, Any]) -> Iterator[str]:
    found = "is missing" if fault["missing"] else f"is {_json(fault['value'])}"
    yield f"  at {printable(fault['pointer'])}: {found}; {printable(fault['message'])}"
    if (asked := fault["asked"]) is not None:
        told = {name: asked[name] for name in _SHOWN if name in asked}
        yield f"    asked for: {_json(told)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, default=str)[:400]


def _phase(phase: Mapping[str, Any]) -> str:
    windows = ", ".join(f"{window} until {last}" for window, last in phase["deadlines"].items())
    reopened = "" if phase["reopened_until"] is None else f", reopened until {phase['reopened_until']}"
    return f"{phase['phase']} {phase['status']}, opens {phase['opens']}, {windows}{reopened}"


def _again(again: Mapping[str, Any] | None) -> Iterator[str]:
    if again is None:
        return
    record = again["record"]
    became = "is not recorded yet; requeue sends it" if record is None else f"{record['verdict']} at {record['index']}"
    reason = "" if record is None or record["reason"] is None else f", {record['reason']}"
    yield f"  sent again as {again['as']} (entry {again['said']}): {became}{reason}"


def printable(text: object, at_most: int = 4000) -> str:
    """A text of a sender's for a terminal: nothing in it moves the cursor."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in str(text)[:at_most])
