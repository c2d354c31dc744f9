"""Recordings of golden programmes: a bundle as a zip, and beside it what every build must find in it.

engine-<N>/<name>.zip     the bundle, whole but for the schemas: those are of the build that exports
engine-<N>/<name>.json    keys, size, root, counts, what was decided, in words and by hash, and what cannot be made again
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from events.bundle import SCHEMA
from events.entry import Entry, Opening, decode_entry
from events.envelope import encode
from events.note import format_vkey, parse_vkey
from flows.audit_report import Trust
from flows.auditing import Audit
from flows.exporting import Exporter
from handlers.engines import FIRST, NEWEST
from handlers.fold import Folder
from handlers.holes import Hidden
from handlers.replay_report import Report
from handlers.state import Decision, State
from infra.bundle.reading import Files
from infra.bundle.writing import DirectoryWriter
from tests.golden.programmes import Played
from tests.support.bundles import Bundle, Memory, entries_of, loaded, openings_of, summed

HERE = Path(__file__).parent
_STAMP = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of a bundle, as a ledger gives it."""

    index: int
    entry: bytes
    opening: Opening | None
    detail: None = None


@dataclass(frozen=True)
class Golden:
    """A recording."""

    place: Path

    @cached_property
    def said(self) -> Mapping[str, Any]:
        """What was found when it was recorded."""
        document: Mapping[str, Any] = json.loads(self.place.with_suffix(".json").read_bytes())
        return document

    @cached_property
    def files(self) -> Bundle:
        with zipfile.ZipFile(self.place) as file:
            return {name: file.read(name) for name in file.namelist()}

    @cached_property
    def rows(self) -> list[Row]:
        openings = openings_of(self.files)
        return [Row(index, entry, openings.get(index)) for index, entry in enumerate(entries_of(self.files))]

    @property
    def log(self) -> str:
        """The programme, or `unrouted/…`."""
        return str(self.said["origin"]).partition("/")[2]

    @property
    def trust(self) -> Trust:
        return Trust(parse_vkey(self.said["vkey"]), tuple(parse_vkey(text) for text in self.said["office"]))


def goldens() -> list[Golden]:
    """Every recording, of every engine."""
    return [Golden(path) for path in sorted(HERE.glob("engine-*/*.zip"))]


def find(name: str, engine: str = FIRST, folder: Path = HERE) -> Golden:
    return Golden(folder / f"engine-{engine}" / f"{name}.zip")


def record(name: str, played: Played, folder: Path) -> Golden:
    """Exports and describes what was played. Raises FileExistsError rather than write over a recording: what an engine
    once did is never recorded again.
    """
    golden = find(name, NEWEST, folder)
    if golden.place.exists():
        raise FileExistsError(f"{golden.place} is recorded already, and would be another after each build")
    bundle = _exported(played)
    origin = f"{played.parts.origin}/{played.log}"
    said = {
        "engine": NEWEST,
        "origin": origin,
        "vkey": format_vkey(played.log_key.named(origin).verifier),
        "office": [key.vkey for key in played.offices],
    }
    golden.place.parent.mkdir(parents=True, exist_ok=True)
    golden.place.write_bytes(_zipped(bundle))
    _write(golden.place.with_suffix(".json"), said)
    _write(golden.place.with_suffix(".json"), said | found(golden))
    return find(name, NEWEST, folder)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _exported(played: Played) -> Bundle:
    parts = played.parts
    head = parts.ledger.head(played.log)
    assert head is not None
    parts.ledger.sign(played.log, played.log_key.named(head.origin))
    office = {key.kid: key.public for key in played.offices[:1]}
    with TemporaryDirectory() as folder:
        exporter = Exporter(parts.ledger, parts.bus.partitions, office, (played.log_key.verifier,))
        bundle = loaded(exporter.export(head, DirectoryWriter(Path(folder) / "b")).path)
    return summed({path: data for path, data in bundle.items() if not SCHEMA.fullmatch(path)})


def _zipped(bundle: Bundle) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for path, data in sorted(bundle.items()):
            member = zipfile.ZipInfo(path, _STAMP)
            member.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(member, data, compresslevel=9)
    return made.getvalue()


def found(golden: Golden) -> dict[str, Any]:
    """What this build finds in a recording: by the audit, and by folding it."""
    audit = Audit(Files(Memory(golden.files)), golden.trust)
    findings = audit.run()
    entries = [decode_entry(row.entry) for row in golden.rows]
    state = folded(golden.log, golden.rows)
    return {
        "size": findings.checkpoint.size,
        "root": findings.checkpoint.root.hex(),
        "checked": findings.checked,
        "verdicts": dict(sorted(_verdicts(entries).items())),
        "phases": {phase: state.status(phase) for phase in state.phases},
        "decisions": list(decisions(state)),
        "concluded": None if state.concluded is None else state.concluded.data["finalists"],
        **({"holes": holes(audit.report)} if audit.report.hidden else {}),
    }


def folded(log: str, rows: Iterable[Row]) -> State:
    """What is known after these entries; of a record that is not there, what its entry says."""
    folder = Folder(log, hidden=lambda _index: Hidden())
    for row in rows:
        folder.apply(row)
    return folder.state


def holes(report: Report) -> dict[str, list[int]]:
    """The entries whose records are not there, and those that could not be judged or made again because of it."""
    return {
        "records": report.hidden,
        "verdicts": report.verdicts.unchecked,
        "decisions": report.decisions.unchecked,
    }


def _verdicts(entries: list[Entry]) -> Counter[str]:
    """How often each verdict, with its reason, and whether it settled what pended."""
    words = ((entry.verdict, entry.reason, None if entry.of is None else "after pending") for entry in entries)
    return Counter(" ".join(filter(None, parts)) for parts in words)


def decisions(state: State) -> Iterator[dict[str, Any]]:
    """Each decision of each phase, with what each entrant got and the hashes of all its events."""
    for phase_id, phase in state.phases.items():
        for decision in phase.decisions.values():
            data = decision.fact.data
            assessed = [phase.assessed[event_id].data for event_id in data["assessments"]]
            yield {
                "phase": phase_id,
                "round": decision.number,
                "vacancies": data["vacancies"],
                "outcomes": {row["entrant"]: row["outcome"] for row in data["outcomes"]},
                "reasons": {row["entrant"]: [reason["code"] for reason in row["reasons"]] for row in data["outcomes"]},
                "totals": {row["entrant"]: _total(row) for row in assessed},
                "ranks": {row["entrant"]: row["rank"] for row in assessed},
                "basis": data["basis"],
                "events": hashes(state, phase_id, decision),
            }


def _total(assessed: Mapping[str, Any]) -> str | None:
    total = assessed["scores"].get("total")
    return None if total is None else str(total["value"])


def hashes(state: State, phase_id: str, decision: Decision) -> dict[str, str]:
    """SHA-256 of the bytes of the decision and of every assessment that it lists, by event id."""
    phase = state.phases[phase_id]
    facts = [*(phase.assessed[event_id] for event_id in decision.fact.data["assessments"]), decision.fact]
    return {fact.event.id: sha256(encode(fact.event)).hexdigest() for fact in facts}
