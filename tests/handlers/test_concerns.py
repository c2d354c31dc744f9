"""Who may say what: the source that fits best is found, the others only where nobody fits better."""

from __future__ import annotations

from typing import Any

import pytest

from events.errors import NotFound
from handlers.completing import completed
from handlers.concerns import signs_with_office, speakers
from handlers.references import event_id
from handlers.state import State
from tests.support import long_cup
from tests.support.long_cup import DIRECTOR, MINISTER, OFFICE, decision
from tests.support.long_stages import at
from tests.support.long_told import found, objected, reopened, score, voided


def who(state: State, name: str, **data: Any) -> list[str]:
    return [source.source for source in speakers(state, name, data)]


MARK = {"phase": "heat", "entrant": "ash", "item": "art", "evaluator": "ann", "value": "1"}


def test_a_source_of_that_very_entrant_evaluator_or_panel_comes_first() -> None:
    state = at("decided").state
    assert who(state, "entrant.withdrawn", entrant="ash", reason="r") == ["urn:team:ash"]
    assert who(state, "score.recorded", **MARK, criterion="jury") == ["urn:jury:ann"]
    assert who(state, "score.recorded", **{**MARK, "evaluator": "bench"}, criterion="bench") == [long_cup.BENCH]
    assert who(state, "score.voided", score=score("ash", "ben"), reason="r") == ["urn:jury:ben"]


def test_then_those_that_name_the_type_and_then_those_that_may_say_everything() -> None:
    state = at("decided").state
    data = {"phase": "heat", "entrant": "ash", "criterion": "jury", "item": "art", "value": "1"}
    assert who(state, "reproduction.reported", **data) == [long_cup.AUDITOR]
    assert who(state, "phase.reopened", phase="heat") == [OFFICE, DIRECTOR]
    assert who(state, "entrant.registered", entrant="zelkova") == [OFFICE, DIRECTOR]


def test_where_a_role_is_asked_for_only_that_role_may() -> None:
    log = at("signed")
    log.tell(objected("o", "cedar", 26))
    state = log.state
    assert who(state, "decision.signed", decision=decision(), role="minister") == [MINISTER]
    assert who(state, "objection.ruled", objection="o", outcome="upheld") == [long_cup.FRESH, "urn:jury:ann:fresh"]
    assert who(state, "objection.withdrawn", objection="o", reason="r") == ["urn:team:cedar"]
    count = {"phase": "heat", "entrant": "ash", "gate": "independence", "count": "policy"}
    assert who(state, "finding.recorded", **count, verdict="met") == [long_cup.AUDITOR]
    log = at("marked")
    log.tell(found("f", "ash", 20.2))
    assert who(log.state, "ruling.issued", finding="f", verdict="met") == [long_cup.MINISTRY]
    assert who(log.state, "count.ticked", **count, evaluator="ben", not_met=True) == ["urn:jury:ben"]


def test_the_office_s_key_signs_for_the_office_and_for_who_signs_without_a_key() -> None:
    sources = at("begun").state.sources
    assert signs_with_office(None, "phasegate.mark.waived.v1")
    assert signs_with_office(sources[OFFICE], "phasegate.entrant.registered.v1")
    assert not signs_with_office(sources[MINISTER], "phasegate.decision.signed.v1")


def test_what_the_record_says_need_not_be_said_and_what_is_said_stays() -> None:
    log = at("decided", heat={"approvals": {"score.voided": "minister"}})
    log.tell(reopened("again", 22, 24), voided("v", score("ash", "ann"), 22))
    state = log.state
    assert completed(state, "act.approved", {"act": "v"})["role"] == "minister"
    assert completed(state, "score.recorded", {**MARK, "criterion": "jury"})["reopening"] == "again"
    assert completed(state, "score.recorded", {**MARK, "reopening": "x"})["reopening"] == "x"
    assert "role" not in completed(state, "decision.signed", {"decision": decision()})
    signed = completed(state, "decision.signed", {"decision": decision(), "role": "director", "meaning": "regrets"})
    assert signed["meaning"] == "regrets"
    assert completed(state, "award.granted", {"phase": "heat", "entrant": "ash"}) == {
        "phase": "heat",
        "entrant": "ash",
        "resources": [{"kind": "gpu", "quantity": "8", "unit": "devices"}],
        "title": "finalist",
    }
    with pytest.raises(NotFound, match="no publication profile 'broad'; it has: narrow, wide"):
        completed(state, "figures.published", {"decision": decision(), "profile": "broad"})


def test_ids_may_be_shortened_as_long_as_they_stay_unique() -> None:
    state = at("decided").state
    assert event_id(state, "decision", decision()[:6]) == decision()
    assert event_id(state, "score", "score-heat-ash-a") == score("ash", "ann")
    assert event_id(state, "score", "ash/jury/art/ann") == score("ash", "ann")
    for text, fault in (("score-heat-ash", "several begin with"), ("", "no mark ''"), ("x", "and 4 more")):
        with pytest.raises(NotFound, match=fault):
            event_id(state, "score", text)
