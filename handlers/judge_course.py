"""Judging what moves a programme from phase to phase: amended rules, calls, published figures, awards, the conclusion."""

from __future__ import annotations

from events.rulebook import Phase, Source, digest, parse_rulebook, whole
from events.values import format_instant, parse_instant
from handlers.check import faults
from handlers.course import (
    advanced,
    entrants_of,
    finalists,
    is_done,
    is_skipped,
    over_keys,
    vacant_places,
    why_not_eligible,
)
from handlers.decided import decision_of
from handlers.figures import figures_of
from handlers.state import Fact, State
from handlers.verdicts import ACCEPTED, Pending, Refusal, Verdict, behind, behind_deadline, pend
from handlers.windows import CALL, REGISTRATION, deadline, is_complete


def rulebook_amended(state: State, fact: Fact, source: Source | None) -> Verdict:
    """A faultless rulebook of another version that leaves every phase before `from_phase` as it is, while that one and
    what follows are not open yet, nor called for.
    """
    document, from_phase = fact.data["rulebook"], fact.data["from_phase"]
    if found := faults(document):
        return Refusal(
            "schema-invalid", f"the rulebook has {len(found)} faults, first {found[0].path}: {found[0].message}"
        )
    if (computed := digest(document)) != fact.data["digest"]:
        return Refusal("schema-invalid", f"digest is {fact.data['digest']}, but the rulebook's is {computed}")
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    before, after = state.rulebook, parse_rulebook(document)
    if after.programme != before.programme or after.version == before.version:
        return Refusal(
            "schema-invalid", f"it is {after.programme} {after.version}; amend {before.programme} by another version"
        )
    if after.find_phase(from_phase) is None:
        return Refusal("unknown-phase", f"the new rulebook has no phase {from_phase!r}")
    kept = [phase.id for phase in after.phases][: [phase.id for phase in after.phases].index(from_phase)]
    changed = [phase.id for phase in (*before.phases, *after.phases) if phase.id not in kept]
    for phase_id in changed:
        if (waits := behind(state, fact, "phase", phase_id) or behind(state, fact, "call", phase_id)) is not None:
            return waits
    opened = [phase_id for phase_id in (*state.phases, *state.calls) if phase_id not in kept]
    if opened:
        return Refusal("illegal-transition", f"{opened[0]} is open already; nothing acts backwards")
    if [_written(document, phase_id) for phase_id in kept] != [_now(state, phase_id) for phase_id in kept]:
        return Refusal("illegal-transition", f"the rules before {from_phase} differ from those in force")
    return ACCEPTED


def _written(document: dict[str, object], phase_id: str) -> object:
    """A phase as written, so that nothing but the text decides whether it is the same."""
    return next((phase for phase in whole(document)["phases"] if phase["id"] == phase_id), None)


def _now(state: State, phase_id: str) -> object:
    latest = state.amended[-1] if state.amended else state.announced
    assert latest is not None  # There is a rulebook.
    return _written(latest.data["rulebook"], phase_id)


def _call(state: State, call_id: str) -> Phase | Refusal:
    rules = state.rulebook.find_phase(call_id) if state.rulebook is not None else None
    if rules is None or rules.call is None:
        return Refusal("unknown-phase", f"the rulebook has no call {call_id!r}")
    return rules


def call_opened(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Once, after the phase that it fills is final and left a place, and the call's instant has passed."""
    rules = _call(state, fact.data["call"])
    if not isinstance(rules, Phase):
        return rules
    assert rules.call is not None  # _call looked.
    if (waits := behind(state, fact, "call", rules.id)) is not None:
        return waits
    if rules.id in state.calls:
        return Refusal("illegal-transition", f"{rules.id} is open already (entry {state.calls[rules.id].opened.index})")
    if state.status(rules.call.fills) != "final":
        return Pending((("final", rules.call.fills),))
    if not is_complete(state, rules.id, CALL):
        return Pending((("window", rules.id, CALL),))
    if is_skipped(state, rules) or vacant_places(state, rules) != fact.data["places"]:
        return Refusal("illegal-transition", f"{rules.call.fills} left {vacant_places(state, rules)} places to fill")
    return ACCEPTED


def application_received(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Once, by a registered entrant that may apply, from the call's opening until its deadline."""
    rules = _call(state, fact.data["call"])
    if not isinstance(rules, Phase):
        return rules
    call_id, entrant = rules.id, fact.data["entrant"]
    if (waits := behind(state, fact, "application", call_id, entrant)) is not None:
        return waits
    if entrant not in state.entrants:
        return Refusal("unknown-entrant", f"no entrant {entrant!r} is registered")
    call = state.calls.get(call_id)
    if call is None:
        never = Refusal("illegal-transition", f"the call {call_id} was never opened")
        return pend(state, (("call", call_id),), never, phase=None)
    assert rules.call is not None  # _call looked.
    if fact.received_ms < parse_instant(rules.call.opens):
        return Refusal("too-early", f"stamped {format_instant(fact.received_ms)}; {call_id} opens {rules.call.opens}")
    if entrant in call.applications:
        return Refusal("illegal-transition", f"{entrant} applied already (entry {call.applications[entrant].index})")
    last_ms = deadline(state, call_id, REGISTRATION)
    assert last_ms is not None  # `check` refuses a call without `opens`.
    if (late := behind_deadline(state, call_id, REGISTRATION, fact, last_ms)) is not None:
        return late
    why = why_not_eligible(state, rules, fact)  # In time, so before the call's own decision could change the answer.
    return ACCEPTED if why is None else Refusal("not-eligible", why)


def call_decided(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Once, when the call's phase is final, naming exactly whom it lets advance; or when nobody applied."""
    rules = _call(state, fact.data["call"])
    if not isinstance(rules, Phase):
        return rules
    call = state.calls.get(rules.id)
    if call is None:
        never = Refusal("illegal-transition", f"the call {rules.id} is not open")
        return behind(state, fact, "call", rules.id) or never
    if call.decided is not None:
        return Refusal("illegal-transition", f"{rules.id} is decided already (entry {call.decided.index})")
    if not is_complete(state, rules.id, REGISTRATION):
        return Pending((("window", rules.id, REGISTRATION),))
    phase = state.phases.get(rules.id)
    if phase is None and not entrants_of(state, rules):
        selected: list[str] = []
    elif phase is None or phase.status != "final":
        return Pending((("final", rules.id),))
    else:
        selected = advanced(phase)
    if sorted(fact.data["selected"]) != sorted(selected):
        return Refusal("illegal-transition", f"the decision selects {', '.join(selected) or 'nobody'}")
    return ACCEPTED


def figures_published(state: State, fact: Fact, source: Source | None) -> Verdict:
    """What a profile of the rulebook shows of a decision: exactly what the decision says, once for each profile."""
    found = decision_of(state, fact)
    if not isinstance(found, tuple):
        return found
    phase, decision = found
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    profile = next((row for row in state.rulebook.profiles if row.id == fact.data["profile"]), None)
    if profile is None:
        return Refusal("unknown-reference", f"the rulebook has no profile {fact.data['profile']!r}")
    if profile.id in decision.published:
        return Refusal("illegal-transition", f"published already (entry {decision.published[profile.id].index})")
    if fact.data["figures"] != figures_of(profile, phase, decision):
        return Refusal("schema-invalid", f"figures are not those that {profile.id} shows of {fact.data['decision']}")
    return ACCEPTED


def award_granted(state: State, fact: Fact, source: Source | None) -> Verdict:
    """To an entrant that a final decision lets advance, once for each phase."""
    phase_id, entrant = fact.data["phase"], fact.data["entrant"]
    phase = state.phases.get(phase_id)
    if phase is None:
        not_open = Refusal("illegal-transition", f"{phase_id} is not open")
        return behind(state, fact, "phase", phase_id) or not_open
    if phase.status != "final":
        return Pending((("final", phase_id),))
    if entrant not in advanced(phase):
        return Refusal("not-eligible", f"{entrant} does not advance from {phase_id}")
    if entrant in phase.awards:
        return Refusal("illegal-transition", f"granted already (entry {phase.awards[entrant].index})")
    return ACCEPTED


def programme_concluded(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Once, when no phase is to come, naming who goes on from the last."""
    assert state.rulebook is not None  # judge_event asks the rulebook's sources first.
    if state.concluded is not None:
        return Refusal("illegal-transition", f"concluded already (entry {state.concluded.index})")
    for rules in state.rulebook.phases:
        if not is_done(state, rules):
            return Pending(over_keys(rules))
    if sorted(fact.data["finalists"]) != (left := finalists(state)):
        return Refusal("illegal-transition", f"finalists are {sorted(fact.data['finalists'])}; left are {left}")
    return ACCEPTED
