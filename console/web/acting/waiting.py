"""What a programme waits for from people, and by which act somebody may give it: owed, unsigned, unapproved, unanswered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from console.telling.sentences import Names, Words
from console.web.access import Visitor
from console.web.acting.permitted import (
    awaiting_approval,
    doer_of,
    own_entrant,
    own_evaluator,
    sources_for,
)
from console.web.page import Page
from console.web.sending import sender_of
from console.web.site import Site
from events.values import format_instant
from handlers.owing import owed_points
from handlers.readiness import owed_now
from handlers.state import PhaseState, State
from handlers.windows import deadline, is_complete, is_signed, objections_window, rebuttal_deadline

SHOWN = 6
"""Rows of one kind of which each is told; of more the number is."""

_BY = {
    "mark-missing": ("mark", "waive"),
    "quorum-missing": ("mark", "waive"),
    "not-scored": ("waive",),
    "panel-empty": ("appoint",),
    "ruling-outstanding": ("rule",),
    "gate-undetermined": ("find",),
    "tie-unresolved": ("resolve",),
    "too-few-advance": ("reopen",),
    "decision-returned": ("reopen",),
    "objection-outstanding": ("hear",),
}
"""By which acts what is owed can be given."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that is waited for. `acts` are those by which this visitor may give it, each with what its form is begun with;
    `why_not` is a sentence's key where the visitor may not, although the right is there.
    """

    phase: str
    kind: str
    text: str
    acts: tuple[tuple[str, Mapping[str, str]], ...] = ()
    until: str | None = None
    why_not: str = ""
    more: tuple[str, ...] = field(default_factory=tuple)


def wanted(site: Site, page: Page, state: State, names: Names) -> list[Wanted]:
    """What is waited for, in the order of the phases; what this visitor may give comes first. An entrant is told of its own
    alone, an evaluator of what it owes itself. Who asks has the turn of the programme.
    """
    visitor, words = page.visitor, Words(page.lang, names)
    found: list[Wanted] = []
    may_read = visitor.may("read", state.programme)
    for phase in state.phases.values():
        if may_read:
            found += [*_unsigned(state, phase, visitor, page), *_owed(state, phase, visitor, words)]
        if (evaluator := own_evaluator(visitor, state.programme)) is not None and not may_read:
            found += _marks_of(state, phase, evaluator, words)
        if (entrant := own_entrant(visitor, state.programme)) is not None:
            found += _of_entrant(site, state, phase, entrant, page)
    if may_read:
        found += _unapproved(site, state, visitor, page)
    return sorted(found, key=lambda one: not one.acts)


def _able(state: State, visitor: Visitor, name: str, role: str | None = None) -> bool:
    return any(role in (None, source.role) for source in sources_for(visitor, state, name))


def _unsigned(state: State, phase: PhaseState, visitor: Visitor, page: Page) -> Iterator[Wanted]:
    decision = phase.decision
    if decision is None or decision.returned is not None or is_signed(phase, decision):
        return
    for duty in phase.rules.sign_off:
        if duty.role in decision.signatures:
            continue
        begun = {"decision": decision.fact.event.id, "role": duty.role}
        acts = tuple((name, begun) for name in ("sign", "return") if _able(state, visitor, name, duty.role))
        yield Wanted(phase.rules.id, "unsigned", page.t("acts.unsigned", role=duty.role), acts)


def _owed(state: State, phase: PhaseState, visitor: Visitor, words: Words) -> Iterator[Wanted]:
    rows = [missing.data() for missing in owed_now(state, phase)]
    for code in dict.fromkeys(row["code"] for row in rows):
        some = [row for row in rows if row["code"] == code]
        told = [words.sentence(point) for point in owed_points(some[:SHOWN])]
        acts = tuple((name, _begun(phase, name, some)) for name in _BY.get(code, ()) if _able(state, visitor, name))
        rest = len(some) - len(told)
        yield Wanted(phase.rules.id, "owed", told[0], acts, more=(*told[1:], *(() if rest <= 0 else (f"+ {rest}",))))


def _begun(phase: PhaseState, name: str, rows: list[dict[str, str]]) -> dict[str, str]:
    """What the form can be begun with: the phase, and what is meant where one thing alone is owed."""
    facts = owed_points(rows[:1])[0].facts if len(rows) == 1 else {}
    kept = {member: facts[member] for member in ("finding", "objection", "panel") if member in facts}
    if name in ("waive", "mark", "resolve", "reopen", "find"):
        kept = {"phase": phase.rules.id}
    if name == "waive" and "entrant" in facts and "criterion" in facts:
        kept |= {"entrant": facts["entrant"], "criterion": facts["criterion"], "item": facts["item"]}
    return kept


def _marks_of(state: State, phase: PhaseState, evaluator: str, words: Words) -> Iterator[Wanted]:
    rows = [row.data() for row in owed_now(state, phase) if row.who == evaluator]
    if rows:
        told = [words.sentence(point) for point in owed_points(rows[:SHOWN])]
        yield Wanted(phase.rules.id, "owed", told[0], (("mark", {"phase": phase.rules.id}),), more=tuple(told[1:]))


def _of_entrant(site: Site, state: State, phase: PhaseState, entrant: str, page: Page) -> Iterator[Wanted]:
    """Findings that it may answer, and decisions that it may object to."""
    if entrant not in phase.entrants:
        return
    for event_id, finding in phase.findings.items():
        last_ms = rebuttal_deadline(phase, finding)
        is_open = finding.needs_ruling and finding.rebuttal is None and not finding.rulings
        if finding.key[0] == entrant and is_open and last_ms is not None and not _is_over(site, state, last_ms):
            text = page.t("acts.unanswered", gate=finding.key[1], count=finding.key[2])
            yield Wanted(phase.rules.id, "owed", text, (("rebut", {"finding": event_id}),), format_instant(last_ms))
    decision = phase.decision
    if decision is None or not is_signed(phase, decision) or phase.rules.objections is None:
        return
    window = objections_window(decision)
    last = deadline(state, phase.rules.id, window)
    if last is not None and not is_complete(state, phase.rules.id, window) and not _is_over(site, state, last):
        begun = {"decision": decision.fact.event.id, "entrant": entrant}
        yield Wanted(phase.rules.id, "may", page.t("acts.may-object"), (("object", begun),), format_instant(last))


def _is_over(site: Site, state: State, last_ms: int) -> bool:
    """By the clock; a programme in its own time has none but its markers."""
    return state.clock != "scenario" and site.now() > last_ms


def _unapproved(site: Site, state: State, visitor: Visitor, page: Page) -> Iterator[Wanted]:
    for event_id, phase, fact in awaiting_approval(state):
        kind = fact.event.type.removeprefix("phasegate.").removesuffix(".v1")
        role = {str(name): role for name, role in state.phases[phase].rules.approvals.items()}[kind]
        is_own = visitor.name is not None and doer_of(site, state.programme, fact) == sender_of(visitor)
        able = not is_own and _able(state, visitor, "approve", role)
        acts = (("approve", {"act": event_id}),) if able else ()
        text = page.t("acts.unapproved", kind=kind, role=role, index=fact.index)
        yield Wanted(phase, "unapproved", text, acts, why_not="acts.own-act" if is_own else "")
