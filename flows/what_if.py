"""What-if: a programme's record read, and run again in another world. Reads the ledger, and writes nothing anywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import yaml

from events.entry import decode_entry
from events.envelope import Malformed, decode
from events.errors import Refused
from events.upcast import present
from events.values import format_instant, parse_instant
from flows.reader import Moment
from flows.reading import Reading
from flows.scenario import topic_of
from flows.sending import read_lines
from handlers.consequences import awaited, changes, events_apart
from handlers.lever_records import Files, changed_course, out_of_range
from handlers.levers import Levers, read_levers
from handlers.rerun import Rerun
from handlers.state import State
from handlers.told import Telling, Told
from handlers.verdicts import Refusal
from handlers.views import phases_view
from infra.rulebook_file import load

PASSES = 3
"""How often the records are gone through: read, run as recorded, and run with the levers."""


def what_if(
    reading: Reading, programme: str, at: Moment | None, levers: Levers, each: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """The changed world, and how it differs from the record as it was at a moment. Raises NotFound for what a lever names
    and nobody knows, Refused for a world that cannot be. `each` is called at every record, in each of `PASSES`; what it
    raises ends the run.
    """
    size = reading.reader.size_at(programme, at)
    course, deployment = _told(reading, programme, size, each), reading.deployment()
    last_ms = max((told.received_ms for told in course), default=0)
    until_ms = last_ms if levers.until is None else parse_instant(levers.until)
    record = Rerun(programme, course, deployment)
    before = record.run(min(until_ms, last_ms), each)
    if before.rulebook is None:
        raise Refused(f"{programme} is not announced in this log, so there is nothing to change")
    changed = changed_course(before, course, levers, _files(levers, programme), deployment.partitions)
    rerun = Rerun(programme, changed, deployment, record, signs=levers.sign)
    after = rerun.run(until_ms, each)
    _refuse_out_of_range(changed, rerun)
    return {
        "programme": programme,
        "size": size,
        "until": format_instant(until_ms),
        "levers": levers.written(),
        "phases": [{**view, "awaits": awaited(after, view["phase"])} for view in phases_view(after)],
        "changes": changes(before, after),
        "finalists": {"before": _finalists(before), "after": _finalists(after)},
        "events": events_apart(course, changed, rerun),
    }


def _told(reading: Reading, programme: str, size: int, each: Callable[[], None]) -> list[Told]:
    telling = Telling(programme)
    for stored in reading.ledger.read(programme, 0, size):
        each()
        telling.add(decode_entry(stored.entry), stored.opening)
    return telling.finish()


def _finalists(state: State) -> list[str] | None:
    return None if state.concluded is None else list(state.concluded.data["finalists"])


def _refuse_out_of_range(changed: list[Told], rerun: Rerun) -> None:
    for place, told in enumerate(changed):
        verdict = rerun.verdicts.get(place)
        if isinstance(verdict, Refusal) and (wrong := out_of_range(told, verdict.reason, verdict.detail)) is not None:
            raise wrong


# --- the files that levers name


def _files(levers: Levers, programme: str) -> Files:
    rulebook = None if levers.rulebook is None else load(Path(levers.rulebook)).document
    if rulebook is not None and rulebook.get("programme") != programme:
        raise Refused(f"{levers.rulebook} is the rulebook of {rulebook.get('programme')!r}, not of {programme!r}")
    return Files(rulebook, [row for path in levers.added for row in _events(Path(path), programme)])


def _events(path: Path, programme: str) -> list[tuple[str, Any, int]]:
    """The events of a file, each received at its own `time`. Raises NotFound, or Refused with the line of the first fault."""
    found = []
    for line in read_lines(path, "scenario", None):
        where = f"{path}:{line.number}"
        try:
            event = decode(line.message.value)
        except Malformed as malformed:
            raise Refused(f"{where}: {malformed.message}", hint="correct the line") from None
        if event.subject != programme:
            raise Refused(f"{where}: it is about {event.subject!r}, not about {programme}")
        assert line.message.timestamp_ms is not None  # In scenario time an event is stamped by its own.
        found.append((line.message.topic or topic_of(event.type, where), present(event), line.message.timestamp_ms))
    return found


def read_saved(path: Path) -> Levers:
    """Levers that were saved, in YAML or JSON; files that they name are looked for beside them."""
    document = load(path).document
    if not isinstance(document, dict):
        raise Refused(f"{path} holds no levers: it is not a mapping", hint="what-if --save writes one")
    levers = read_levers(document, str(path))
    found = {"rulebook": None if levers.rulebook is None else str(path.parent / levers.rulebook)}
    return levers.model_copy(update={**found, "added": tuple(str(path.parent / name) for name in levers.added)})


def save(levers: Levers, path: Path) -> None:
    """Writes levers where nothing stands yet or levers do: JSON in a file named so, else YAML."""
    written = _beside(levers, path.parent).written()
    text = orjson.dumps(written, option=orjson.OPT_INDENT_2).decode() + "\n"
    if path.suffix != ".json":
        text = yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def _beside(levers: Levers, folder: Path) -> Levers:
    def relative(name: str) -> str:
        return os.path.relpath(name, folder)

    files = {"rulebook": None if levers.rulebook is None else relative(levers.rulebook)}
    return levers.model_copy(update={**files, "added": tuple(map(relative, levers.added))})
