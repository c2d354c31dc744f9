"""Who may say how a decision came out when it was replayed, what becomes of it, and that it changes nothing."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from events.derived import attestor_source
from events.envelope import JWS_HEADER, Envelope
from events.record import Record
from handlers.disclosure import to_entrant, to_everybody
from handlers.due import due
from handlers.views import attestations_view
from infra.keys import from_seed
from tests.spec import given
from tests.support import small
from tests.support.log import Log, record_of
from tests.support.long_cup import AUDITOR, DIRECTOR, announced, day, decision, rulebook
from tests.support.long_stages import at
from tests.support.long_told import ATTESTOR, attested, told

DIFFERENCE = {"index": 7, "what": "verdict", "member": "reason", "recorded": "late", "replayed": "None"}
AUDITOR_KEY = from_seed("auditor.example", bytes([21]) * 32)


def test_the_attestor_is_named_by_no_rulebook_and_says_one_thing_only() -> None:
    start = given(on=at("decided"))
    assert attestor_source(small.PROGRAMME) == ATTESTOR
    assert ATTESTOR not in start.log.state.sources
    start.when(attested("a", decision(), 21.5)).accepted()
    finding = {"phase": "heat", "entrant": "ash", "gate": "independence", "count": "technical", "verdict": "met"}
    start.when(told("finding.recorded", "f", ATTESTOR, 20, evidence=[], **finding)).refused("source-not-authorised")


def test_a_source_that_the_rules_do_not_let_attest_is_refused() -> None:
    start = given(on=at("decided"))
    start.when(record_of(attested("a", decision(), 21.5, source=AUDITOR), signed=True)).refused("source-not-authorised")
    start.when(record_of(attested("a", decision(), 21.5, source="urn:nobody"), signed=True)).refused(
        "source-not-authorised", "does not name"
    )
    start.when(attested("a", decision(), 21.5, source=DIRECTOR)).accepted()


def test_an_attestation_is_signed_also_where_its_source_need_not_sign() -> None:
    log = with_auditor()
    said = attested("a", decision(), 21.5, source=AUDITOR)
    start = given(on=log)
    start.when(record_of(said, signed=False)).refused("signature-missing")
    start.when(record_of(said, signed=True)).refused("signature-invalid", "no key")
    start.when(record_of(attested("b", decision(), 21.5), signed=False)).refused("signature-missing")
    start.when(signed_by_auditor(said)).accepted()
    assert list(log.state.phases["heat"].decisions[decision()].attested) == [AUDITOR]


def with_auditor() -> Log:
    """The decided heat, under rules by which the auditor may attest, has a key, and need not sign."""
    rules = rulebook()
    for source in rules["sources"]:
        if source["source"] == AUDITOR:
            source["types"] = [*source["types"], "replay.attested"]
            source["keys"] = [AUDITOR_KEY.vkey]
    log = Log()
    log.tell(announced(rules), *at("decided").records[1:])
    assert log.state.status("heat") == "decided"
    return log


def signed_by_auditor(said: Envelope) -> Record:
    record = record_of(said, signed=False)
    assert record.value is not None
    return replace(record, headers=(*record.headers, (JWS_HEADER, AUDITOR_KEY.jws(record.value))))


def test_a_difference_is_told_when_there_is_one_and_only_then() -> None:
    start = given(on=at("decided"))
    start.when(attested("a", decision(), 21.5, result="different")).refused("schema-invalid")
    start.when(attested("b", decision(), 21.5, difference=DIFFERENCE)).refused("schema-invalid")
    start.when(attested("c", decision(), 21.5, result="different", difference=DIFFERENCE)).accepted()


def test_what_comes_before_its_decision_waits_for_it() -> None:
    given(on=at("marked")).when(attested("early", decision(), 20.5)).pending("event")
    log = deepcopy(at("marked"))
    log.tell(attested("early", decision(), 20.5))
    log.progress(day(21) + 1)
    assert attestations_view(log.state.phases["heat"].decisions[decision()])[0]["source"] == ATTESTOR
    assert not log.state.waiting


def test_of_each_source_the_last_word_on_a_decision_counts() -> None:
    log = deepcopy(at("decided"))
    log.tell(
        attested("first", decision(), 21.5, 90, "different", difference=DIFFERENCE),
        attested("other", decision(), 21.6, 91, source=DIRECTOR),
        attested("last", decision(), 21.7, 92),
    )
    view = attestations_view(log.state.phases["heat"].decisions[decision()])
    assert [(row["source"], row["size"], row["result"]) for row in view] == [
        (DIRECTOR, 91, "identical"),
        (ATTESTOR, 92, "identical"),
    ]


@pytest.mark.parametrize("stage", ["decided", "signed", "final"])
def test_an_attestation_makes_nothing_due_and_changes_no_status(stage: str) -> None:
    log = deepcopy(at(stage))
    now_ms = day(60)
    before = (due(log.state, now_ms), {name: phase.status for name, phase in log.state.phases.items()})
    log.tell(attested("a", decision(), 59, result="different", difference=DIFFERENCE))
    assert (due(log.state, now_ms), {name: phase.status for name, phase in log.state.phases.items()}) == before
    assert log.replay().is_identical


def test_everybody_sees_an_attestation_but_not_what_came_out_differently() -> None:
    good = attested("a", decision(), 21.5)
    bad = attested("b", decision(), 21.5, result="different", difference=DIFFERENCE)
    for shows in (to_everybody("narrow"), to_entrant("ash")):
        assert (shows(good), shows(bad)) == (True, False)
