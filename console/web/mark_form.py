"""From the fields of the desk's form to the event that is sent: a first mark, or the correction of one.

What one field alone can get wrong is said beside it and nothing is sent. Whether the mark counts, only the record says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from uuid import UUID

from starlette.datastructures import FormData

from console.web.desk import Desk, key_of, not_theirs
from console.web.problems import Problem
from events.envelope import Envelope
from events.errors import Refused
from events.names import TYPES
from events.values import format_instant, format_number, parse_number
from handlers.completing import completed
from handlers.concerns import speakers
from handlers.sheets import Line, Sheet

TEXT_MAX = 20_000
OPEN_FOR_MS = 7 * 86_400_000
AHEAD_MS = 60_000
"""How long a form can lie open, and how far the clock that it was shown by may have been ahead."""
_DECIMAL_COMMA = re.compile(r"-?\d+,(\d{1,2}|\d{4,18})")
"""A comma before exactly three digits may just as well mark thousands, so it is asked back."""

Faults = Mapping[str, tuple[str, Mapping[str, str]]]
"""By field: the key of a sentence, and its facts."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was sent. Without faults `data` are the members of an event of type `name`."""

    line: Line
    texts: Mapping[str, str]
    event_id: str
    name: str
    data: Mapping[str, Any] = field(default_factory=dict)
    faults: Faults = field(default_factory=dict)


def filled(desk: Desk, sheet: Sheet, form: FormData) -> Filled:
    """Raises Problem for an item or a mark that is not this evaluator's, which no form of ours names."""
    texts = {name: _text(form, name) for name in ("value", "reference", "comment", "reason")}
    wanted = _text(form, "item")
    if not wanted:
        raise Problem("unprocessable-request", "the form names no item; load its page again")
    line = next((line for line in sheet.lines if key_of(line) == wanted), None)
    score = _text(form, "score")
    if line is None or (score and desk.phase.slot_of.get(score) != _slot(desk, sheet, line)):
        raise not_theirs(desk.who.visitor)
    name = "score.corrected" if score else "score.recorded"
    event_id = _event_id(form, desk.now_ms)
    members, faults = _numbers(line, texts)
    if len(texts["comment"]) > TEXT_MAX or len(texts["reason"]) > TEXT_MAX:
        faults["reason" if score else "comment"] = ("desk.fault-long", {"most": str(TEXT_MAX)})
    if score and not texts["reason"]:
        faults["reason"] = ("desk.fault-reason", {})
    if not event_id:
        faults["value"] = ("desk.fault-form", {})
    if faults:
        return Filled(line, texts, "", name, faults=faults)
    said = {"score": score, "reason": texts["reason"]} if score else _first(desk, sheet, line, texts)
    return Filled(line, texts, event_id, name, {**said, **members})


def _text(form: FormData, name: str) -> str:
    said = form.get(name)
    return said.strip().replace("\r\n", "\n") if isinstance(said, str) else ""


def _slot(desk: Desk, sheet: Sheet, line: Line) -> tuple[str, str, str, str]:
    return sheet.entrant, line.leaf.id, line.item, desk.who.name


def _first(desk: Desk, sheet: Sheet, line: Line, texts: Mapping[str, str]) -> dict[str, Any]:
    entrant, criterion, item, evaluator = _slot(desk, sheet, line)
    slot = {"entrant": entrant, "criterion": criterion, "item": item, "evaluator": evaluator}
    comment = {"comment": texts["comment"]} if texts["comment"] else {}
    return {"phase": desk.phase.rules.id, **slot, **comment}


def _numbers(line: Line, texts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, tuple[str, Mapping[str, str]]]]:
    members: dict[str, str] = {}
    faults: dict[str, tuple[str, Mapping[str, str]]] = {}
    low, high = line.leaf.items[line.item]
    for name in ("value", "reference") if line.leaf.takes_reference else ("value",):
        value = number(texts[name])
        is_zero = name == "reference" and value is not None and value <= 0
        if value is None:
            faults[name] = ("desk.fault-number" if texts[name] else "desk.fault-empty", {"said": texts[name][:40]})
        elif not low <= value <= high or is_zero:
            bounds = {"low": format_number(low), "high": format_number(high)}
            faults[name] = ("desk.fault-zero" if is_zero else "desk.fault-range", bounds)
        else:
            members[name] = format_number(value)
    return members, faults


def number(text: str) -> Fraction | None:
    """The number that a person wrote: with a point or a comma before its decimals, blanks around it, zeros before it. None
    for what is none or could be read in two ways.
    """
    plain = text.strip()
    if _DECIMAL_COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    sign, digits = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
    whole, point, decimals = digits.partition(".")
    if not whole.isascii() or not whole.isdigit():
        return None
    try:
        return parse_number(f"{sign}{whole.lstrip('0') or '0'}{point}{decimals}")
    except ValueError:
        return None


def _event_id(form: FormData, now_ms: int) -> str:
    """The id that the form was shown with, so that it is sent once however often it is submitted; empty for one that no form
    of ours has now.
    """
    try:
        found = UUID(_text(form, "event"))
    except ValueError:
        return ""
    age_ms = now_ms - (found.int >> 80)
    return str(found) if found.version == 7 and -AHEAD_MS <= age_ms <= OPEN_FOR_MS else ""


def event_of(desk: Desk, form: Filled) -> Envelope:
    """The event, in the name of the source that may say it. Its time is when the form was shown: the id has it. Raises Refused
    where the rules name no such source.
    """
    data = completed(desk.state, form.name, dict(form.data))
    name = f"phasegate.{form.name}.v1"
    TYPES[name].model.model_validate(data)
    # Not one that may say everything: the office does not mark in an evaluator's stead.
    found = [source for source in speakers(desk.state, form.name, data) if form.name in source.types]
    if not found:
        raise Refused(
            f"the rulebook names no source that may send {form.name} for {desk.who.name}",
            hint="the programme office gives one the right in the rulebook's sources",
        )
    shown_ms = UUID(form.event_id).int >> 80
    return Envelope(form.event_id, found[0].source, name, desk.state.programme, format_instant(shown_ms), data)
