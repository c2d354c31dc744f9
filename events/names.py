"""The one table of stored names. A name is written here once, by hand, with its version and its topics, and never changes.

A change of shape is a new version with a step in `events.upcast`; the old name stays readable for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from events import acts, audits, decisions, scores, submissions
from events.fields import Payload
from events.record import TOPICS

PREFIX = "phasegate."


@dataclass(frozen=True, slots=True)
class EventType:
    """A stored name, where it may stand, and the shape of its data. `office` marks what only the office's key may say,
    `signed` what counts only when its source signed it, whatever the rulebook asks of that source.
    """

    name: str
    topics: tuple[str, ...]
    model: type[Payload]
    office: bool = False
    signed: bool = False

    short: str = field(init=False)
    """The name without prefix and version, as rulebooks use it: `score.recorded`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "short", self.name.removeprefix(PREFIX).rsplit(".", 1)[0])


_TABLE = (
    EventType("phasegate.intake.marked.v1", TOPICS, decisions.IntakeMarked, office=True),
    EventType("phasegate.key.rotated.v1", TOPICS, acts.KeyRotated, office=True),
    EventType("phasegate.key.revoked.v1", TOPICS, acts.KeyRevoked, office=True),
    EventType("phasegate.entrant.registered.v1", ("submissions",), submissions.EntrantRegistered),
    EventType("phasegate.submission.received.v1", ("submissions",), submissions.SubmissionReceived),
    EventType("phasegate.entrant.withdrawn.v1", ("submissions",), submissions.EntrantWithdrawn),
    EventType("phasegate.invitation.declined.v1", ("submissions",), submissions.InvitationDeclined),
    EventType("phasegate.rebuttal.filed.v1", ("submissions",), submissions.RebuttalFiled),
    EventType("phasegate.submission.withdrawn.v1", ("submissions",), submissions.SubmissionWithdrawn),
    EventType("phasegate.application.received.v1", ("submissions",), submissions.ApplicationReceived),
    EventType("phasegate.objection.filed.v1", ("submissions",), submissions.ObjectionFiled),
    EventType("phasegate.objection.withdrawn.v1", ("submissions",), submissions.ObjectionWithdrawn),
    EventType("phasegate.score.recorded.v1", ("scores",), scores.ScoreRecorded),
    EventType("phasegate.score.corrected.v1", ("scores",), scores.ScoreCorrected),
    EventType("phasegate.score.voided.v1", ("scores",), scores.ScoreVoided),
    EventType("phasegate.marks.annulled.v1", ("scores",), scores.MarksAnnulled),
    EventType("phasegate.conflict.declared.v1", ("audits",), audits.ConflictDeclared),
    EventType("phasegate.evaluator.recused.v1", ("audits",), audits.EvaluatorRecused),
    EventType("phasegate.finding.recorded.v1", ("audits",), audits.FindingRecorded),
    EventType("phasegate.ruling.issued.v1", ("audits",), audits.RulingIssued),
    EventType("phasegate.count.ticked.v1", ("audits",), audits.CountTicked),
    EventType("phasegate.recognition.voted.v1", ("audits",), audits.RecognitionVoted),
    EventType("phasegate.objection.ruled.v1", ("audits",), audits.ObjectionRuled),
    EventType("phasegate.reproduction.reported.v1", ("audits",), audits.ReproductionReported),
    EventType("phasegate.act.approved.v1", ("audits",), audits.ActApproved),
    EventType("phasegate.replay.attested.v1", ("audits",), audits.ReplayAttested, signed=True),
    EventType("phasegate.programme.announced.v1", ("decisions",), decisions.ProgrammeAnnounced, office=True),
    EventType("phasegate.evaluator.appointed.v1", ("decisions",), decisions.EvaluatorAppointed, office=True),
    EventType("phasegate.phase.opened.v1", ("decisions",), decisions.PhaseOpened, office=True),
    EventType("phasegate.intake.closed.v1", ("decisions",), decisions.IntakeClosed, office=True),
    EventType("phasegate.phase.held.v1", ("decisions",), decisions.PhaseHeld, office=True),
    EventType("phasegate.entrant.assessed.v1", ("decisions",), decisions.EntrantAssessed, office=True),
    EventType("phasegate.phase.decided.v1", ("decisions",), decisions.PhaseDecided, office=True),
    EventType("phasegate.decision.signed.v1", ("decisions",), decisions.DecisionSigned),
    EventType("phasegate.decision.finalised.v1", ("decisions",), decisions.DecisionFinalised, office=True),
    EventType("phasegate.rulebook.amended.v1", ("decisions",), acts.RulebookAmended, office=True),
    EventType("phasegate.window.extended.v1", ("decisions",), acts.WindowExtended, office=True),
    EventType("phasegate.mark.waived.v1", ("decisions",), acts.MarkWaived, office=True),
    EventType("phasegate.tie.resolved.v1", ("decisions",), acts.TieResolved, office=True),
    EventType("phasegate.phase.reopened.v1", ("decisions",), acts.PhaseReopened, office=True),
    EventType("phasegate.decision.returned.v1", ("decisions",), acts.DecisionReturned),
    EventType("phasegate.figures.published.v1", ("decisions",), acts.FiguresPublished, office=True),
    EventType("phasegate.call.opened.v1", ("decisions",), acts.CallOpened, office=True),
    EventType("phasegate.call.decided.v1", ("decisions",), acts.CallDecided, office=True),
    EventType("phasegate.award.granted.v1", ("decisions",), acts.AwardGranted, office=True),
    EventType("phasegate.programme.concluded.v1", ("decisions",), acts.ProgrammeConcluded, office=True),
    EventType("phasegate.record.erased.v1", ("decisions",), acts.RecordErased, office=True),
    EventType("phasegate.record.requeued.v1", ("decisions",), acts.RecordRequeued, office=True),
)

TYPES: Mapping[str, EventType] = {row.name: row for row in _TABLE}
"""Every stored name of the present version."""
