"""What anybody may say at any time in the long cup, drawn by chance: from what is on record, and sometimes from nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random

from events.envelope import Envelope
from handlers.places import REFUSED
from handlers.readiness import competing, phase_marks
from handlers.seats import phase_seats
from handlers.state import Decision, PhaseState, State
from tests.support import long_cup, small
from tests.support.long_cup import DAY, DIRECTOR, FRESH, JURY, MINISTER, NEWCOMERS, OFFICE, TEAMS
from tests.support.long_told import (
    annulled,
    answered,
    applied,
    appointed,
    approved,
    conflict,
    corrected,
    extended,
    found,
    heard,
    mark,
    objected,
    recused,
    registered,
    reopened,
    requeued,
    returned,
    ruled,
    signed,
    submitted,
    ticked,
    tie,
    took_back,
    voided,
    voted,
    waived,
    withdrawn,
)

EVERYBODY = (*TEAMS, *NEWCOMERS)


class Walker:
    """Draws events from `dice`; `at` is the instant in days. Every event has an id of its own."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.said = 0

    def new_id(self) -> str:
        self.said += 1
        return f"said-{self.said}"

    def one_of(self, known: Iterator[str] | Mapping[str, object] | tuple[str, ...] | list[str]) -> str:
        """Something known, or now and then something that is not."""
        rows = list(known)
        return self.dice.choice(rows) if rows and self.dice.random() < 0.95 else "nothing"

    def say(self, kind: str, state: State, at: float) -> Envelope:
        """An event of a kind, about the phase that is on its way or another."""
        phases = list(state.phases.values())
        phase = self.dice.choice(phases[-1:] * 4 + phases) if phases else None
        return SAYINGS[kind](self, state, phase, at)

    def decisions(self, state: State) -> list[tuple[str, Decision]]:
        return [(name, row) for name, phase in state.phases.items() for row in phase.decisions.values()]

    def team(self) -> str:
        return self.dice.choice(EVERYBODY)

    def judge(self) -> str:
        return self.dice.choice((*JURY, "dee"))

    def later(self, at: float) -> float:
        return at + self.dice.choice((0, 1, 3, 8))

    def reopening(self, phase: PhaseState | None) -> str:
        return phase.round.opened.event.id if phase is not None and phase.round.number > 1 else ""


def _name(phase: PhaseState | None) -> str:
    return phase.rules.id if phase is not None else "heat"


def _mark(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    who = walk.dice.choice((*JURY, "dee", "bench"))
    value = str(walk.dice.randint(0, 41))
    names = {"phase": _name(phase), "event_id": walk.new_id(), "reopening": walk.reopening(phase)}
    return mark(walk.team(), who, at, value, **names)


def _corrected(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    target = walk.one_of(phase.slot_of if phase is not None else ())
    value = str(walk.dice.randint(0, 40))
    return corrected(walk.new_id(), target, at, value, reopening=walk.reopening(phase))


def _voided(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    return voided(walk.new_id(), walk.one_of(phase.slot_of if phase is not None else ()), at)


def _waived(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    which = {"entrant": walk.team()} if walk.dice.random() < 0.5 else {"evaluator": walk.judge()}
    return waived(walk.new_id(), at, phase=_name(phase), source=walk.dice.choice((OFFICE, DIRECTOR)), **which)


def _tie(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    entrants = list(phase.entrants) if phase is not None else list(TEAMS)
    walk.dice.shuffle(entrants)
    return tie(walk.new_id(), at, *(entrants if len(entrants) > 1 else TEAMS[:2]), phase=_name(phase))


def _signed(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    number = phase.round.number if phase is not None else 1
    role = walk.dice.choice(("director", "minister"))
    (said,) = signed(at, role, phase=_name(phase), number=walk.dice.choice((number, number, number, 1)))
    return _renamed(said, walk.new_id())


def _renamed(said: Envelope, event_id: str) -> Envelope:
    return Envelope(event_id, said.source, said.type, said.subject, said.time, said.data)


def _objected(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    rows = walk.decisions(state)
    if not rows:
        return objected(walk.new_id(), walk.team(), at)
    name, row = walk.dice.choice(rows[-2:])
    return objected(walk.new_id(), walk.team(), at, number=row.number, phase=name)


def _objections(state: State) -> list[str]:
    return [
        event_id for phase in state.phases.values() for row in phase.decisions.values() for event_id in row.objections
    ]


def _heard(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    outcome = walk.dice.choice(("upheld", "dismissed"))
    by = walk.dice.choice((FRESH, FRESH, FRESH, "urn:jury:ann:fresh"))
    return heard(walk.new_id(), walk.one_of(_objections(state)), at, outcome, by=by)


def _took_back(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    return took_back(walk.new_id(), walk.one_of(_objections(state)), walk.team(), at)


def _approved(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    return approved(walk.new_id(), walk.one_of(state.acts), at, walk.dice.choice((DIRECTOR, DIRECTOR, MINISTER)))


def _found(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    return found(walk.new_id(), walk.team(), at, verdict=walk.dice.choice(("met", "not-met", "undetermined")))


def _ruled(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    findings = [event_id for row in state.phases.values() for event_id in row.findings]
    return ruled(walk.new_id(), walk.one_of(findings), at, walk.dice.choice(("met", "not-met")))


def _answered(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    findings = [event_id for row in state.phases.values() for event_id in row.findings]
    return answered(walk.new_id(), walk.one_of(findings), walk.team(), at)


def _extended(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    window = walk.dice.choice(("submissions", "scores", "audits"))
    return extended(walk.new_id(), window, at, walk.later(at), _name(phase))


def _reopened(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    return reopened(walk.new_id(), at, walk.later(at), _name(phase))


def _returned(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    number = phase.round.number if phase is not None else 1
    return returned(walk.new_id(), at, walk.dice.choice(("director", "minister")), number, _name(phase))


def _registered(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    return _renamed(registered(walk.team(), at), walk.new_id())


def _submitted(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    return _renamed(submitted(walk.team(), at, _name(phase)), walk.new_id())


def _amended(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    """Nothing that a record of another topic is judged by."""
    latest = state.amended[-1] if state.amended else state.announced
    assert latest is not None
    document = {**latest.data["rulebook"]}
    *before, finale = document["phases"]
    rule = walk.dice.choice(("vacancy", "next-in-line"))
    document["phases"] = [*before, {**finale, "advance": {"places": "1", "withdrawn": rule}}]
    return long_cup.amended(walk.new_id(), at, document, "finale", str(len(state.amended) + 2))


def _requeued(walk: Walker, state: State, phase: PhaseState | None, at: float) -> Envelope:
    """Mostly of what was refused; now and then of anything, or of a place that nothing stands at yet."""
    known = [
        (topic, partition, offset, scope)
        for (topic, partition), places in state.places.items()
        for offset, scope in places.items()
    ]
    refused = [row for row in known if row[3] == REFUSED]
    topic, partition, offset, _ = walk.dice.choice(refused if refused and walk.dice.random() < 0.7 else known)
    return requeued(walk.new_id(), (topic, partition, offset + walk.dice.choice((0, 0, 0, 1))), at)


Saying = Callable[[Walker, State, PhaseState | None, float], Envelope]

SAYINGS: Mapping[str, Saying] = {
    "score.recorded": _mark,
    "score.corrected": _corrected,
    "score.voided": _voided,
    "marks.annulled": lambda w, s, p, at: annulled(w.new_id(), w.judge(), at, phase=_name(p)),
    "evaluator.recused": lambda w, s, p, at: recused(w.new_id(), w.dice.choice(JURY), at, w.team()),
    "conflict.declared": lambda w, s, p, at: conflict(w.new_id(), w.dice.choice(JURY), at, w.team()),
    "evaluator.appointed": lambda w, s, p, at: _renamed(appointed(w.judge(), at), w.new_id()),
    "mark.waived": _waived,
    "tie.resolved": _tie,
    "act.approved": _approved,
    "decision.signed": _signed,
    "decision.returned": _returned,
    "phase.reopened": _reopened,
    "objection.filed": _objected,
    "objection.ruled": _heard,
    "objection.withdrawn": _took_back,
    "finding.recorded": _found,
    "ruling.issued": _ruled,
    "rebuttal.filed": _answered,
    "count.ticked": lambda w, s, p, at: ticked(
        w.new_id(), w.dice.choice(JURY), w.team(), at, not_met=w.dice.random() < 0.7
    ),
    "recognition.voted": lambda w, s, p, at: voted(
        w.dice.choice(JURY), w.team(), at, w.dice.choice(("yes", "yes", "no"))
    ),
    "window.extended": _extended,
    "entrant.registered": _registered,
    "entrant.withdrawn": lambda w, s, p, at: _renamed(withdrawn(w.team(), at), w.new_id()),
    "submission.received": _submitted,
    "application.received": lambda w, s, p, at: applied(w.team(), at, w.new_id()),
    "rulebook.amended": _amended,
    "record.requeued": _requeued,
}


def what_is_owed(walk: Walker, state: State, at: float) -> Iterator[Envelope]:
    """What people would do of themselves: hand in, mark, vote, rule, sign. So a walk comes further than its first hold."""
    for phase in state.phases.values():
        if phase.closed is None:
            yield from _of_the_intake(walk, state, phase, at)
        elif phase.decision is not None and phase.decision.finalised is None and phase.decision.returned is None:
            roles = [duty.role for duty in phase.rules.sign_off if duty.role not in phase.decision.signatures]
            for said in signed(at, *roles, phase=phase.rules.id, number=phase.round.number) if roles else ():
                yield _renamed(said, walk.new_id())
            for event_id, row in phase.decision.objections.items():
                if row.outcome is None:
                    yield heard(walk.new_id(), event_id, at, walk.dice.choice(("upheld", "dismissed", "dismissed")))
        for event_id, finding in phase.findings.items():
            if finding.needs_ruling and not finding.rulings:
                yield ruled(walk.new_id(), event_id, at, walk.dice.choice(("met", "not-met")))


def _of_the_intake(walk: Walker, state: State, phase: PhaseState, at: float) -> Iterator[Envelope]:
    name = phase.rules.id
    if at * DAY + small.OPENS <= phase.deadlines.get("submissions", 0):
        for team in phase.entrants:
            if team not in phase.submissions:
                yield _renamed(submitted(team, at, name), walk.new_id())
        return
    marks, reopening = phase_marks(state, phase), walk.reopening(phase)
    for criterion, seated in phase_seats(state, phase).items():
        for team in competing(state, phase):
            for who in seated:
                if (team, criterion, next(iter(phase.rules.leaves[criterion].items)), who) not in marks:
                    value = str(walk.dice.randint(0, 4) * 10)
                    yield mark(team, who, at, value, phase=name, event_id=walk.new_id(), reopening=reopening)
    if phase.rules.call is not None:
        yield from (_renamed(voted(who, team, at), walk.new_id()) for team in phase.entrants for who in JURY)
