"""Single events of the small programme, each by its few members that matter."""

from __future__ import annotations

from events.derived import derive
from events.envelope import Envelope
from events.record import Record
from events.values import format_instant
from tests.support import small
from tests.support.log import record_of

BENCH, ANN, BEN = "urn:bench", "urn:jury:ann", "urn:jury:ben"


def mark(
    event_id: str, source: str, at_ms: int, team: str, evaluator: str, value: str = "7", *, item: str = "art"
) -> Envelope:
    return small.event(
        "score.recorded",
        event_id,
        source,
        at_ms,
        phase="heat",
        entrant=team,
        criterion="jury" if item == "art" else "bench",
        item=item,
        evaluator=evaluator,
        value=value,
    )


def correction(event_id: str, source: str, at_ms: int, target: str, value: str) -> Envelope:
    return small.event("score.corrected", event_id, source, at_ms, score=target, value=value, reason="misread")


def handed_in(event_id: str, team: str, at_ms: int, **more: object) -> Envelope:
    data = {"phase": "heat", "entrant": team, "title": event_id, "artefacts": [], **more}
    return small.event("submission.received", event_id, f"urn:team:{team}", at_ms, **data)


def found(event_id: str, team: str, at_ms: int, count: str = "technical", verdict: str = "not-met") -> Envelope:
    data = {
        "phase": "heat",
        "entrant": team,
        "gate": "independence",
        "count": count,
        "verdict": verdict,
        "evidence": [],
    }
    return small.event("finding.recorded", event_id, "urn:auditor", at_ms, **data)


def ruled(event_id: str, finding: str, at_ms: int, verdict: str) -> Envelope:
    return small.event(
        "ruling.issued", event_id, "urn:ministry", at_ms, finding=finding, verdict=verdict, reasons=event_id
    )


def answered(event_id: str, finding: str, team: str, at_ms: int) -> Envelope:
    return small.event("rebuttal.filed", event_id, f"urn:team:{team}", at_ms, finding=finding, entrant=team, text="no")


def entered(event_id: str, type_name: str, team: str, at_ms: int, /, **more: object) -> Envelope:
    return small.event(type_name, event_id, small.OFFICE, at_ms, entrant=team, **more)


def marker(
    topic: str, window: str, *, deadline_ms: int | None = None, at_ms: int | None = None, attempt: int = 1
) -> Record:
    """The pipeline's marker of a window in one topic, stamped a millisecond after the deadline unless told otherwise."""
    last_ms = small.DEADLINES[window] if deadline_ms is None else deadline_ms
    data = {"phase": "heat", "window": window, "deadline": format_instant(last_ms), "attempt": attempt}
    subject, name = f"{window}/{topic}", "phasegate.intake.marked.v1"
    said = derive(small.PROGRAMME, name, data, phase="heat", subject=subject, ordinal=attempt, caused_ms=last_ms)
    return record_of(said, topic, at=last_ms + 1 if at_ms is None else at_ms)
