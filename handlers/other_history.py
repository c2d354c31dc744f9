"""Events of the pipeline in a log that was made again from Kafka: they say how they lay in the log before it.

A decision's `basis` and an `intake.closed` name the size and root of the log that they were made from. In a rebuilt log salts
and interleaving are new, so no size and no root of it can be the same (docs/decisions/0024).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from events.envelope import Envelope, decode, encode
from events.origins import is_other_history, is_rebuilt, origin_of
from handlers.state import Decision, State

_CLOSED = "phasegate.intake.closed.v1"
_OF_THE_LOG = {"log", "size", "root"}
"""What of a basis names a place in a log. The rulebook's digest and the engine stay to be compared."""


def as_said_before(recorded: Envelope, remade: bytes, log: str, programme: str) -> bytes:
    """What is remade, with the place in a log that the recorded event names, if that is another than this rebuilt one."""
    event = decode(remade)
    found = _place(recorded, log, programme)
    if recorded.type == _CLOSED:
        data = event.data | found
    else:
        data = event.data | ({"basis": (event.data.get("basis") or {}) | found} if found else {})
    return encode(replace(event, data=data))


def may_be_of_earlier(log: str, programme: str) -> bool:
    """Whether a size and root that do not say of which log they are, as in a closing or an attestation, may be those of a
    log before this one.
    """
    return is_rebuilt(origin_of(log, programme))


def size_decided_from(state: State, decision: Decision, log: str) -> int | None:
    """The size at which this log held what a decision was computed from: as its basis says, or in a rebuilt log where the round
    came to wait for nothing. None where that cannot be told any more, since records are not there.
    """
    basis = decision.fact.data["basis"]
    if not is_other_history(log, basis["log"], state.programme):
        return int(basis["size"])
    found = state.find_decision(decision.fact.event.id)
    return next((row.cut for row in found[0].rounds if row.decision is decision), None) if found else None


def _place(recorded: Envelope, log: str, programme: str) -> dict[str, Any]:
    """Size and root as recorded, where this log cannot have them. A closing does not say of which log they are."""
    if recorded.type == _CLOSED:
        return {name: recorded.data[name] for name in ("size", "root")} if may_be_of_earlier(log, programme) else {}
    basis = recorded.data.get("basis")
    if not isinstance(basis, dict) or not is_other_history(log, basis.get("log"), programme):
        return {}
    return {name: basis[name] for name in _OF_THE_LOG}
