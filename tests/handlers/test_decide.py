"""decide: the events of each transition, byte for byte the same whoever says them again."""

from __future__ import annotations

from hashlib import sha256

import pytest

from events.decisions import Basis
from events.derived import pipeline_source
from events.envelope import encode
from events.record import TOPICS
from events.values import parse_instant
from handlers import decide
from handlers.state import State
from handlers.transition import FinaliseDecision, HoldPhase, MarkWindow, OpenPhase
from tests.handlers.test_order import played
from tests.support import small
from tests.support.log import BASIS, folded
from tests.support.stages import DECISION, at
from tests.support.told import ruled

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES


def decided(state: State, basis: Basis = BASIS) -> list[bytes]:
    return [encode(event) for _, event in decide.phase_decided(state, "heat", basis)]


def at_the_cut() -> State:
    log = at("final")
    return folded(log.stored[: log.state.phases["heat"].cut])


def test_the_decision_is_of_every_entrant_and_lists_their_assessments() -> None:
    *assessments, decision = decide.phase_decided(at_the_cut(), "heat", BASIS)
    assert [event.data["entrant"] for _, event in assessments] == ["ash", "birch", "cedar"]
    assert decision[1].data["assessments"] == [event.id for _, event in assessments]
    assert {row["entrant"]: row["outcome"] for row in decision[1].data["outcomes"]} == {
        "ash": "advanced", "birch": "eliminated", "cedar": "eliminated",
    }  # fmt: skip
    assert decision[1].data["vacancies"] == 1


def test_totals_are_those_a_person_gets_with_a_calculator() -> None:
    *assessments, _ = decide.phase_decided(at_the_cut(), "heat", BASIS)
    totals = {event.data["entrant"]: event.data["scores"]["total"]["value"] for _, event in assessments}
    assert totals == {"ash": "81.7", "birch": "66.8", "cedar": "38.0"}


def test_a_decision_said_again_has_the_same_bytes() -> None:
    assert decided(at_the_cut()) == decided(at_the_cut())


def test_what_comes_after_the_cut_does_not_change_the_decision() -> None:
    log = played()
    cut = log.state.phases["heat"].cut
    assert cut is not None
    assert decided(folded(log.stored[:cut])) == [encode(event) for event in log.decisions]


def test_only_the_basis_tells_two_decisions_on_the_same_facts_apart() -> None:
    other = BASIS.model_copy(update={"size": 7})
    first, second = decided(at_the_cut()), decided(at_the_cut(), other)
    assert first != second
    assert [one.replace(b'"size":0', b'"size":7') for one in first] == second


def test_the_public_part_of_a_decision_has_no_numbers() -> None:
    (*_, (_, decision)) = decide.phase_decided(at_the_cut(), "heat", BASIS)
    for row in decision.data["outcomes"]:
        assert all(set(reason) <= {"code", "criterion", "gate"} for reason in row["reasons"])


def test_the_time_of_a_derived_event_is_the_latest_receipt_among_its_causes() -> None:
    (*_, (_, decision)) = decide.phase_decided(at_the_cut(), "heat", BASIS)
    assert parse_instant(decision.time) == OPENS + 22 * DAY
    _, final = decide.decision_finalised(at("final").state, FinaliseDecision("heat", DECISION))
    assert parse_instant(final.time) == OPENS + 33 * DAY + 1


def test_a_decision_that_waited_for_no_ruling_has_the_time_of_the_closing() -> None:
    log = at("scored")
    log.tell(small.rebuttal(), ruled("r", "finding-birch", OPENS + 18 * DAY, "met"))
    log.progress(DEADLINES["audits"] + 1)
    assert {parse_instant(event.time) for event in log.decisions} == {DEADLINES["audits"] + 1}


def test_ids_are_of_what_the_event_is_and_known_before_it_is_made() -> None:
    (*_, (_, decision)) = decide.phase_decided(at_the_cut(), "heat", BASIS)
    assert decision.id == DECISION
    assert decision.source == pipeline_source(small.PROGRAMME)


def test_a_marker_goes_to_each_topic_that_lacks_one_and_every_attempt_has_its_own_id() -> None:
    state = at("scored").state
    command = MarkWindow("heat", "scores", DEADLINES["scores"], tuple((topic, 1) for topic in TOPICS))
    markers = decide.markers_of(state, command)
    assert [topic for topic, _ in markers] == list(TOPICS)
    again = decide.markers_of(state, MarkWindow("heat", "scores", DEADLINES["scores"], (("scores", 2),)))
    assert len({event.id for _, event in [*markers, *again]}) == 5


def test_opening_names_entrants_and_windows_as_the_rulebook_gives_them() -> None:
    log = at("open")
    _, opened = decide.phase_opened(log.state, OpenPhase("heat", ("ash",)))
    assert opened.data["entrants"] == ["ash"]
    assert {window: parse_instant(until) for window, until in opened.data["windows"].items()} == DEADLINES


def test_each_hold_of_a_phase_is_an_event_of_its_own() -> None:
    state = at("held").state
    ids = {decide.phase_held(state, HoldPhase("heat", (), ordinal), OPENS)[1].id for ordinal in (1, 2, 3)}
    assert len(ids) == 3


def test_closing_names_the_last_marker_of_each_topic_and_the_smallest_log_that_holds_them() -> None:
    log = at("marked")
    log.progress(DEADLINES["audits"] + 1)
    phase = log.state.phases["heat"]
    stops = decide.closing_offsets(log.state, phase)
    for topic in TOPICS:
        assert log.state.markers["heat", "audits"][topic].offset == stops[topic]
    last = max(fact.index for fact in log.state.markers["heat", "audits"].values())
    assert decide.closing_size(log.state, phase) == last + 1


@pytest.mark.parametrize(
    ("owners", "stop", "ranges"),
    [
        ([(0, "small-cup")], 1, "[]"),
        ([(0, "small-cup"), (1, "other"), (2, "other"), (3, "third")], 4, '[[1,3,"other"],[3,4,"third"]]'),
        ([(1, "small-cup"), (3, "small-cup")], 6, '[[0,1,"control"],[2,3,"control"],[4,6,"control"]]'),
    ],
)
def test_whose_the_other_offsets_are_is_the_digest_of_their_ranges(
    owners: list[tuple[int, str]], stop: int, ranges: str
) -> None:
    digest = decide.attribution_digest("small-cup", [("scores", 1, owners)], {"scores": stop})
    assert digest == sha256(f'[["scores",1,{ranges}]]'.encode()).hexdigest()
