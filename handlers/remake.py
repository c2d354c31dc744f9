"""Making the pipeline's own events again during a replay, at the points of the log where each was due."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from events.decisions import Basis
from events.envelope import Envelope, encode
from events.names import TYPES
from events.record import TOPICS, partition_for
from handlers import decide, decide_course
from handlers.course import entrants_of, vacant_places
from handlers.hearings import reopening
from handlers.readiness import owed_now
from handlers.reasons import Unresolved
from handlers.recording import Draft
from handlers.rests import is_decision_doubtful
from handlers.screen import screened
from handlers.state import PhaseState, State
from handlers.transition import (
    ConcludeProgramme,
    FinaliseDecision,
    HoldPhase,
    MarkWindow,
    OpenCall,
    OpenPhase,
    PublishFigures,
    ReopenPhase,
)
from handlers.verdicts import Accepted
from handlers.windows import deadline, earlier_deadlines

_CLOSING_RESTS_ON = ("phasegate.intake.marked.v1", "phasegate.phase.opened.v1")


class Remaker:
    """Follows a state that somebody else folds, and knows at each entry what the pipeline may rightly say."""

    def __init__(
        self,
        state: State,
        origin: str,
        partitions: int,
        attribute: Callable[[str, int, int], Iterable[tuple[int, str]]] | None,
    ) -> None:
        self._partition = partition_for(state.programme.encode(), partitions)
        self._state = state
        self._origin = origin
        self._attribute = attribute
        self._marked_roots: dict[int, bytes] = {}
        self._decided: dict[tuple[str, int], dict[str, bytes]] = {}
        self._held: dict[str, set[tuple[tuple[Unresolved, ...], int]]] = {}

    def saw_entry(self, draft: Draft, root: Callable[[], bytes]) -> None:
        """Notes what an entry makes due. `root` is of the tree with that entry."""
        if draft.type in _CLOSING_RESTS_ON:
            self._marked_roots[draft.index + 1] = root()
        if not isinstance(draft.verdict, Accepted) or draft.record.topic == "scores":
            return
        for phase_id, phase in self._state.phases.items():
            if phase.closed is None or (self._state.holes and is_decision_doubtful(self._state, phase_id)):
                continue
            key = (phase_id, phase.round.number)
            if phase.cut == self._state.size and key not in self._decided:
                self._decided[key] = self._decide(phase_id, root())
            if owed := owed_now(self._state, phase):
                self._held.setdefault(phase_id, set()).add((owed, decide.held_since_ms(self._state, phase)))

    def _basis(self, size: int, root: bytes, rules: State | PhaseState) -> Basis:
        assert rules.engine is not None  # There are rules.
        return Basis(log=self._origin, size=size, root=root.hex(), rulebook=rules.digest, engine=rules.engine.id)

    def _decide(self, phase_id: str, root: bytes) -> dict[str, bytes]:
        state = self._state
        basis = self._basis(state.size, root, state.phases[phase_id])
        return {event.id: encode(event) for _, event in decide.phase_decided(state, phase_id, basis)}

    def has_decided(self, event: Envelope) -> bool:
        """The decision that this event belongs to, or would, was made when its phase waited for nothing any more."""
        phase = self._state.phases.get(str(event.data.get("phase", "")))
        return phase is not None and event.id in self._decided.get((phase.rules.id, phase.round.number), {})

    def remake(self, topic: str, event: Envelope) -> list[bytes]:
        """What the pipeline may say in this event's place: empty when nothing was due."""
        phase_id = str(event.data.get("phase", ""))
        phase = self._state.phases.get(phase_id)
        match TYPES[event.type].short:
            case "intake.marked":
                return self._marker(topic, event)
            case "phase.opened":
                return self._opened(phase_id)
            case "finding.recorded":
                return [encode(e) for e in screened(self._state, phase) if e.id == event.id] if phase else []
            case "intake.closed":
                return self._closed(phase, event) if phase else []
            case "phase.held":
                return self._holds(phase_id, event)
            case "entrant.assessed" | "phase.decided":
                remade = self._decided.get((phase_id, phase.round.number), {}).get(event.id) if phase else None
                return [remade] if remade is not None else []
            case "decision.finalised" | "figures.published":
                return self._of_decision(event)
            case "call.opened" | "call.decided":
                return self._of_call(event)
            case _:
                return self._of_course(phase, event)

    def _marker(self, topic: str, event: Envelope) -> list[bytes]:
        """Also of a deadline that was moved while a flow marked it."""
        data = event.data
        window = (data["phase"], data["window"])
        now_ms = deadline(self._state, *window)
        ends = earlier_deadlines(self._state, *window) | ({now_ms} if now_ms is not None else set())
        commands = [MarkWindow(*window, last_ms, ((topic, data["attempt"]),)) for last_ms in sorted(ends)]
        return [encode(remade) for c in commands for _, remade in decide.markers_of(self._state, c)]

    def _opened(self, phase_id: str) -> list[bytes]:
        rules = self._state.rulebook.find_phase(phase_id) if self._state.rulebook else None
        if rules is None or rules.opens is None:
            return []
        command = OpenPhase(phase_id, entrants_of(self._state, rules))
        return [encode(decide.phase_opened(self._state, command)[1])]

    def _closed(self, phase: PhaseState, event: Envelope) -> list[bytes]:
        state, size = self._state, decide.closing_size(self._state, phase)
        partition = self._partition
        stops = decide.closing_offsets(state, phase)
        if self._attribute is None:
            digest = str(event.data["attribution"])  # Other logs are not at hand; whoever asks is told so.
        else:
            rows = [(topic, partition, self._attribute(topic, partition, stops[topic])) for topic in TOPICS]
            digest = decide.attribution_digest(state.programme, rows, stops)
        root = self._marked_roots.get(size, b"").hex()
        return [encode(decide.intake_closed(state, phase.rules.id, partition, root, digest)[1])]

    def _holds(self, phase_id: str, event: Envelope) -> list[bytes]:
        ordinal = len(self._state.phases[phase_id].held)
        return [
            encode(decide.phase_held(self._state, HoldPhase(phase_id, owed, ordinal), caused_ms)[1])
            for owed, caused_ms in self._held.get(phase_id, ())
        ]

    def _of_decision(self, event: Envelope) -> list[bytes]:
        found = self._state.find_decision(event.data["decision"])
        if found is None:
            return []
        phase_id, decision_id = found[0].rules.id, event.data["decision"]
        if "profile" in event.data:
            command = PublishFigures(phase_id, decision_id, event.data["profile"])
            return [encode(decide_course.figures_published(self._state, command)[1])]
        return [encode(decide.decision_finalised(self._state, FinaliseDecision(phase_id, decision_id))[1])]

    def _of_call(self, event: Envelope) -> list[bytes]:
        state, call_id = self._state, event.data["call"]
        rules = state.rulebook.find_phase(call_id) if state.rulebook else None
        if rules is None or rules.call is None:
            return []
        if "selected" not in event.data:
            return [encode(decide_course.call_opened(state, OpenCall(call_id, vacant_places(state, rules)))[1])]
        basis = None
        if call_id not in state.phases:
            size = decide_course.applications_size(state, call_id)
            basis = self._basis(size, self._marked_roots.get(size, b""), state)
        return [encode(decide_course.call_decided(state, call_id, basis)[1])]

    def _of_course(self, phase: PhaseState | None, event: Envelope) -> list[bytes]:
        """A reopening, an award, or the conclusion; the pipeline says nothing else."""
        state, name = self._state, TYPES[event.type].short
        if name == "phase.reopened" and phase is not None:
            return self._reopened(phase, event)
        if name == "award.granted" and phase is not None and phase.rules.awards is not None:
            return [encode(decide_course.award_granted(state, phase.rules.id, event.data["entrant"])[1])]
        if name == "programme.concluded" and state.rulebook is not None:
            command = ConcludeProgramme(state.rulebook.phases[-1].id)
            return [encode(decide_course.programme_concluded(state, command)[1])]
        return []

    def _reopened(self, phase: PhaseState, event: Envelope) -> list[bytes]:
        """Seen when the reopening is known already, so the round before it is what it was made from."""
        present = phase.rounds.pop()
        try:
            again = reopening(self._state, phase)
            if again is None:
                return []
            command = ReopenPhase(phase.rules.id, again.reason, again.causes, again.until_ms)
            return [encode(decide_course.phase_reopened(self._state, command)[1])]
        finally:
            phase.rounds.append(present)
