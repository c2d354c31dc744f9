"""From a form to the event: what was said of each word, as a command would take it, and one sentence for each fault."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from console.acts import Act
from console.commands.composing import Files, Place, data_of
from console.output import Usage
from console.web.access import Visitor
from console.web.acting.fields import ROWS, Given
from console.web.acting.permitted import speaker
from console.words import Word
from events.envelope import Envelope
from events.errors import NotFound
from events.names import TYPES
from events.values import format_instant, parse_instant
from flows.sending import uuid7
from handlers.completing import completed
from handlers.state import State

_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?")
"""What a browser's field for date and time says; here it means UTC."""

Problems = dict[str, tuple[str, str]]
"""By the field: the key of a sentence, or the words of a model (the other is empty)."""


@dataclass(slots=True)
class Composed:
    """An event, or what keeps it from being one. `sources` are those among which one has to be chosen."""

    event: Envelope | None = None
    problems: Problems = field(default_factory=dict)
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """Who fills a form in, when (Unix milliseconds), of which state; `place` says where the record of an entry stands."""

    visitor: Visitor
    state: State
    now_ms: int
    place: Place


def composed(name: str, act: Act, given: Given, moment: Moment) -> Composed:
    """The event that the form says, of now or of the time that was said."""
    visitor, state, now_ms = moment.visitor, moment.state, moment.now_ms
    found = Composed()
    options = _options(act, given, found.problems)
    at_ms = _at(state, given, now_ms, found.problems)
    if found.problems:
        return found
    try:
        data = completed(state, act.type, data_of(act, options, state, moment.place, IN_FORM))
    except (Usage, NotFound) as error:
        return replace(found, problems={_blamed(act, error): ("", error.message)})
    except KeyError as error:
        return replace(found, problems={"": ("", f"there is no {error.args[0]!r}")})
    found.problems = faults_of(act, data)
    if found.problems:
        return found
    sources = speaker(visitor, state, name, data, _first(given, "source"))
    if len(sources) != 1:
        return replace(found, problems={"source": ("acts.no-source" if not sources else "acts.which-source", "")},
                       sources=tuple(sources))  # fmt: skip
    stored = f"phasegate.{act.type}.v1"
    found.event = Envelope(uuid7(now_ms), sources[0], stored, state.programme, format_instant(at_ms), data)
    return found


def default_time(state: State, now_ms: int) -> int:
    """When it happens: now; in a programme's own time as of the last receipt, unless it is said."""
    return now_ms if state.clock != "scenario" else max(state.order_ms.values(), default=0)


def _at(state: State, given: Given, now_ms: int, problems: Problems) -> int:
    said = _first(given, "now")
    if state.clock != "scenario" or said is None:
        return default_time(state, now_ms)
    try:
        return parse_instant(_utc(said))
    except ValueError:
        problems["now"] = ("acts.no-instant", "")
        return 0


def _options(act: Act, given: Given, problems: Problems) -> argparse.Namespace:
    """What a command line would have given for each word."""
    found = argparse.Namespace()
    for word in act.words:
        said = _said(word, given)
        if said is None and word.needed and word.kind != "unless":
            problems[word.dest] = ("acts.needed", "")
        setattr(found, word.dest, said)
    return found


def _said(word: Word, given: Given) -> Any:
    name = word.dest
    if word.kind == "unless":
        return _first(given, name) is None
    if len(word.members) > 1:
        parts = [_first(given, f"{name}.{part}") for part in (0, 1)]
        return None if None in parts else "/".join(str(part) for part in parts)
    if word.parts:
        rows = [[_first(given, f"{name}.{row}.{part}") or "" for part in word.parts] for row in range(ROWS)]
        return [row for row in rows if any(row)] or None
    if word.many:
        lines = [line.strip() for text in given.get(name, []) for line in text.splitlines()]
        return list(dict.fromkeys(line for line in lines if line)) or None
    text = _first(given, name)
    return _utc(text) if text is not None and word.kind == "instant" else text


def _first(given: Given, name: str) -> str | None:
    text = next(iter(given.get(name, [])), "").strip()
    return text.replace("\r\n", "\n") or None


def _utc(text: str) -> str:
    if not _LOCAL.fullmatch(text):
        return text
    return text + (":00Z" if len(text) == 16 else "Z")


def _blamed(act: Act, error: Usage | NotFound) -> str:
    """The field that a message is about, as far as it names one."""
    for word in act.words:
        if word.kind not in ("text", "unless") and f" {word.kind} " in f" {error.message} ":
            return word.dest
    return ""


def faults_of(act: Act, data: Mapping[str, Any]) -> Problems:
    """What the model of the type finds wrong, by field. The first of each."""
    try:
        TYPES[f"phasegate.{act.type}.v1"].model.model_validate(dict(data))
    except ValidationError as error:
        fields = {member: word.dest for word in act.words for member in word.members}
        found: Problems = {}
        for one in error.errors(include_url=False):
            member = str(one["loc"][0]) if one["loc"] else ""
            where = ".".join(str(part) for part in one["loc"])
            said = ("acts.needed", "") if one["type"] == "missing" else ("", f"{where}: {one['msg']}")
            found.setdefault(fields.get(member, ""), said if member in fields else ("", f"{where}: {one['msg']}"))
        return found
    return {}


def _artefact(line: str) -> dict[str, Any]:
    """`SHA256 BYTES NAME`: the digest, the length, and the name, which may have blanks."""
    parts = line.split(None, 2)
    if len(parts) != 3 or not parts[1].isascii() or not parts[1].isdigit():
        raise Usage(f"file: {line[:100]!r} is not SHA256 BYTES NAME", hint="such as 9f86d0… 1048576 weights.bin")
    return {"name": parts[2], "sha256": parts[0].lower(), "bytes": int(parts[1][:20])}


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Usage(f"a document that is not JSON: {str(error)[:200]}") from None


IN_FORM = Files(_artefact, _document)
"""A form sends no files: of an artefact its digest is written, a document is pasted."""
