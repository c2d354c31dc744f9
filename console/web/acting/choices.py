"""What may be chosen for a word of an act, from what is known: ids with the names that people know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from console.telling.sentences import Names
from console.web.acting.permitted import awaiting_approval
from console.web.page import Page
from console.words import Word
from events.rulebook import Phase
from handlers.state import PhaseState, State


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """What choices are made from, for an act of this type (its short name). `entrant`, where it is not None, is the only one
    that is shown anything of.
    """

    kind: str
    state: State
    page: Page
    names: Names
    entrant: str | None = None
    approvable: frozenset[str] | None = None
    """The acts that this visitor may approve; None for all that wait."""

    def name(self, kind: str, one: str) -> str:
        called = self.names.of(kind, one, self.page.lang)
        return called if called == one else f"{called} ({one})"

    @property
    def phases(self) -> list[PhaseState]:
        return list(self.state.phases.values())

    @property
    def rules(self) -> tuple[Phase, ...]:
        return self.state.rulebook.phases if self.state.rulebook is not None else ()


def choices(known: Known, word: Word, member: str | None = None) -> tuple[Option, ...] | None:
    """None where anything may be written."""
    if word.choices:
        return tuple(Option(one, known.page.word("act-choice", one)) for one in word.choices)
    key = member or word.member
    if known.kind == "entrant.registered" and key == "entrant":
        return None
    if known.kind == "evaluator.appointed" and key == "evaluator":
        return None
    if key == "grounds" and known.kind != "objection.filed":
        return None
    found = _FINDERS.get(key)
    if found is None:
        return None
    return tuple(dict.fromkeys(found(known)))


def _phases(known: Known) -> Iterator[Option]:
    if known.kind == "invitation.declined":
        yield from (Option(rules.id, known.name("phase", rules.id)) for rules in known.rules)
        return
    is_late = known.kind == "award.granted"
    for phase in reversed(known.phases):
        if known.entrant is not None and known.entrant not in phase.entrants:
            continue
        if is_late or phase.status != "final":
            yield Option(phase.rules.id, known.name("phase", phase.rules.id))


def _calls(known: Known) -> Iterator[Option]:
    yield from (Option(rules.id, known.name("phase", rules.id)) for rules in known.rules if rules.call is not None)


def _entrants(known: Known) -> Iterator[Option]:
    for entrant in known.state.entrants if known.entrant is None else (known.entrant,):
        yield Option(entrant, known.name("entrant", entrant))


def _evaluators(known: Known) -> Iterator[Option]:
    names = sorted({who for rows in known.state.appointed.values() for who in rows})
    yield from (Option(who, who) for who in names)


def _panels(known: Known) -> Iterator[Option]:
    yield from (Option(panel, panel) for panel in (known.state.rulebook.panels if known.state.rulebook else ()))


def _decisions(known: Known) -> Iterator[Option]:
    is_open_only = known.kind in ("decision.signed", "decision.returned", "objection.filed")
    for phase in reversed(known.phases):
        for event_id, decision in reversed(phase.decisions.items()):
            if known.entrant is not None and known.entrant not in phase.entrants:
                continue
            if is_open_only and (decision is not phase.decision or decision.finalised is not None):
                continue
            yield Option(event_id, f"{known.name('phase', phase.rules.id)} · {event_id}")


def _findings(known: Known) -> Iterator[Option]:
    for phase in reversed(known.phases):
        for event_id, finding in phase.findings.items():
            entrant, gate, count = finding.key
            if known.entrant in (None, entrant):
                yield Option(event_id, f"{known.name('entrant', entrant)} · {gate} / {count} · {event_id}")


def _objections(known: Known) -> Iterator[Option]:
    for phase in reversed(known.phases):
        for decision in phase.decisions.values():
            for event_id, objection in decision.objections.items():
                entrant = objection.fact.data["entrant"]
                if objection.outcome is None and known.entrant in (None, entrant):
                    yield Option(event_id, f"{known.name('entrant', entrant)} · {phase.rules.id} · {event_id}")


def _submissions(known: Known) -> Iterator[Option]:
    for phase in reversed(known.phases):
        for entrant, fact in phase.submissions.items():
            if known.entrant in (None, entrant):
                yield Option(
                    fact.event.id, f"{known.name('entrant', entrant)} · {fact.data['title']} · {fact.event.id}"
                )


def _acts(known: Known) -> Iterator[Option]:
    for event_id, phase, fact in awaiting_approval(known.state):
        if known.approvable is None or event_id in known.approvable:
            kind = fact.event.type.removeprefix("phasegate.").removesuffix(".v1")
            yield Option(event_id, f"{known.name('phase', phase)} · {kind} · {event_id}")


def _reopenings(known: Known) -> Iterator[Option]:
    for phase in reversed(known.phases):
        yield from (Option(row.opened.event.id, f"{phase.rules.id} · {row.number}") for row in phase.rounds[1:])


def _roles(known: Known) -> Iterator[Option]:
    for rules in known.rules:
        named = rules.approvals.values() if known.kind == "act.approved" else [duty.role for duty in rules.sign_off]
        yield from (Option(role, role) for role in named)


def _grounds(known: Known) -> Iterator[Option]:
    for rules in known.rules:
        for one in rules.objections.grounds if rules.objections is not None else ():
            yield Option(one, known.page.word("act-choice", one))


def _windows(known: Known) -> Iterator[Option]:
    for phase in known.phases:
        yield from (Option(name, known.page.word("window", name)) for name in phase.deadlines)


def _profiles(known: Known) -> Iterator[Option]:
    profiles = known.state.rulebook.profiles if known.state.rulebook is not None else ()
    yield from (Option(one.id, one.id) for one in profiles)


def _leaves(known: Known) -> Iterator[tuple[str, str, str]]:
    for phase in reversed(known.phases):
        for path, leaf in phase.rules.leaves.items():
            yield from ((phase.rules.id, path, item) for item in leaf.items)


def _criteria(known: Known) -> Iterator[Option]:
    yield from (Option(path, known.name("criterion", path)) for _, path, _ in _leaves(known))


def _items(known: Known) -> Iterator[Option]:
    yield from (Option(item, item) for _, _, item in _leaves(known))


def _slots(known: Known) -> Iterator[Option]:
    yield from (Option(f"{path}/{item}", f"{phase} · {path} / {item}") for phase, path, item in _leaves(known))


def _counts(known: Known) -> Iterator[Option]:
    for phase in reversed(known.phases):
        for gate in phase.rules.gates:
            if known.kind != "count.ticked" or gate.tick is not None:
                yield from (Option(f"{gate.id}/{one}", f"{phase.rules.id} · {gate.id} / {one}") for one in gate.counts)


_FINDERS: Mapping[str, Callable[[Known], Iterable[Option]]] = {
    "phase": _phases, "call": _calls, "entrant": _entrants, "entrants": _entrants, "order": _entrants,
    "evaluator": _evaluators, "panel": _panels, "decision": _decisions, "finding": _findings,
    "objection": _objections, "submission": _submissions, "supersedes": _submissions, "act": _acts,
    "reopening": _reopenings, "role": _roles, "grounds": _grounds, "window": _windows, "profile": _profiles,
    "criterion": _criteria, "item": _items, "entrant/criterion/item": _slots, "entrant/gate/count": _counts,
}  # fmt: skip
