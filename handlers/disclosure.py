"""What of a log is shown to whom. Everybody sees that a record is there, its type, time and verdict, since entries are public;
a disclosure says whose content is shown as well.

Public is what a ministry would print: rules, course, outcomes with reasons, and the figures of one profile. Marks,
findings, assessments, names of persons and texts of teams are not. What was refused is never shown: a sender can write
anything into it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from events.envelope import Envelope
from events.names import TYPES

PUBLIC = frozenset({
    "programme.announced", "rulebook.amended", "phase.opened", "window.extended", "intake.marked", "intake.closed",
    "phase.reopened", "phase.decided", "decision.signed", "decision.finalised", "call.opened", "call.decided",
    "award.granted", "programme.concluded", "key.rotated", "key.revoked", "record.erased",
})  # fmt: skip
"""Short names whose content everybody may see. None of them holds a score."""


def _is_public(name: str, data: Mapping[str, Any]) -> bool:
    """An attestation too, unless it tells what came out differently: that may be a mark."""
    return name in PUBLIC or (name == "replay.attested" and data["result"] == "identical")


_OWN = frozenset({
    "entrant.registered", "submission.received", "entrant.withdrawn", "application.received", "rebuttal.filed",
    "objection.filed", "score.recorded", "finding.recorded", "count.ticked", "recognition.voted",
    "reproduction.reported", "entrant.assessed", "mark.waived",
})  # fmt: skip
"""Short names whose `entrant` may see the content."""

_ABOUT: Mapping[str, str] = {
    "score.corrected": "score", "score.voided": "score", "ruling.issued": "finding", "objection.ruled": "objection",
    "objection.withdrawn": "objection", "submission.withdrawn": "submission",
}  # fmt: skip
"""Short names that refer to an event, and the member that does: shown to whom that event is shown."""

Disclosure = Callable[[Envelope], bool]
"""Whether the content of an accepted event is shown. Asked in the order of the log."""


def to_everybody(profile: str) -> Disclosure:
    """What is public, with the figures that this profile shows and no others."""

    def shows(event: Envelope) -> bool:
        name = TYPES[event.type].short if event.type in TYPES else ""
        return _is_public(name, event.data) or (name == "figures.published" and event.data["profile"] == profile)

    return shows


def to_entrant(entrant: str) -> Disclosure:
    """What is public, and everything that one entrant said, was given, or was told. Evaluators stand under their
    pseudonyms, as everywhere.
    """
    shown: set[str] = set()

    def shows(event: Envelope) -> bool:
        name = TYPES[event.type].short if event.type in TYPES else ""
        data: Mapping[str, Any] = event.data
        own = (name in _OWN and data.get("entrant") == entrant) or data.get(_ABOUT.get(name, "")) in shown
        if own:
            shown.add(event.id)
        return own or _is_public(name, data)

    return shows
