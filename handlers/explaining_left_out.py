"""What did not count, and why: what was refused or repeated, and marks that were taken out of the count or changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from events.values import format_instant
from handlers.exclusions import exclusions, is_effective
from handlers.explaining_course import noted
from handlers.explanation import Noted
from handlers.known import Known, Recorded
from handlers.marks import Exclusions, missing_marks
from handlers.readiness import competing, phase_marks
from handlers.seats import phase_seats
from handlers.state import Decision, Fact, PhaseState, State
from handlers.windows import counts


def left_out_of(known: Known, phase: PhaseState, entrant: str | None, decision: Decision | None) -> tuple[Noted, ...]:
    """In the order of the log; of the whole phase without an entrant. What was done to marks only once there is a
    decision: they are private until then.
    """
    rows = [noted_record(row) for row in known.not_counted if _concerns(row, phase, entrant)]
    if decision is not None and known.at_cut is not None:
        rows += _acts(known, phase, entrant)
        rows += _changed(known, phase, entrant)
        if entrant is not None:
            rows += _absent(known.at_cut, phase.rules.id, entrant)
    return tuple(sorted(rows, key=lambda row: (row.indexes or (-1,), row.code, tuple(row.facts.values()))))


def _concerns(row: Recorded, phase: PhaseState, entrant: str | None) -> bool:
    """It is about the phase, and about the entrant where one is named: by its own members, or by what it refers to."""
    data: Mapping[str, Any] = row.data or {}
    slot = phase.slot_of.get(str(data.get("score")))
    finding = phase.findings.get(str(data.get("finding")))
    decision = phase.decisions.get(str(data.get("decision")))
    about = data.get("entrant") or (slot and slot[0]) or (finding and finding.key[0])
    named = data.get("phase", data.get("call"))
    is_here = bool(slot or finding or decision) or named == phase.rules.id or (named is None and entrant is not None)
    return is_here and entrant in (None, about)


def noted_record(row: Recorded) -> Noted:
    """A record by the verdict that it has in the end."""
    indexes = (row.index,) if row.settled is None else (row.index, row.settled)
    codes = {"refused": f"refused.{row.reason}", "duplicate": "left-out.duplicate"}
    facts = {"type": row.type or ""} | ({"detail": row.detail} if row.detail else {})
    return Noted(codes.get(row.verdict, f"record.{row.verdict}"), indexes, format_instant(row.received_ms), facts)


def sent_again(said: int, came: int | None) -> Noted:
    """Of a refused record: by the entry that says so, and that of the record that came, if it did."""
    return Noted("record.sent-again", (said,) if came is None else (said, came), "")


def sent_before(refused: int, said: int) -> Noted:
    """Of a record that came of a refused one: by the entries of that, and of what was said of it."""
    return Noted("record.sent-before", (refused, said), "")


def _acts(known: Known, phase: PhaseState, entrant: str | None) -> Iterator[Noted]:
    """Recusals, declared conflicts and annulments, with whether they had effect on this decision."""
    state = known.now
    seated = {who for row in phase_seats(state, phase).values() for who in row}
    declared = "conflict" if phase.rules.conflicts == "recuse" else "conflict-on-record"
    acts = [("recused", fact) for fact in state.recused] + [(declared, fact) for fact in state.conflicts]
    for code, fact in acts:
        if fact.data["evaluator"] in seated and _is_on(fact.data["entrants"], entrant):
            yield _act(known, phase, code, fact)
    for fact in phase.annulled:
        if _is_on(fact.data.get("entrants") or phase.entrants, entrant):
            yield _act(known, phase, "annulled", fact, "marks.annulled")


def _is_on(entrants: Any, entrant: str | None) -> bool:
    return entrant is None or entrant in entrants


def _act(known: Known, phase: PhaseState, code: str, fact: Fact, kind: str = "") -> Noted:
    facts = {name: fact.data[name] for name in ("evaluator",) if name in fact.data}
    return noted(f"left-out.{_effect(known, phase, code, fact, kind)}", fact, facts)


def _effect(known: Known, phase: PhaseState, code: str, fact: Fact, kind: str) -> str:
    """The code, or why the act had no effect: it came too late for the round, or nobody approved it."""
    assert known.at_cut is not None  # The caller looked.
    then = known.at_cut.phases[phase.rules.id]
    if fact.index >= known.at_cut.size or not counts(known.at_cut, then, fact):
        return "act-too-late"
    if kind and not is_effective(known.at_cut, then, kind, fact.event.id):
        return "act-unapproved"
    return code


def _changed(known: Known, phase: PhaseState, entrant: str | None) -> Iterator[Noted]:
    """Marks that were voided, and marks that were corrected: what stood before does not count."""
    assert known.at_cut is not None  # The caller looked.
    for first, facts in phase.voided.items():
        if entrant in (None, phase.slot_of[first][0]):
            for fact in facts:
                effect = _effect(known, phase, "voided", fact, "score.voided")
                facts_of = _slot_facts(phase, first)
                is_idle = effect != "voided"
                yield noted(f"left-out.{effect}", fact, {"evaluator": facts_of["evaluator"]} if is_idle else facts_of)
    then = known.at_cut.phases[phase.rules.id]
    for slot, mark in phase_marks(known.at_cut, then).items():
        if len(mark.ids) > 1 and entrant in (None, slot[0]):
            indexes, received = known.entries(mark.ids)
            yield Noted("left-out.corrected", indexes, received, _slot_facts(phase, mark.ids[0]))
    for first, proposals in then.proposed.items():
        for event_id, _ in proposals:
            is_idle = not is_effective(known.at_cut, then, "score.corrected", event_id)
            if is_idle and entrant in (None, phase.slot_of[first][0]):
                indexes, received = known.entries((event_id,))
                yield Noted("left-out.act-unapproved", indexes, received, {"evaluator": phase.slot_of[first][3]})


def _slot_facts(phase: PhaseState, first: str) -> dict[str, str]:
    _, criterion, item, evaluator = phase.slot_of[first]
    return {"evaluator": evaluator, "criterion": criterion, "item": item}


def _absent(at_cut: State, phase_id: str, entrant: str) -> Iterator[Noted]:
    """Marks that were not there and not waited for: waived, left out, or earning nothing."""
    phase = at_cut.phases[phase_id]
    if entrant not in competing(at_cut, phase):
        return
    seats = phase_seats(at_cut, phase)
    excluded = exclusions(at_cut, phase, seats)
    marks = phase_marks(at_cut, phase)
    gaps = missing_marks(phase.rules, [entrant], marks, seats, Exclusions(excluded.pairs))
    for slot in gaps:
        code = "waived" if slot in excluded.waived else "nothing" if phase.rules.missing == "zero" else "missing"
        facts = {"evaluator": slot[3], "criterion": slot[1], "item": slot[2]}
        yield Noted(f"left-out.{code}", (), "", facts)
