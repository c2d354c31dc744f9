"""A scenario directory: a programme to play, in its own time (INTERFACE, "Scenario directory")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from events.derived import derived_id
from events.envelope import Envelope, Malformed, decode
from events.errors import NotFound, Refused
from events.names import TYPES
from events.rulebook import Phase, Rulebook, digest, parse_rulebook
from events.values import format_instant, format_number, parse_instant
from flows.scenario_file import Amendment, MarksTable, ScenarioFile, read_file
from handlers.engines import NEWEST
from infra.marks_file import MarkRow, read_marks
from infra.rulebook_file import load

SCORE = "phasegate.score.recorded.v1"
ANNOUNCED = "phasegate.programme.announced.v1"
AMENDED = "phasegate.rulebook.amended.v1"
APPOINTED = "phasegate.evaluator.appointed.v1"
OFFICE = "office"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Something that is published at its own instant. `line` is the very text where it was given as one."""

    at_ms: int
    topic: str
    event: Envelope


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, read and checked: everything that is published, in time order, and when flows are let progress.
    `rulebooks` are the announced one and those that amend it, in the order of time.
    """

    folder: Path
    about: ScenarioFile
    rulebooks: tuple[Rulebook, ...]
    scheduled: tuple[Scheduled, ...]
    ticks: tuple[int, ...]

    @property
    def programme(self) -> str:
        return self.about.programme

    @property
    def rulebook(self) -> Rulebook:
        """The rules as they are in the end."""
        return self.rulebooks[-1]

    def speaks_for_office(self, source: str) -> bool:
        """The source signs with the office's key, under one of the rulebooks: it must sign, and has no key of its own."""
        rows = (row for rulebook in self.rulebooks for row in rulebook.sources if row.source == source)
        return any((row.signs or row.role == OFFICE) and not row.keys for row in rows)


def read_scenario(folder: Path) -> Scenario:
    """Reads a scenario directory. Raises NotFound, or Refused naming the file and what is wrong in it."""
    about = read_file(folder / "scenario.yaml")
    names = [about.rulebook, *(row.rulebook for row in sorted(about.amendments, key=lambda row: row.at))]
    documents = {name: _document(folder / name, about.programme) for name in names}
    rulebooks = tuple(parse_rulebook(documents[name]) for name in names)
    said = [_announcement(about, documents[about.rulebook]), *_lines(folder / "events.ndjson")]
    said += [_amendment(about.programme, row, documents[row.rulebook]) for row in about.amendments]
    for table in about.marks:
        rules, rows = _rules(rulebooks, table.phase), _rows(folder, table)
        said += _appointments(office_of(rulebooks[-1]), about.programme, rules, table, rows)
        said += _scores(folder, about.programme, rules, table, rows)
    scheduled = tuple(sorted(said, key=lambda row: row.at_ms))
    return Scenario(folder, about, rulebooks, scheduled, tuple(sorted(parse_instant(tick) for tick in about.ticks)))


def _document(path: Path, programme: str) -> dict[str, Any]:
    document: dict[str, Any] = load(path).document
    if (named := parse_rulebook(document).programme) != programme:
        raise Refused(f"{path.parent}: scenario.yaml is of {programme!r}, {path.name} of {named!r}")
    return document


def _rules(rulebooks: Sequence[Rulebook], phase_id: str) -> Phase:
    """The phase under the last rules."""
    found = rulebooks[-1].find_phase(phase_id)
    if found is None:
        known = ", ".join(phase.id for phase in rulebooks[-1].phases)
        raise Refused(f"scenario.yaml has marks of the phase {phase_id!r}; the phases are {known}")
    return found


def office_of(rulebook: Rulebook) -> str:
    """The source that speaks for the programme office."""
    named = (row.source for row in rulebook.sources if row.role == OFFICE)
    return next(named, f"urn:phasegate:{rulebook.programme}:office")


def _announcement(about: ScenarioFile, document: Mapping[str, Any]) -> Scheduled:
    at_ms = parse_instant(about.announced)
    data = {
        "rulebook": dict(document),
        "digest": digest(document),
        "clock": about.clock,
        "title": about.title,
        "engine": NEWEST,
    }
    event_id = derived_id(about.programme, ANNOUNCED, "", digest(document), 1)
    source = office_of(parse_rulebook(document))
    event = Envelope(event_id, source, ANNOUNCED, about.programme, format_instant(at_ms), data)
    return Scheduled(at_ms, "decisions", event)


def _amendment(programme: str, row: Amendment, document: Mapping[str, Any]) -> Scheduled:
    at_ms = parse_instant(row.at)
    data = {
        "rulebook": dict(document),
        "digest": digest(document),
        "from_phase": row.from_phase,
        "reason": row.reason,
        "consents": [],
    }
    event_id = derived_id(programme, AMENDED, row.from_phase, digest(document), 1)
    source = office_of(parse_rulebook(document))
    return Scheduled(at_ms, "decisions", Envelope(event_id, source, AMENDED, programme, format_instant(at_ms), data))


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


def _rows(folder: Path, table: MarksTable) -> list[MarkRow]:
    path = folder / table.file
    if not path.exists():
        raise NotFound(f"scenario.yaml names {table.file}, which is not in {folder}")
    return [row for row in read_marks(path) if not any(_is_slot(row, slot) for slot in table.left_out)]


def _appointments(
    office: str, programme: str, rules: Phase, table: MarksTable, rows: Sequence[MarkRow]
) -> Iterator[Scheduled]:
    """Everybody who marks in the table, once for each panel."""
    if table.appointed is None:
        return
    at_ms = parse_instant(table.appointed)
    seats = {(rules.leaves[row.criterion].panel, row.evaluator) for row in rows if row.criterion in rules.leaves}
    for panel, evaluator in sorted(seats):
        event_id = derived_id(programme, APPOINTED, table.phase, f"{panel}/{evaluator}", 1)
        data = {"evaluator": evaluator, "panel": panel}
        event = Envelope(event_id, office, APPOINTED, programme, format_instant(at_ms), data)
        yield Scheduled(at_ms, "decisions", event)


def _scores(
    folder: Path, programme: str, rules: Phase, table: MarksTable, rows: Sequence[MarkRow]
) -> Iterator[Scheduled]:
    first_ms, last_ms = parse_instant(table.begins), parse_instant(table.ends)
    for place, row in enumerate(rows):
        at_ms = first_ms + (last_ms - first_ms) * place // max(len(rows) - 1, 1)
        leaf = rules.leaves.get(row.criterion)
        pattern = table.sources.get(leaf.panel) if leaf is not None else None
        if pattern is None:
            raise Refused(
                f"{folder / table.file}:{row.line}: "
                f"scenario.yaml names no source for the panel that marks {row.criterion!r}"
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
