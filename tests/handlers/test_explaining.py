"""Explanations of small programmes: what became of whom, why, by which entries, and what did not count."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.telling.calculations import rows
from console.telling.sentences import Words, names_of
from console.telling.writing import LANGUAGES
from events.errors import NotFound
from events.values import parse_exact
from handlers.due import next_instant
from handlers.explaining import decision_to_explain, explain, find_entrant, phase_to_explain
from handlers.explanation import Explanation, Noted, Point
from handlers.fold import fold
from handlers.state import Decision
from tests.handlers.test_arithmetic import assert_adds_up
from tests.support import long_cup, small
from tests.support.explained import codes, digits, explained, known_of_log
from tests.support.long_cup import TEAMS, day
from tests.support.long_history import played
from tests.support.long_stages import at
from tests.support.long_told import (
    annulled,
    applied,
    beginnings,
    conflict,
    corrected,
    found,
    mark,
    marks,
    recused,
    registered,
    signed,
    submitted,
    tie,
    voided,
    voted,
    waived,
    withdrawn,
)
from tests.support.rooted import RootedLog
from tests.support.walker import SAYINGS, Walker, what_is_owed

RULES: list[dict[str, Any]] = [{}, {"missing": "exclude"}, {"conflicts": "recuse", "ties": ["jury"]}]


def decided(*said: Any, given_marks: Any = None, **rules: Any) -> RootedLog:
    """The heat, decided on day 21 from the usual marks, with something said before the intake closed."""
    log = at("handed-in", **rules)
    log.tell(*(marks("heat", TEAMS, 15) if given_marks is None else given_marks), *said)
    log.progress(day(21) + 1)
    return log


def why(told: Explanation) -> list[str]:
    assert told.standing is not None
    return codes(told.standing.points)


def said_of(told: Explanation, lang: Any = "en") -> str:
    assert told.standing is not None
    words = Words(lang)
    return " ".join(words.sentence(point) for point in told.standing.points)


def test_who_advances_and_who_does_not_is_told_with_place_total_and_margin() -> None:
    log = decided()
    assert said_of(explained(log, "cedar")).replace("\N{NO-BREAK SPACE}", " ") == (
        "cedar does not advance from heat. Its total is 50.0 points: rank 3 of 3. By its score it stands in place 3 among "
        "those eligible; the phase has only 2 places. It is 15.0 points behind the last entrant with a place."
    )
    assert why(explained(log, "ash")) == ["outcome.advanced", "standing", "reason.rank-within-places", "margin.ahead"]
    assert [row.entrant for row in explained(log, None).standings] == ["ash", "birch", "cedar"]


def test_the_arithmetic_is_that_of_the_recorded_assessment() -> None:
    told = explained(decided(), "birch")
    assert [(one.criterion, one.value) for one in told.worked] == [
        ("bench", "40.0"),
        ("jury", "25.0"),
        ("total", "65.0"),
    ]
    assert [line.shown for line in told.worked[1].lines if not line.is_trivial] == ["(30 + 20 + 25) / 3"]


def test_a_floor_that_is_not_reached_is_told_with_what_is_short() -> None:
    told = explained(decided(heat={"floors": {"jury": "22.5"}}), "cedar")
    assert "At least 22.5 points are asked for in jury. It has 20.0, which is 2.5 too few." in said_of(told).replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_a_tie_names_what_decided_it_and_a_person_who_did() -> None:
    level = [*marks("heat", ("ash", "birch"), 15), mark("cedar", "bench", 15, "35")]
    level += [mark("cedar", who, 15, "30") for who in ("ann", "ben", "cai")]
    told = explained(decided(given_marks=level, heat={"ties": ["jury", "panel"]}), "cedar")
    assert "jury decided: 30.0 against 25.0." in said_of(told)
    log = decided(tie("tied", 16, "cedar", "birch", "ash"), given_marks=level)
    assert "reason.tie-broken-by.person" in why(explained(log, "birch"))


def test_withdrawn_absent_and_unrecognised_entrants_have_their_reasons() -> None:
    log = decided(withdrawn("cedar", 16))
    assert why(explained(log, "cedar")) == ["outcome.withdrawn", "reason.withdrawn"]
    log = at("open")
    log.tell(*(submitted(team, 5) for team in TEAMS[:2]))
    log.progress(day(10) + 1)
    log.tell(*marks("heat", TEAMS[:2], 15))
    log.progress(day(21) + 1)
    assert why(explained(log, "cedar")) == ["outcome.eliminated", "reason.no-submission"]
    log = at("final", heat={"advance": {"places": "4"}})
    log.tell(registered("elm", 50))
    log.progress(day(100) + 1)
    log.tell(applied("elm", 105))
    log.progress(day(110) + 1)
    log.tell(*marks("again", ("elm",), 115), voted("ann", "elm", 116), voted("ben", "elm", 116, "no"))
    log.progress(day(121) + 1)
    told = explained(log, "elm", "again")
    assert "reason.not-recognised" in why(told)
    assert [code for code in codes(told.course) if "voted" in code] == ["course.voted.yes", "course.voted.no"]


def test_a_held_phase_says_who_owes_what_and_shows_no_mark() -> None:
    log = decided(given_marks=marks("heat", TEAMS, 15)[:-1])
    told = explained(log, "cedar")
    assert (told.status, told.decided, told.worked, codes(told.owed)) == ("held", None, (), ["held.mark-missing"])
    assert told.owed[0].facts == {"who": "cai", "entrant": "cedar", "criterion": "jury", "item": "art"}
    assert explained(log, "ash").owed == ()
    assert codes(explained(log, None).owed) == ["held.mark-missing"]


def test_a_hold_for_a_ruling_and_for_a_tie_is_taken_apart() -> None:
    (owed,) = explained(decided(found("f", "birch", 16)), "birch").owed
    assert (owed.code, owed.facts["who"], owed.facts["finding"]) == ("held.ruling-outstanding", "ministry", "f")
    level = [*marks("heat", ("ash", "birch"), 15), mark("cedar", "bench", 15, "35")]
    level += [mark("cedar", who, 15, "30") for who in ("ann", "ben", "cai")]
    owed_all = explained(decided(given_marks=level, heat={"ties": ["panel"]}), None).owed
    assert {(row.code, row.facts["entrant"], row.facts["place"]) for row in owed_all} == {
        ("held.tie-unresolved", "birch", "2"), ("held.tie-unresolved", "cedar", "2"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "rules", "expected"),
    [
        (recused("r", "ann", 16, "cedar"), {}, "left-out.recused"),
        (conflict("c", "ann", 16, "cedar"), {"conflicts": "recuse"}, "left-out.conflict"),
        (conflict("c", "ann", 16, "cedar"), {}, "left-out.conflict-on-record"),
        (annulled("a", "ann", 16), {}, "left-out.annulled"),
        (annulled("a", "ann", 16), {"approvals": {"marks.annulled": "director"}}, "left-out.act-unapproved"),
        (corrected("x", "score-heat-cedar-ann", 16, "21", source="urn:jury:ann"), {}, "left-out.corrected"),
    ],
)
def test_what_was_done_to_marks_is_told_with_whether_it_had_effect(
    said: Any, rules: dict[str, Any], expected: str
) -> None:
    told = explained(decided(said, heat=rules), "cedar")
    assert codes(told.left_out) == [expected]
    assert told.left_out[0].facts["evaluator"] == "ann"
    assert len(told.left_out[0].indexes) == (2 if expected == "left-out.corrected" else 1)


def test_voided_waived_and_missing_marks_are_told() -> None:
    log = decided(
        voided("v", "score-heat-cedar-cai", 16, "urn:jury:cai"), waived("w", 17, entrant="cedar", evaluator="cai")
    )
    assert sorted(codes(explained(log, "cedar").left_out)) == ["left-out.voided", "left-out.waived"]
    for policy, code in (("exclude", "left-out.missing"), ("zero", "left-out.nothing")):
        log = decided(given_marks=marks("heat", TEAMS, 15)[:-1], heat={"missing": policy})
        assert codes(explained(log, "cedar").left_out) == [code]


def test_an_act_after_the_decision_had_no_effect_on_it() -> None:
    log = decided()
    log.tell(recused("late", "ann", 23, "cedar"))
    assert codes(explained(log, "cedar").left_out) == ["left-out.act-too-late"]


def every_explanation(log: RootedLog) -> list[Explanation]:
    """Of every decision, also of superseded ones, every entrant and the whole; of phases without one what is owed."""
    state = fold(small.PROGRAMME, log.stored)
    told = []
    for phase_id, phase in state.phases.items():
        decisions: list[Decision | None] = [*phase.decisions.values()]
        for decision in decisions or [None]:
            known = known_of_log(log, decision)
            told += [explain(known, phase_id, entrant, decision) for entrant in (None, *phase.entrants)]
    return told


def assert_holds(told: Explanation, words: Words) -> None:
    """Every formula gives its value, every sentence can be said, and has no number that the explanation has not."""
    facts = digits(repr(told.data()))
    points: list[Point | Noted] = [*told.points, *told.owed, *told.course, *told.left_out]
    points += [point for row in told.standings for point in row.points]
    for point in points:
        assert digits(words.sentence(point)) <= digits(" ".join(point.facts.values())) | {"0"}
        assert digits(" ".join(point.facts.values())) <= facts
    for one in told.worked:
        assert_adds_up(one)
        assert {digit for row in rows(words, one) for digit in digits(row.text)} <= facts | _digits_of_values(one)
    if told.standing is not None and told.standing.total is not None:
        (total,) = [one for one in told.worked if one.criterion == "total"]
        assert total.value == told.standing.total


def _digits_of_values(one: Any) -> set[str]:
    """Numbers that do not end are cut for people; rounded ones have the places that they were rounded to."""
    from handlers.formulas import shortened

    texts = [shortened(line.value) for line in one.lines]
    texts += [shortened(text) for line in one.lines for name, text in line.facts.items() if name in ("before", "after")]
    return digits(" ".join(texts)) | {"0"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_decision_of_a_long_life_is_explained_in_every_language(lang: Any) -> None:
    log = played()
    told = every_explanation(log)
    words = Words(lang, names_of(log.state))
    for one in told:
        assert_holds(one, words)
    assert sum(one.decided is not None and one.decided.superseded_by is not None for one in told) == 12
    last = [one for one in told if one.phase == "heat"][-1]
    assert last.points[-1].code == "decision.supersedes"


def test_a_superseded_decision_is_explained_by_what_was_known_at_its_cut() -> None:
    """Cedar's third mark was waived in the first round and given in the second."""
    log = played()
    state = fold(small.PROGRAMME, log.stored)
    first, second = list(state.phases["heat"].decisions.values())[:2]
    for decision, expected in ((first, True), (second, False)):
        told = explain(known_of_log(log, decision), "heat", "cedar", decision)
        assert ("left-out.waived" in codes(told.left_out)) is expected
        assert told.decided is not None
        assert told.decided.id == decision.fact.event.id


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), rules=st.sampled_from(RULES))
def test_whatever_was_said_and_decided_can_be_explained(seed: int, rules: dict[str, Any]) -> None:
    walker, log, now_ms = Walker(Random(seed)), RootedLog(), day(-10)
    log.tell(long_cup.announced(long_cup.rulebook(heat=rules)), *beginnings())
    for _ in range(12):
        for _ in range(4):
            now_ms += 1
            kind = walker.dice.choice(sorted(SAYINGS))
            log.tell(walker.say(kind, log.state, (now_ms - small.OPENS) / small.DAY))
        log.tell(*what_is_owed(walker, log.state, (now_ms - small.OPENS) / small.DAY))
        now_ms = next_instant(log.state, now_ms) or now_ms + small.DAY
        now_ms += 1
        log.progress(now_ms)
    words = Words("fr", names_of(log.state))
    for told in every_explanation(log):
        assert_holds(told, words)
        if told.decided is not None and told.standing is not None and told.worked:
            assert parse_exact(told.worked[-1].lines[-1].value) == parse_exact(told.worked[-1].exact or "")


def test_names_and_phases_are_found_or_told_to_be_unknown() -> None:
    log = decided()
    assert find_entrant(log.state, "ce") == "cedar"
    assert phase_to_explain(log.state, "ash", None) == "heat"
    for call in (
        lambda: find_entrant(log.state, "oak"),
        lambda: phase_to_explain(log.state, "oak", None),
        lambda: decision_to_explain(log.state.phases["heat"], "zzz"),
        lambda: explain(known_of_log(log, None), "finale"),
        lambda: explain(known_of_log(log, None), "heat", "elm"),
    ):
        with pytest.raises(NotFound):
            call()
    log.tell(*signed(25))
    assert "course.signed" in codes(explained(log, "ash").course)
