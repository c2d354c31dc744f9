"""Judging what teams and the intake desk say."""

from __future__ import annotations

from events.rulebook import Source
from events.values import format_instant
from handlers.manifest import manifest_fault
from handlers.state import Fact, PhaseState, State
from handlers.verdicts import (
    ACCEPTED,
    Refusal,
    Verdict,
    behind,
    named_already,
    outside_phase,
    outside_window,
    pend,
)
from handlers.windows import REBUTTAL, is_behind_marker, rebuttal_deadline, submissions_window


def entrant_registered(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Once for each entrant. Who is registered in time takes part; that is for the phase's opening to say."""
    entrant = fact.data["entrant"]
    if (waits := behind(state, fact, "entrant", entrant)) is not None:
        return waits
    if entrant in state.entrants:
        return Refusal("illegal-transition", f"{entrant} is registered already (entry {state.entrants[entrant].index})")
    return ACCEPTED


def entrant_withdrawn(state: State, fact: Fact, source: Source | None) -> Verdict:
    """At any time; again only where an open call let the entrant come back."""
    entrant = fact.data["entrant"]
    if (waits := behind(state, fact, "entrant", entrant)) is not None:
        return waits
    if entrant not in state.entrants:
        return Refusal("unknown-entrant", f"no entrant {entrant!r} is registered")
    if entrant in state.withdrawn:
        if (waits := behind(state, fact, "return", entrant)) is not None:
            return waits
        return Refusal("illegal-transition", f"{entrant} withdrew already (entry {state.withdrawn[entrant].index})")
    return ACCEPTED


def invitation_declined(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Always on record."""
    return ACCEPTED


def submission_received(state: State, fact: Fact, source: Source | None) -> Verdict:
    """The entrant's first for the phase, or one that names the one it replaces; in time."""
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    phase_id = fact.data["phase"]
    if state.rulebook.find_phase(phase_id) is None:
        return Refusal("unknown-phase", f"the rulebook has no phase {phase_id!r}")
    phase = state.phases.get(phase_id)
    if phase is None:
        not_open = Refusal("unknown-phase", f"{phase_id} was never opened")
        return pend(state, (("phase", phase_id),), not_open, phase=phase_id)
    if (waits := behind(state, fact, "submission", phase_id, fact.data["entrant"])) is not None:
        return waits
    return (
        named_already(
            state, fact, "submission.received", any(fact.event.id in p.submission_of for p in state.phases.values())
        )
        or outside_phase(state, phase, fact)
        or outside_window(state, phase, submissions_window(phase, fact.data["entrant"]), fact)
        or _unfit_manifest(fact)
        or _superseding(state, phase, fact)
    )


def _unfit_manifest(fact: Fact) -> Refusal | None:
    """An inline manifest must be CycloneDX 1.6; read after the cheaper checks. One given by its digest cannot be read."""
    manifest = fact.data.get("manifest")
    if not isinstance(manifest, dict) or (fault := manifest_fault(manifest)) is None:
        return None
    return Refusal("schema-invalid", f"manifest: {fault}")


def _superseding(state: State, phase: PhaseState, fact: Fact) -> Verdict:
    entrant, superseded = fact.data["entrant"], fact.data.get("supersedes")
    before = phase.submissions.get(entrant)
    if superseded is None:
        if before is None:
            return ACCEPTED
        return Refusal("illegal-transition", f"{entrant} has handed in {before.event.id}; name it in `supersedes`")
    if before is None or before.event.id != superseded:
        return Refusal("unknown-reference", f"{superseded} is not the submission of {entrant} that is in force")
    return ACCEPTED


def submission_withdrawn(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Of the submission in force, by its entrant, while submissions can still come in."""
    target = fact.data["submission"]
    if (waits := behind(state, fact, "submission.received", target)) is not None:
        return waits
    phase = next((p for p in state.phases.values() if target in p.submission_of), None)
    if phase is None:
        return Refusal("unknown-reference", f"there is no submission {target}")
    entrant = phase.submission_of[target]
    if (waits := behind(state, fact, "submission", phase.rules.id, entrant)) is not None:
        return waits
    if source is not None and source.entrant not in (None, entrant):
        return Refusal("source-not-authorised", f"{target} is not a submission of {source.entrant}")
    if entrant not in phase.submissions or phase.submissions[entrant].event.id != target:
        return Refusal("illegal-transition", f"{target} was withdrawn or replaced already")
    return outside_window(state, phase, submissions_window(phase, entrant), fact) or ACCEPTED


def rebuttal_filed(state: State, fact: Fact, source: Source | None) -> Verdict:
    """By the entrant concerned, once, within the rebuttal time."""
    finding_id, entrant = fact.data["finding"], fact.data["entrant"]
    if (waits := behind(state, fact, "rebuttal", finding_id, entrant)) is not None:
        return waits
    found = state.find_finding(finding_id)
    if found is None:
        unknown = Refusal("unknown-reference", f"there is no finding {finding_id}")
        return pend(state, (("event", finding_id),), unknown, phase=None)
    phase, finding = found
    if finding.fact.data["entrant"] != entrant:
        return Refusal("not-eligible", f"the finding is on {finding.fact.data['entrant']}, not on {entrant}")
    if finding.rebuttal is not None or not finding.needs_ruling:
        return Refusal(
            "illegal-transition", f"{finding_id} was answered already, or says met: nothing is to be answered"
        )
    last_ms = rebuttal_deadline(phase, finding)
    window = REBUTTAL + finding_id
    if last_ms is not None and (fact.received_ms > last_ms or is_behind_marker(state, phase.rules.id, window, fact)):
        return Refusal(
            "late", f"stamped {format_instant(fact.received_ms)}; the time to answer ended {format_instant(last_ms)}"
        )
    return ACCEPTED
