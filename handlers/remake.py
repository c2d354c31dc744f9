"""Making the pipeline's own events again during a replay, at the points of the log where each was due."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from events.decisions import Basis
from events.envelope import Envelope, encode
from events.names import TYPES
from events.record import TOPICS, partition_for
from handlers import decide
from handlers.due import FinaliseDecision, HoldPhase, MarkWindow, OpenPhase, eligible
from handlers.readiness import all_owed
from handlers.reasons import Unresolved
from handlers.recording import Draft
from handlers.screen import screened
from handlers.state import PhaseState, State
from handlers.verdicts import Accepted
from handlers.windows import deadline

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
        self._decided: dict[str, dict[str, bytes]] = {}
        self._held: dict[str, dict[tuple[Unresolved, ...], int]] = {}

    def saw_entry(self, draft: Draft, root: Callable[[], bytes]) -> None:
        """Notes what an entry makes due. `root` is of the tree with that entry."""
        if draft.type in _CLOSING_RESTS_ON:
            self._marked_roots[draft.index + 1] = root()
        if not isinstance(draft.verdict, Accepted) or draft.record.topic == "scores":
            return
        for phase_id, phase in self._state.phases.items():
            if phase.closed is None:
                continue
            if phase.cut == self._state.size and phase_id not in self._decided:
                self._decided[phase_id] = self._decide(phase_id, root())
            if phase.cut is None:
                owed = tuple(all_owed(self._state, phase))
                self._held.setdefault(phase_id, {}).setdefault(owed, decide.caused_ms(self._state, phase))

    def _decide(self, phase_id: str, root: bytes) -> dict[str, bytes]:
        state = self._state
        basis = Basis(log=self._origin, size=state.size, root=root.hex(), rulebook=state.digest, engine=decide.ENGINE)
        return {event.id: encode(event) for _, event in decide.phase_decided(state, phase_id, basis)}

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
                remade = self._decided.get(phase_id, {}).get(event.id)
                return [remade] if remade is not None else []
            case "decision.finalised":
                return self._finalised(event)
            case _:
                return []  # The pipeline says nothing else.

    def _marker(self, topic: str, event: Envelope) -> list[bytes]:
        data = event.data
        last_ms = deadline(self._state, data["phase"], data["window"])
        if last_ms is None:
            return []
        command = MarkWindow(data["phase"], data["window"], last_ms, ((topic, data["attempt"]),))
        return [encode(remade) for _, remade in decide.markers_of(self._state, command)]

    def _opened(self, phase_id: str) -> list[bytes]:
        rules = self._state.rulebook.find_phase(phase_id) if self._state.rulebook else None
        if rules is None or rules.opens is None:
            return []
        command = OpenPhase(phase_id, eligible(self._state, rules))
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
            for owed, caused_ms in self._held.get(phase_id, {}).items()
        ]

    def _finalised(self, event: Envelope) -> list[bytes]:
        found = self._state.find_decision(event.data["decision"])
        if found is None:
            return []
        command = FinaliseDecision(found[0].rules.id, event.data["decision"])
        return [encode(decide.decision_finalised(self._state, command)[1])]
