"""Judging what the office, the pipeline and those who sign say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from events.envelope import Envelope, decode
from events.record import Record
from events.rulebook import digest
from events.values import format_instant
from tests.spec import given
from tests.support import small
from tests.support.log import Log, record_of
from tests.support.stages import DECISION, at
from tests.support.told import entered, found, handed_in, mark, marker

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES


def office(name: str, event_id: str, at_ms: int, **data: Any) -> Envelope:
    return small.event(name, event_id, small.OFFICE, at_ms, **data)


def opened(event_id: str = "open", at_ms: int = OPENS, **more: Any) -> Envelope:
    windows = {window: format_instant(ms) for window, ms in DEADLINES.items()}
    data = {"phase": "heat", "entrants": [*small.TEAMS], "opens": format_instant(OPENS), "windows": windows}
    return office("phase.opened", event_id, at_ms, **{**data, **more})


def told_by(log: Log, name: str) -> Record:
    """The record of the first event of that type in a log."""
    return next(record for record in log.records if f"phasegate.{name}.v1".encode() in (record.value or b""))


def closed(event_id: str = "close", phase: str = "heat") -> Envelope:
    data = {"phase": phase, "windows": {}, "markers": {}, "size": 1, "root": "0" * 64, "attribution": "0" * 64}
    return office("intake.closed", event_id, DEADLINES["audits"] + 2, **data)


def test_a_programme_is_announced_once() -> None:
    again = replace(small.announced(), id="another")
    given(on=at("announced")).when(again).refused("illegal-transition", match="entry 0")


def test_the_digest_is_of_the_rulebook() -> None:
    told = small.announced()
    told.data["digest"] = "0" * 64
    given().when(told).refused("schema-invalid", match="digest is 0000")


def test_a_rulebook_with_faults_is_not_announced() -> None:
    document = small.rulebook()
    document["phases"][0]["ties"] = ["charm"]
    given().when(small.announced(document)).refused("schema-invalid", match="charm")


@pytest.mark.parametrize("odd", [2**60, 1.5, None, ["x"], {"a": 1}])
def test_a_rulebook_with_an_odd_scalar_is_refused_and_stops_nothing(odd: Any) -> None:
    document = small.rulebook()
    document["version"] = odd
    told = office("programme.announced", "a", OPENS, rulebook=document, digest="0" * 64, clock="scenario")
    given().when(told).refused("schema-invalid")


def test_the_rulebook_is_of_this_programme() -> None:
    document = small.rulebook() | {"programme": "other-cup"}
    told = office("programme.announced", "a", OPENS, rulebook=document, digest=digest(document), clock="scenario")
    given().when(told).refused("schema-invalid", match="other-cup")


def test_a_forged_record_under_the_announcements_id_does_not_hold_it_up() -> None:
    """Every record waits for the announcement; so must the announcement wait for none of them."""
    forged = record_of(
        small.event("decision.signed", "announced", small.OFFICE, OPENS, decision="d", role="r", meaning="m"),
        signed=False,
    )
    waiting = given().when(forged).pending(on="programme")
    waiting.when(small.announced()).accepted(settles={"announced": "signature-missing"}).when(
        small.announced()
    ).duplicate()


def test_an_evaluator_is_appointed_to_a_panel_of_the_rulebook() -> None:
    told = office("evaluator.appointed", "a", OPENS, evaluator="cy", panel="choir")
    given(on=at("announced")).when(told).refused("unknown-reference", match="choir")


def test_a_phase_opens_once() -> None:
    given(on=at("open")).when(opened()).refused("illegal-transition", match="open already")


def test_a_phase_that_the_rulebook_lacks_does_not_open() -> None:
    given(on=at("begun")).when(opened(phase="final")).refused("unknown-phase", match="final")


def test_a_phase_opens_when_its_entrants_are_registered() -> None:
    hazel = entered("r", "entrant.registered", "hazel", OPENS - 1, name="hazel", members=[])
    waiting = given(on=at("begun")).when(opened(entrants=["ash", "hazel"])).pending(on="entrant")
    waiting.when(hazel).accepted(settles={"open": "accepted"})


def registration(topic: str) -> Record:
    return marker(topic, "registration", deadline_ms=OPENS)


def test_an_entrant_that_never_registered_is_unknown_once_registration_is_complete() -> None:
    waiting = given(*map(registration, ("scores", "audits", "decisions")), on=at("begun"))
    waiting = waiting.when(opened(entrants=["fir"])).pending(on="entrant")
    waiting.when(registration("submissions")).accepted(settles={"open": "unknown-entrant"})


def test_an_entrant_that_registered_late_does_not_take_part() -> None:
    late = entered("r", "entrant.registered", "hazel", OPENS + 1, name="hazel", members=[])
    given(late, on=at("begun")).when(opened(entrants=["hazel"])).refused("not-eligible", match="after heat opened")


def test_what_follows_in_a_phase_waits_for_an_opening_that_waits() -> None:
    waiting = given(opened(entrants=["ash", "hazel"]), on=at("begun"))
    waiting = waiting.when(opened("again")).pending(on="behind")
    waiting = waiting.when(closed()).pending(on="behind")
    hazel = entered("r", "entrant.registered", "hazel", OPENS - 1, name="hazel", members=[])
    waiting.when(hazel).accepted(settles={"open": "accepted", "again": "illegal-transition"}).when(closed()).pending(
        on="identity"
    )


def two_phases(*told: Envelope) -> Log:
    document = small.rulebook()
    year = 365 * DAY
    windows = {window: format_instant(ms + year) for window, ms in DEADLINES.items()}
    second = {"id": "final", "opens": format_instant(OPENS + year), "windows": windows}
    document["phases"].append(document["phases"][0] | second)
    log = Log()
    log.tell(small.announced(document), *small.beginnings(), *told)
    return log


def test_a_later_phase_waits_until_the_one_before_is_final() -> None:
    given(on=two_phases()).when(opened(phase="final")).pending(on="final")


def test_a_marker_names_the_deadline_of_a_window_that_exists() -> None:
    given(on=at("open")).when(marker("scores", "scores", deadline_ms=OPENS)).pending(on="window")
    given(on=at("open")).when(marker("scores", "lunch", deadline_ms=OPENS)).refused("illegal-transition", match="lunch")


def test_a_marker_stamped_too_soon_is_accepted_and_counts_for_nothing() -> None:
    log = at("scored")
    given(on=log).when(marker("scores", "scores", at_ms=DEADLINES["scores"])).accepted()
    assert not log.state.markers.get(("heat", "scores"))
    given(on=log).when(mark("m", "urn:jury:ann", OPENS + 15 * DAY, "ash", "ann")).refused("already-scored")


def test_a_marker_waits_for_what_sets_its_deadline() -> None:
    given(on=at("begun")).when(marker("scores", "scores")).pending(on="phase")
    given(on=at("decided")).when(marker("scores", "objections", deadline_ms=OPENS)).pending(on="signed")
    given(on=at("scored")).when(marker("scores", "rebuttal:nothing", deadline_ms=OPENS)).pending(on="event")


def test_the_intake_closes_once_when_all_windows_are_complete() -> None:
    given(on=at("begun")).when(closed()).refused("illegal-transition", match="not open")
    given(on=at("held")).when(closed()).refused("illegal-transition", match="not open")
    waiting = given(*(marker(topic, "audits") for topic in ("submissions", "scores", "audits")), on=at("marked"))
    waiting = waiting.when(closed()).pending(on="window")
    waiting.when(marker("decisions", "audits")).accepted(settles={"close": "accepted"})


def test_closing_is_settled_after_all_that_its_last_marker_settles() -> None:
    """A late record, even one stamped after the closing, is settled before the cut."""
    late = found("late", "ash", DEADLINES["audits"] + 99)
    marks = [marker(topic, "audits") for topic in ("submissions", "scores", "audits")]
    waiting = given(late, *marks, closed(), on=at("marked"))
    waiting.when(marker("decisions", "audits")).accepted(settles={"late": "late", "close": "accepted"})


@pytest.mark.parametrize("name", ["phase.held", "entrant.assessed", "phase.decided"])
def test_nothing_of_a_decision_is_accepted_before_the_phase_is_open(name: str) -> None:
    source = at("held") if name == "phase.held" else at("final")
    given(on=at("begun")).when(told_by(source, name)).refused("illegal-transition", match="not open")


def test_what_is_decided_waits_for_the_closing() -> None:
    done = at("final")
    waiting = given(closed(), on=at("marked"))
    for name in ("phase.held", "entrant.assessed"):
        waiting = waiting.when(told_by(at("held") if name == "phase.held" else done, name)).pending(on="behind")
    log = waiting.log
    log.tell(*(marker(topic, "audits") for topic in ("submissions", "scores", "audits")))
    *before, assessment = [held.fact.event.id for held in log.state.waiting.values()]
    held = given(on=log).when(marker("decisions", "audits")).accepted(settles=dict.fromkeys(before, "accepted"))
    held.when(small.ruling()).accepted(settles={assessment: "accepted"})


@pytest.mark.parametrize("name", ["phase.held", "entrant.assessed", "phase.decided"])
def test_nothing_of_a_decision_is_accepted_before_the_closing(name: str) -> None:
    said = told_by(at("held") if name == "phase.held" else at("final"), name)
    given(on=at("marked")).when(said).refused("illegal-transition", match="not closed")


def test_a_phase_is_decided_once_and_is_not_held_afterwards() -> None:
    log = at("decided")
    again = office("phase.decided", "again", OPENS + 30 * DAY, **_data(log, "phase.decided"))
    given(on=log).when(again).refused("illegal-transition", match=DECISION)
    held = office("phase.held", "again", OPENS + 30 * DAY, phase="heat", missing=[])
    given(on=at("final")).when(held).refused("illegal-transition", match="is final")


def _data(log: Log, name: str) -> dict[str, Any]:
    return decode(told_by(log, name).value).data


def test_a_decision_lists_recorded_assessments_and_exactly_the_entrants() -> None:
    data = _data(at("decided"), "phase.decided")
    log = at("held")
    log.tell(small.ruling())
    unlisted = office("phase.decided", "d", OPENS + 30 * DAY, **data)
    given(on=log).when(unlisted).refused("unknown-reference", match="no assessment")
    short = office(
        "phase.decided", "d", OPENS + 30 * DAY, **data | {"assessments": [], "outcomes": data["outcomes"][:2]}
    )
    given(on=log).when(short).refused("unknown-entrant", match="cedar")


def test_an_assessment_is_of_an_entrant_of_the_phase() -> None:
    data = _data(at("decided"), "entrant.assessed") | {"entrant": "fir"}
    given(on=at("held")).when(office("entrant.assessed", "a", OPENS, **data)).refused("unknown-entrant", match="fir")


def test_a_decision_is_signed_once_by_each_role_that_must() -> None:
    log = at("signed")
    again = replace(small.signature(DECISION), id="again")
    given(on=log).when(again).refused("illegal-transition", match="signed already")
    other = small.event("decision.signed", "s", "urn:director", OPENS, decision=DECISION, role="minister", meaning="no")
    given(on=log).when(other).refused("source-not-authorised", match="minister")
    stranger = office("decision.signed", "s", OPENS, decision=DECISION, role="director", meaning="yes")
    given(on=at("decided")).when(stranger).refused("source-not-authorised", match="does not have the role")


def test_a_signature_is_under_a_decision_that_is_there() -> None:
    given(on=at("held")).when(small.signature(DECISION)).refused("unknown-reference", match=DECISION)


def test_a_signature_waits_for_a_decision_that_waits() -> None:
    decided = at("decided")
    log = at("marked")
    log.tell(
        closed(),
        *(record for record in decided.records if b"assessed" in (record.value or b"")),
        told_by(decided, "phase.decided"),
    )
    given(on=log).when(small.signature(DECISION)).pending(on="behind")


def test_a_decision_becomes_final_once_when_signed_and_unopposed() -> None:
    final = office("decision.finalised", "f", OPENS + 40 * DAY, decision=DECISION, objections=[])
    given(on=at("final")).when(final).refused("illegal-transition", match="final already")
    given(on=at("signed")).when(final).pending(on="window")
    given(on=at("held")).when(final).refused("unknown-reference")
    waiting = given(on=at("decided")).when(final).pending(on="signed")
    waiting.when(small.signature(DECISION)).accepted()


def test_a_phase_without_windows_takes_nothing_more_once_it_is_closed() -> None:
    document = small.rulebook()
    document["phases"][0]["windows"] = {}
    document["phases"][0]["criteria"][1]["panel"] = "bench"
    log = Log()
    log.tell(small.announced(document), *small.beginnings())
    log.progress(OPENS + 1)
    assert log.state.phases["heat"].closed is not None
    given(on=log).when(mark("m", "urn:bench", OPENS + 2, "ash", "bench", item="speed")).refused("phase-closed")


def test_what_waited_past_the_closing_for_its_id_is_refused_as_closed() -> None:
    """Nothing is accepted for a phase behind its closing, or the cut would not hold all that came in time."""
    log = two_phases()
    log.progress(OPENS + 1)
    log.tell(handed_in("x", "ash", OPENS + 1, phase="final"))
    given(on=log).when(handed_in("x", "ash", OPENS + DAY)).pending(on="identity")
    log.tell(*small.submissions()[1:])
    log.progress(DEADLINES["submissions"] + 1)
    log.tell(*small.scores())
    log.progress(DEADLINES["audits"] + 1)
    log.tell(small.signature(DECISION))
    log.progress(OPENS + 60 * DAY)
    assert log.state.status("heat") == "final"
    log.progress(OPENS + 365 * DAY + 1)
    assert log.state.status("final") == "open"
    assert [row for at, row in sorted(log.outcomes().items()) if at in (("submissions", 4), ("submissions", 5))] == [
        ("refused", "not-eligible"),
        ("refused", "phase-closed"),
    ]
