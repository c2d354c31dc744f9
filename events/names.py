"""The one table of stored names. A name is written here once, by hand, with its version and its topics, and never changes.

A change of shape is a new version with a step in `events.upcast`; the old name stays readable for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from events import audits, decisions, scores, submissions
from events.fields import Payload
from events.record import TOPICS

PREFIX = "phasegate."


@dataclass(frozen=True, slots=True)
class EventType:
    """A stored name, where it may stand, and the shape of its data. `office` marks what only the office's key may say."""

    name: str
    topics: tuple[str, ...]
    model: type[Payload]
    office: bool = False

    short: str = field(init=False)
    """The name without prefix and version, as rulebooks use it: `score.recorded`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "short", self.name.removeprefix(PREFIX).rsplit(".", 1)[0])


_TABLE = (
    EventType("phasegate.intake.marked.v1", TOPICS, decisions.IntakeMarked, office=True),
    EventType("phasegate.entrant.registered.v1", ("submissions",), submissions.EntrantRegistered),
    EventType("phasegate.submission.received.v1", ("submissions",), submissions.SubmissionReceived),
    EventType("phasegate.entrant.withdrawn.v1", ("submissions",), submissions.EntrantWithdrawn),
    EventType("phasegate.invitation.declined.v1", ("submissions",), submissions.InvitationDeclined),
    EventType("phasegate.rebuttal.filed.v1", ("submissions",), submissions.RebuttalFiled),
    EventType("phasegate.score.recorded.v1", ("scores",), scores.ScoreRecorded),
    EventType("phasegate.score.corrected.v1", ("scores",), scores.ScoreCorrected),
    EventType("phasegate.finding.recorded.v1", ("audits",), audits.FindingRecorded),
    EventType("phasegate.ruling.issued.v1", ("audits",), audits.RulingIssued),
    EventType("phasegate.programme.announced.v1", ("decisions",), decisions.ProgrammeAnnounced, office=True),
    EventType("phasegate.evaluator.appointed.v1", ("decisions",), decisions.EvaluatorAppointed, office=True),
    EventType("phasegate.phase.opened.v1", ("decisions",), decisions.PhaseOpened, office=True),
    EventType("phasegate.intake.closed.v1", ("decisions",), decisions.IntakeClosed, office=True),
    EventType("phasegate.phase.held.v1", ("decisions",), decisions.PhaseHeld, office=True),
    EventType("phasegate.entrant.assessed.v1", ("decisions",), decisions.EntrantAssessed, office=True),
    EventType("phasegate.phase.decided.v1", ("decisions",), decisions.PhaseDecided, office=True),
    EventType("phasegate.decision.signed.v1", ("decisions",), decisions.DecisionSigned),
    EventType("phasegate.decision.finalised.v1", ("decisions",), decisions.DecisionFinalised, office=True),
)

TYPES: Mapping[str, EventType] = {row.name: row for row in _TABLE}
"""Every stored name of the present version."""
