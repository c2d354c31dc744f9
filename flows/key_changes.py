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
from flows.wiring import Parts

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
    parts: Parts,
    programme: str,
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
    rulebook = parts.reader().state(programme).rulebook
    rows = rulebook.sources if rulebook is not None else ()
    office = next((row.source for row in rows if row.role == "office"), f"urn:phasegate:{programme}:office")
    about, vkey, start, name = (
        source or pipeline_source(programme),
        format_vkey(key),
        format_instant(from_ms),
        _TYPES[change],
    )
    data = {"source": about, "key": vkey, "from": start, "reason": reason}
    event_id = derived_id(programme, name, "", f"{about} {vkey} {start} {reason}", 1)
    event = Envelope(event_id, office, name, programme, start, data)
    stamp_ms = from_ms if parts.bus.clock == "scenario" else None
    return Recorded(event, tuple(parts.office().publish([(topic, event) for topic in TOPICS], stamp_ms)))
