"""The table of engines: which versions of the deciding code this build has.

A programme names its engine when it is announced, and keeps it while newer ones are built: an old decision is made again
by the engine that made it. A row is never changed in what it decides; whatever would is a new row (decision 25).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from events.errors import Unavailable
from handlers import (
    judge_acts,
    judge_audits,
    judge_course,
    judge_decisions,
    judge_erasure,
    judge_keys,
    judge_objections,
    judge_people,
    judge_requeue,
    judge_scores,
    judge_submissions,
    readiness,
)
from handlers.engine import Engine, VerdictRule

FIRST = "1"
"""The engine of a programme that names none."""

_VERDICTS: Mapping[str, VerdictRule] = {
    "phasegate.programme.announced.v1": judge_decisions.programme_announced,
    "phasegate.intake.marked.v1": judge_decisions.intake_marked,
    "phasegate.entrant.registered.v1": judge_submissions.entrant_registered,
    "phasegate.submission.received.v1": judge_submissions.submission_received,
    "phasegate.entrant.withdrawn.v1": judge_submissions.entrant_withdrawn,
    "phasegate.invitation.declined.v1": judge_submissions.invitation_declined,
    "phasegate.rebuttal.filed.v1": judge_submissions.rebuttal_filed,
    "phasegate.score.recorded.v1": judge_scores.score_recorded,
    "phasegate.score.corrected.v1": judge_scores.score_corrected,
    "phasegate.finding.recorded.v1": judge_audits.finding_recorded,
    "phasegate.ruling.issued.v1": judge_audits.ruling_issued,
    "phasegate.evaluator.appointed.v1": judge_decisions.evaluator_appointed,
    "phasegate.phase.opened.v1": judge_decisions.phase_opened,
    "phasegate.intake.closed.v1": judge_decisions.intake_closed,
    "phasegate.phase.held.v1": judge_decisions.phase_held,
    "phasegate.entrant.assessed.v1": judge_decisions.entrant_assessed,
    "phasegate.phase.decided.v1": judge_decisions.phase_decided,
    "phasegate.decision.signed.v1": judge_decisions.decision_signed,
    "phasegate.decision.finalised.v1": judge_decisions.decision_finalised,
    "phasegate.submission.withdrawn.v1": judge_submissions.submission_withdrawn,
    "phasegate.application.received.v1": judge_course.application_received,
    "phasegate.objection.filed.v1": judge_objections.objection_filed,
    "phasegate.objection.withdrawn.v1": judge_objections.objection_withdrawn,
    "phasegate.objection.ruled.v1": judge_objections.objection_ruled,
    "phasegate.score.voided.v1": judge_scores.score_voided,
    "phasegate.marks.annulled.v1": judge_scores.marks_annulled,
    "phasegate.conflict.declared.v1": judge_people.of_evaluator,
    "phasegate.evaluator.recused.v1": judge_people.of_evaluator,
    "phasegate.count.ticked.v1": judge_people.count_ticked,
    "phasegate.recognition.voted.v1": judge_people.recognition_voted,
    "phasegate.reproduction.reported.v1": judge_people.reproduction_reported,
    "phasegate.act.approved.v1": judge_acts.act_approved,
    "phasegate.replay.attested.v1": judge_audits.replay_attested,
    "phasegate.rulebook.amended.v1": judge_course.rulebook_amended,
    "phasegate.window.extended.v1": judge_acts.window_extended,
    "phasegate.mark.waived.v1": judge_acts.mark_waived,
    "phasegate.tie.resolved.v1": judge_acts.tie_resolved,
    "phasegate.phase.reopened.v1": judge_acts.phase_reopened,
    "phasegate.decision.returned.v1": judge_acts.decision_returned,
    "phasegate.figures.published.v1": judge_course.figures_published,
    "phasegate.call.opened.v1": judge_course.call_opened,
    "phasegate.call.decided.v1": judge_course.call_decided,
    "phasegate.award.granted.v1": judge_course.award_granted,
    "phasegate.key.rotated.v1": judge_keys.key_rotated,
    "phasegate.key.revoked.v1": judge_keys.key_revoked,
    "phasegate.programme.concluded.v1": judge_course.programme_concluded,
    "phasegate.record.erased.v1": judge_erasure.record_erased,
    "phasegate.record.requeued.v1": judge_requeue.record_requeued,
}

ENGINES: Mapping[str, Engine] = {
    FIRST: Engine(FIRST, _VERDICTS, readiness.scores_of_marks, readiness.outcome_of_facts),
}
"""By id, the newest last. tests/golden has a recorded programme of each."""

NEWEST = list(ENGINES)[-1]
"""What a programme that is announced now names."""


def named_in(data: Mapping[str, Any]) -> str:
    """The engine that an announcement names."""
    return str(data.get("engine") or FIRST)


def find_engine(engines: Mapping[str, Engine] | None, name: str) -> Engine:
    """The engine of that id among these, or among those of this build. Raises Unavailable, and never takes another: it
    might decide otherwise.
    """
    known = ENGINES if engines is None else engines
    if name not in known:
        raise Unavailable(
            f"the programme is decided by engine {name!r}; this phasegate has {', '.join(known)}",
            hint=f"use a phasegate that has engine {name!r}; nothing was judged, and nothing is lost",
            engine=name,
            known=list(known),
        )
    return known[name]
