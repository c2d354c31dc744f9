"""A scenario directory: a programme to play, in its own time (INTERFACE, "Scenario directory")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from events.derived import derived_id
from events.envelope import Envelope, Malformed, decode
from events.errors import NotFound, Refused
from events.names import TYPES
from events.rulebook import Rulebook, digest, parse_rulebook
from events.values import format_instant, format_number, parse_instant
from infra.marks_file import MarkRow, read_marks
from infra.rulebook_file import load

SCORE = "phasegate.score.recorded.v1"
ANNOUNCED = "phasegate.programme.announced.v1"


class Part(BaseModel):
    """A part of scenario.yaml: closed, so that a misspelt member is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class MarksTable(Part):
    """A table of marks turned into score.recorded events, spread evenly over a stretch of time in the file's order.
    `sources` names the sender by panel; `{evaluator}` stands for the row's. `except` leaves rows out, by slot.
    """

    phase: str
    file: str
    begins: Annotated[str, Field(alias="from")]
    ends: Annotated[str, Field(alias="until")]
    sources: dict[str, str]
    left_out: Annotated[list[dict[str, str]], Field(alias="except")] = []


class ScenarioFile(Part):
    """scenario.yaml. `sources`, `published`, `reconstructed` and `irregular` are for readers: where the figures come from.
    `expected` is checked at the end of a run.
    """

    programme: str
    title: dict[str, str]
    clock: str
    announced: str
    ticks: list[str]
    marks: list[MarksTable] = []
    summary: dict[str, str] = {}
    sources: Any = None
    published: Any = None
    reconstructed: Any = None
    irregular: Any = None
    expected: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Something that is published at its own instant. `line` is the very text where it was given as one."""

    at_ms: int
    topic: str
    event: Envelope


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, read and checked: everything that is published, in time order, and when flows are let progress."""

    folder: Path
    about: ScenarioFile
    rulebook: Rulebook
    scheduled: tuple[Scheduled, ...]
    ticks: tuple[int, ...]

    @property
    def programme(self) -> str:
        return self.about.programme


def read_scenario(folder: Path) -> Scenario:
    """Reads a scenario directory. Raises NotFound, or Refused naming the file and what is wrong in it."""
    about = _about(folder / "scenario.yaml")
    document = load(folder / "rulebook.yaml").document
    rulebook = parse_rulebook(document)
    if rulebook.programme != about.programme:
        raise Refused(f"{folder}: scenario.yaml is of {about.programme!r}, rulebook.yaml of {rulebook.programme!r}")
    said = [_announcement(about, rulebook, document), *_lines(folder / "events.ndjson")]
    for table in about.marks:
        said += _scores(folder, about.programme, rulebook, table)
    scheduled = tuple(sorted(said, key=lambda row: row.at_ms))
    return Scenario(folder, about, rulebook, scheduled, tuple(sorted(parse_instant(tick) for tick in about.ticks)))


def _about(path: Path) -> ScenarioFile:
    try:
        return ScenarioFile.model_validate(load(path).document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refused(f"{path}: {where}: {first['msg']} ({len(error.errors())} faults)") from None


def _announcement(about: ScenarioFile, rulebook: Rulebook, document: Mapping[str, Any]) -> Scheduled:
    at_ms = parse_instant(about.announced)
    source = next(
        (row.source for row in rulebook.sources if row.role == "office"), f"urn:phasegate:{about.programme}:office"
    )
    data = {"rulebook": dict(document), "digest": digest(document), "clock": about.clock, "title": about.title}
    event_id = derived_id(about.programme, ANNOUNCED, "", digest(document), 1)
    event = Envelope(event_id, source, ANNOUNCED, about.programme, format_instant(at_ms), data)
    return Scheduled(at_ms, "decisions", event)


def _lines(path: Path) -> Iterator[Scheduled]:
    """The events of an NDJSON file. An extra member `topic` names the topic; else it follows from the type."""
    if not path.exists():
        return
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            event = decode(line)
        except Malformed as malformed:
            raise Refused(f"{path}:{number}: {malformed.message} ({malformed.reason})") from None
        topic = event.extensions.pop("topic", None) or topic_of(event.type, f"{path}:{number}")
        event.extensions.pop("specversion", None)
        yield Scheduled(parse_instant(event.time), str(topic), event)


def topic_of(name: str, where: str) -> str:
    """The topic of a type. Raises Refused for a name that is not in the table, or may stand on several."""
    row = TYPES.get(name)
    if row is None or len(row.topics) != 1:
        raise Refused(f"{where}: the type {name!r} does not say its topic; add a member `topic`")
    return row.topics[0]


def _scores(folder: Path, programme: str, rulebook: Rulebook, table: MarksTable) -> Iterator[Scheduled]:
    path = folder / table.file
    if not path.exists():
        raise NotFound(f"scenario.yaml names {table.file}, which is not in {folder}")
    rows = [row for row in read_marks(path) if not any(_is_slot(row, slot) for slot in table.left_out)]
    first_ms, last_ms = parse_instant(table.begins), parse_instant(table.ends)
    leaves = rulebook.phase(table.phase).leaves
    for place, row in enumerate(rows):
        at_ms = first_ms + (last_ms - first_ms) * place // max(len(rows) - 1, 1)
        leaf = leaves.get(row.criterion)
        pattern = table.sources.get(leaf.panel) if leaf is not None else None
        if pattern is None:
            raise Refused(
                f"{path}:{row.line}: scenario.yaml names no source for the panel that marks {row.criterion!r}"
            )
        yield Scheduled(at_ms, "scores", _score(programme, table.phase, row, pattern, at_ms))


def _is_slot(row: MarkRow, slot: Mapping[str, str]) -> bool:
    return all(str(getattr(row, name)) == value for name, value in slot.items())


def _score(programme: str, phase: str, row: MarkRow, pattern: str, at_ms: int) -> Envelope:
    data = {
        "phase": phase,
        "entrant": row.team,
        "criterion": row.criterion,
        "item": row.item,
        "evaluator": row.evaluator,
        "value": format_number(row.value),
    }
    if row.reference is not None:
        data["reference"] = format_number(row.reference)
    event_id = derived_id(programme, SCORE, phase, "/".join(row.slot), 1)
    source = pattern.replace("{evaluator}", row.evaluator)
    return Envelope(
        event_id, source, SCORE, programme, format_instant(at_ms), data, correlationid=f"{programme}/{phase}"
    )
