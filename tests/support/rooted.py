"""A log whose closings and decisions name true roots, so that it can be replayed like one from a ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from events import merkle
from events.decisions import Basis
from events.envelope import Envelope
from events.record import Record
from handlers import decide, decide_course
from handlers.due import due
from handlers.engine import Engine
from handlers.fold import fold
from handlers.replay import Replay
from handlers.replay_report import Report
from handlers.state import PhaseState, State
from handlers.transition import CloseIntake, DecideCall, DecidePhase, Transition
from tests.support import small
from tests.support.log import DEPLOYMENT, PARTITION, Log, Stored, record_of
from tests.support.stage import ORIGIN

NAME = f"{ORIGIN}/{small.PROGRAMME}"


@dataclass
class RootedLog(Log):
    """`roots` are by the size of the tree. The attribution of a closing is left at zero: no other logs are at hand."""

    roots: dict[int, str] = field(default_factory=dict)
    stack: list[bytes] = field(default_factory=list)

    def root(self, size: int) -> str:
        while len(self.roots) < len(self.stored):
            place = len(self.roots)
            merkle.append(self.stack, place, merkle.leaf_hash(self.stored[place].entry))
            self.roots[place + 1] = merkle.root(self.stack).hex()
        return self.roots[size]

    def basis(self, size: int, rules: State | PhaseState) -> Basis:
        assert rules.engine is not None
        return Basis(log=NAME, size=size, root=self.root(size), rulebook=rules.digest, engine=rules.engine.id)

    def events(self, transition: Transition) -> Sequence[tuple[str, Envelope]]:
        state = self.state
        match transition:
            case CloseIntake(phase_id):
                root = self.root(decide.closing_size(state, state.phases[phase_id]))
                return [decide.intake_closed(state, phase_id, PARTITION, root, "0" * 64)]
            case DecidePhase(phase_id, cut):
                basis = self.basis(cut, state.phases[phase_id])
                return decide.phase_decided(fold(small.PROGRAMME, self.stored[:cut], state.engines), phase_id, basis)
            case DecideCall(call_id):
                basis_of_none = None
                if call_id not in state.phases:
                    basis_of_none = self.basis(decide_course.applications_size(state, call_id), state)
                return [decide_course.call_decided(state, call_id, basis_of_none)]
            case _:
                return super().events(transition)

    def progress(self, now_ms: int) -> list[Transition]:
        """As a log does; what stays due after it was done is an error, not a loop without end."""
        done: list[Transition] = []
        while (transition := due(self.state, now_ms)) is not None:
            assert transition not in done[-3:], f"{transition} was done, and is due again"
            self.tell(*(record_of(event, topic, at=now_ms) for topic, event in self.events(transition)))
            done.append(transition)
        return done

    def due_now(self, now_ms: int) -> list[Record]:
        """What the pipeline publishes for the one thing that is due first, not recorded yet."""
        transition = due(self.state, now_ms)
        assert transition is not None
        return [record_of(event, topic, at=now_ms) for topic, event in self.events(transition)]

    def replay(self) -> Report:
        """Every verdict and every event of the pipeline made again."""
        return replayed(self.stored, self.state.engines)

    def outcome(self, phase: str = "heat") -> dict[str, str]:
        """What the decision in force says became of everybody."""
        decision = self.state.phases[phase].in_force
        assert decision is not None
        return {row["entrant"]: row["outcome"] for row in decision.fact.data["outcomes"]}

    def assessment(self, team: str, phase: str = "heat") -> dict[str, Any]:
        """What the decision in force rests on, for one entrant."""
        state = self.state.phases[phase]
        decision = state.in_force
        assert decision is not None
        rows = [state.assessed[event_id].data for event_id in decision.fact.data["assessments"]]
        return next(deepcopy(row) for row in rows if row["entrant"] == team)

    def total(self, team: str, phase: str = "heat") -> str:
        return str(self.assessment(team, phase)["scores"]["total"]["value"])

    def codes(self, team: str, phase: str = "heat") -> list[str]:
        return [row["code"] for row in self.assessment(team, phase)["reasons"]]

    def owed(self, phase: str = "heat") -> list[tuple[str, str]]:
        """What the phase was last held for: code and who owes it."""
        return [(row["code"], row["who"]) for row in self.state.phases[phase].held[-1].data["missing"]]


def replayed(entries: Sequence[Stored], engines: Mapping[str, Engine] | None = None) -> Report:
    replay = Replay(small.PROGRAMME, NAME, DEPLOYMENT, engines=engines)
    for stored in entries:
        replay.feed(stored)
    return replay.finish()
