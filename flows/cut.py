"""A phase as it was when it was decided, read from its log."""

from __future__ import annotations

from dataclasses import dataclass

from events.errors import NotFound, Refused
from flows.reader import Moment
from flows.reading import Reading
from handlers.other_history import size_decided_from
from handlers.readiness import owed_now
from handlers.stability.inputs import Inputs, inputs_of
from handlers.state import State


@dataclass(frozen=True, slots=True)
class AtCut:
    """The inputs of a phase's decision at `size` entries of its log; where it is not decided, as they are so far. `owed` is
    what it still waits for then.
    """

    inputs: Inputs
    size: int
    status: str
    is_decided: bool
    owed: tuple[dict[str, str], ...]


def inputs_at_cut(reading: Reading, programme: str, phase_id: str, at: Moment | None) -> AtCut:
    """Raises NotFound for a phase that is not open yet, Refused for one of which nobody advances, or whose records are not
    there any more.
    """
    state = reading.state(programme, at)
    phase = state.phases.get(phase_id)
    if phase is None:
        known = ", ".join(state.phases) or "none"
        raise NotFound(
            f"{programme} has no phase {phase_id!r} that was opened; opened: {known}",
            hint="phasegate status PROGRAMME shows the phases",
        )
    if phase.rules.advance is None:
        raise Refused(f"nobody advances from {phase_id}: its rules have no `advance`, so no outcome can change")
    decision, status = phase.decision, phase.status
    if decision is None:
        owed = tuple(row.data() for row in owed_now(state, phase))
        return AtCut(inputs_of(state, phase), state.size, status, is_decided=False, owed=owed)
    size = size_decided_from(state, decision, reading.head(programme).origin)
    if size is None:
        raise Refused(
            f"the decision of {phase_id} rests on records that are not in the log any more",
            hint="this log was made again from Kafka; the log before it says from which of its entries it was decided",
        )
    cut: State = reading.reader.prefix(programme, size).state
    return AtCut(inputs_of(cut, cut.phases[phase_id]), cut.size, status, is_decided=True, owed=())
