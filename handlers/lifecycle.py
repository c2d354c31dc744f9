"""The states of a phase, and every way from one to another with the event that causes it; `take_in` keeps to them.

A status is read from what is recorded (`PhaseState.status`); this table says which changes of it can ever be right. One that
is not here stops the fold: the log was not judged by this code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from events.errors import Tampered
from events.names import TYPES
from handlers.evolve import evolve
from handlers.holes import can_follow, hide, is_touched
from handlers.readiness import NEVER_LAST, note_cut
from handlers.state import Fact, PhaseStatus, State

STATES: dict[PhaseStatus, str] = {
    "planned": "The rulebook has the phase; its intake is not open.",
    "open": "The intake of a round takes records until its windows are complete.",
    "intake-closed": "Nothing is owed, or nobody has said yet what is: the decision is due.",
    "held": "Something is owed, before the decision or on the way to its finality, and `phase.held` said what.",
    "decided": "There is a decision; it waits for signatures, objections, rulings and time.",
    "final": "The decision stands for good.",
}
"""In the order in which a phase goes through them, each with what it means."""


@dataclass(frozen=True, slots=True)
class Way:
    """From one state to another, by an event (its short name), and when that happens."""

    before: PhaseStatus
    event: str
    after: PhaseStatus
    when: str


_RESOLVES = {
    "ruling.issued": "the last ruling that was owed",
    "mark.waived": "the last marks that were missing are waived",
    "tie.resolved": "a person's choice breaks the tie",
    "act.approved": "a second person gives effect to the act that was waited for",
}
"""What can end a hold before the decision. Marks cannot: they need a further round."""

WAYS: tuple[Way, ...] = (
    Way("planned", "phase.opened", "open", "registration is complete; a call's phase has applicants"),
    Way("open", "intake.closed", "intake-closed", "every window of the round is complete"),
    Way("intake-closed", "phase.held", "held", "something that the rules ask for is missing"),
    *(Way("held", event, "intake-closed", when) for event, when in _RESOLVES.items()),
    Way("intake-closed", "phase.decided", "decided", "nothing is missing"),
    Way("decided", "phase.held", "held", "it was returned, or an objection waits for a ruling"),
    Way("held", "objection.ruled", "decided", "the last ruling on an objection"),
    Way("decided", "decision.finalised", "final", "signed, the time for objections complete, none upheld"),
    Way("intake-closed", "phase.reopened", "open", "the office computes the phase anew"),
    Way("held", "phase.reopened", "open", "the office computes the phase anew"),
    Way("decided", "phase.reopened", "open", "an upheld objection, a withdrawal, or the office"),
)
"""Every change of a phase's status."""

_ALLOWED = frozenset((way.before, way.event, way.after) for way in WAYS)


def take_in(state: State, fact: Fact) -> None:
    """Applies an accepted event, and notes what it completes. Raises Tampered where it changes the status of a phase in a
    way that is not in the table; of marks, which change none, nothing is asked, nor of phases of which a record is not there.
    """
    if state.holes and not can_follow(state, fact):
        hide(state, fact.topic, fact.event.type, "accepted")
        return
    if fact.event.type in NEVER_LAST:
        evolve(state, fact)
        return
    before = {phase_id: phase.status for phase_id, phase in state.phases.items()}
    evolve(state, fact)
    note_cut(state)
    event = TYPES[fact.event.type].short
    for phase_id, phase in state.phases.items():
        was, after = before.get(phase_id, "planned"), phase.status
        if was != after and (was, event, after) not in _ALLOWED and not (state.holes and is_touched(state, phase_id)):
            raise Tampered(
                f"{state.programme}: entry {fact.index} ({event} {fact.event.id}) takes {phase_id} from {was} to {after}",
                hint="no rule of judging allows it; replay shows where the log departs from the rules",
            )


def lines() -> Iterator[str]:
    """`docs/lifecycle.md`, line by line."""
    yield from _INTRODUCTION
    yield from ("| state | what it means |", "| --- | --- |")
    yield from (f"| `{name}` | {meaning} |" for name, meaning in STATES.items())
    yield from ("", "## As a picture", "", "```mermaid", "stateDiagram-v2", "    [*] --> planned")
    pairs: dict[tuple[str, str], list[str]] = {}
    for way in WAYS:
        pairs.setdefault((way.before, way.after), []).append(way.event)
    for (before, after), events in pairs.items():
        yield f"    {_node(before)} --> {_node(after)}: {', '.join(events)}"
    yield from ("    final --> [*]", "```", "", "## Every transition", "")
    yield from ("| from | event | to | when |", "| --- | --- | --- | --- |")
    yield from (f"| `{way.before}` | `{way.event}` | `{way.after}` | {way.when} |" for way in WAYS)
    yield from _NOTES


def _node(state: str) -> str:
    return state.replace("-", "_")


_INTRODUCTION = (
    "# The life of a phase",
    "",
    "Written from `handlers/lifecycle.py` by `make lifecycle`. A log whose fold makes any other change is refused as tampered",
    "with. What begins a further round: [architecture](architecture.md#rounds-and-how-a-decision-becomes-final).",
    "",
    "## States",
    "",
)

_NOTES = (
    "",
    "Withdrawals, recusals, annulled marks, returned decisions and signatures change no status by themselves: they change",
    "what the next event of the table rests on. A call's phase goes the same way; where nobody applies it stays `planned`.",
    "So does a phase that nobody reaches, or registered for: it is passed over once its registration is complete.",
    "",
)
