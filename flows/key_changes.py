"""Changes of keys as events: the same bytes on all four topics, signed by the office, and seen recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from events.derived import derived_id, log_source, pipeline_source
from events.entry import Entry
from events.envelope import Envelope
from events.note import VerifierKey, format_vkey
from events.record import TOPICS
from events.values import format_instant
from flows.office import Office
from handlers.state import State

Change = Literal["rotate", "revoke"]
_TYPES = {"rotate": "phasegate.key.rotated.v1", "revoke": "phasegate.key.revoked.v1"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A change with its first entries, one of each topic; `duplicate` where it was there already."""

    event: Envelope
    entries: tuple[Entry, ...]


def about_log(programme: str) -> str:
    """Whom a change of the key of the checkpoints is said of."""
    return log_source(programme)


def change_key(
    office: Office,
    state: State,
    change: Change,
    key: VerifierKey,
    from_ms: int,
    *,
    reason: str,
    source: str | None = None,
) -> Recorded:
    """Says it on every topic; of the office's keys without a `source`. Saying the same again, also after a crash between
    topics, changes nothing: the id follows from what is said. Raises Refused where the recorder refuses it.
    """
    programme = state.programme
    speaker = next((row.source for row in state.sources.values() if row.role == "office"), None)
    about, vkey, start, name = (
        source or pipeline_source(programme),
        format_vkey(key),
        format_instant(from_ms),
        _TYPES[change],
    )
    data = {"source": about, "key": vkey, "from": start, "reason": reason}
    event_id = derived_id(programme, name, "", f"{about} {vkey} {start} {reason}", 1)
    event = Envelope(event_id, speaker or f"urn:phasegate:{programme}:office", name, programme, start, data)
    stamp_ms = from_ms if office.bus.clock == "scenario" else None
    return Recorded(event, tuple(office.publish([(topic, event) for topic in TOPICS], stamp_ms)))
