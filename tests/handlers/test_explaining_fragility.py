"""How close it was, as explanations say it: each claim is that of a decision made again."""

from __future__ import annotations

import pytest

from console.telling.sentences import Words, names_of
from console.telling.writing import LANGUAGES, Language
from events.values import parse_exact
from handlers.explaining_fragility import fragility_of
from handlers.fold import fold
from handlers.stability.again import Again
from handlers.stability.inputs import inputs_of
from handlers.state import State
from tests.handlers.test_explaining import decided
from tests.support import small
from tests.support.explained import digits
from tests.support.long_history import played
from tests.support.long_told import mark, marks
from tests.support.rooted import RootedLog


def at_cut(log: RootedLog) -> State:
    decision = log.state.phases["heat"].in_force
    assert decision is not None
    return fold(small.PROGRAMME, log.stored[: decision.fact.data["basis"]["size"]])


def narrow() -> RootedLog:
    """Birch has 40 and 25, cedar 30 and (60 + 24 + 20) / 3 = 34.7: a third of a point apart, and cai alone keeps birch in."""
    given = [*marks("heat", ("ash", "birch"), 15), mark("cedar", "bench", 15, "30")]
    given += [mark("cedar", who, 15, value) for who, value in (("ann", "40"), ("ben", "40"), ("cai", "24"))]
    return decided(given_marks=given)


def test_what_turns_an_outcome_is_named_with_what_becomes_of_whom() -> None:
    points = fragility_of(at_cut(narrow()), "heat", "birch")
    said = {(point.code, point.facts.get("evaluator", point.facts.get("criterion"))): point.facts for point in points}
    assert ("fragile.evaluator", "cai") in said
    assert said["fragile.evaluator", "cai"]["outcomes"] == "birch=eliminated,cedar=advanced"
    assert ("fragile.criterion", "bench") in said
    assert fragility_of(at_cut(narrow()), "heat", "ash")[0].code == "fragile.steady"


def test_the_smallest_change_is_one_that_turns_it_when_decided_again() -> None:
    state = at_cut(narrow())
    (point,) = [p for p in fragility_of(state, "heat", "birch", smallest=True) if p.code == "fragile.mark"]
    again = Again(inputs_of(state, state.phases["heat"]))
    slot = (point.facts["entrant"], point.facts["criterion"], point.facts["item"], point.facts["evaluator"])
    after = again.with_mark(slot, parse_exact(point.facts["instead"]))
    turned = dict(part.split("=") for part in point.facts["outcomes"].split(","))
    assert {name: after.fates[name] or "open" for name in turned} == turned
    assert again.base.fates["birch"] != after.fates["birch"]
    assert point.facts["value"] == str(again.inputs.marks[slot].value)


def test_where_no_mark_can_turn_it_that_is_said() -> None:
    given = [*marks("heat", ("ash", "birch"), 15), mark("cedar", "bench", 15, "0")]
    given += [mark("cedar", who, 15, "0") for who in ("ann", "ben", "cai")]
    points = fragility_of(at_cut(decided(given_marks=given)), "heat", "cedar", smallest=True)
    assert [point.code for point in points] == ["fragile.steady", "fragile.no-mark"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_is_said_of_every_decision_without_a_number_that_is_not_there(lang: Language) -> None:
    log = played()
    words = Words(lang, names_of(log.state))
    for phase_id, phase in log.state.phases.items():
        for decision in phase.decisions.values():
            state = fold(small.PROGRAMME, log.stored[: decision.fact.data["basis"]["size"]])
            for entrant in (None, *phase.entrants):
                points = fragility_of(state, phase_id, entrant)
                assert points
                for point in points:
                    assert digits(words.sentence(point)) <= digits(" ".join(point.facts.values()))
