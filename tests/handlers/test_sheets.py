"""What one evaluator has to mark: the items of their panels, what is given, what is out of the count, until when."""

from __future__ import annotations

from handlers.marking_order import drawn, seed_of, seed_size
from handlers.sheets import Sheet, closes_ms, is_seated, may_come, sheets_of
from handlers.state import PhaseState
from tests.support.long_cup import TEAMS, day
from tests.support.long_stages import at
from tests.support.long_told import (
    annulled,
    appointed,
    approved,
    conflict,
    corrected,
    mark,
    marks,
    recused,
    reopened,
    score,
    submitted,
    voided,
    waived,
    withdrawn,
)
from tests.support.rooted import RootedLog


def heat(log: RootedLog) -> PhaseState:
    return log.state.phases["heat"]


def sheets(log: RootedLog, evaluator: str = "ann") -> dict[str, Sheet]:
    phase = heat(log)
    seed = seed_of(phase, bytes.fromhex(log.root(seed_size(phase))))
    found = sheets_of(log.state, phase, evaluator, seed)
    assert [sheet.entrant for sheet in found] == list(drawn(seed, evaluator, phase.entrants if found else ()))
    return {sheet.entrant: sheet for sheet in found}


def value(log: RootedLog, team: str, evaluator: str = "ann") -> str | None:
    (line,) = sheets(log, evaluator)[team].lines
    return None if line.mark is None else line.mark.value


def test_an_evaluator_has_the_items_of_their_own_panel_alone() -> None:
    log = at("handed-in")
    assert {line.item for sheet in sheets(log).values() for line in sheet.lines} == {"art"}
    assert {line.item for sheet in sheets(log, "bench").values() for line in sheet.lines} == {"speed"}
    assert set(sheets(log)) == set(TEAMS)


def test_who_is_of_no_panel_here_has_nothing() -> None:
    log = at("handed-in")
    log.tell(appointed("zoe", 12, panel="elsewhere"))
    assert sheets(log, "zoe") == {}
    assert not is_seated(log.state, heat(log), "zoe")
    assert is_seated(log.state, heat(log), "ann")
    assert not may_come(log.state, log.state.phases["heat"].rules, "zoe")
    assert may_come(log.state, log.state.phases["heat"].rules, "ann")


def test_what_is_given_is_seen_and_nothing_of_anybody_else() -> None:
    log = at("handed-in")
    log.tell(*(row for row in marks("heat", TEAMS, 15) if row.data["evaluator"] != "ann"))
    assert {sheet.given for sheet in sheets(log).values()} == {0}
    log.tell(mark("ash", "ann", 16, "31"))
    assert value(log, "ash") == "31"
    assert sheets(log)["ash"].missing == ()
    assert [line.item for line in sheets(log)["birch"].missing] == ["art"]


def test_a_correction_counts_at_once_or_waits_for_a_second_person() -> None:
    log = at("handed-in")
    log.tell(mark("ash", "ann", 15, "31"), corrected("c", score("ash", "ann"), 16, "20"))
    assert value(log, "ash") == "20"
    waits = at("handed-in", heat={"approvals": {"score.corrected": "director"}})
    waits.tell(mark("ash", "ann", 15, "31"), corrected("c", score("ash", "ann"), 16, "20"))
    (line,) = sheets(waits)["ash"].lines
    assert (value(waits, "ash"), line.proposed.value if line.proposed else None) == ("31", "20")
    waits.tell(approved("a", "c", 17))
    (line,) = sheets(waits)["ash"].lines
    assert (value(waits, "ash"), line.proposed) == ("20", None)


def test_a_voided_mark_is_missing_again() -> None:
    log = at("handed-in")
    log.tell(mark("ash", "ann", 15, "31"), voided("v", score("ash", "ann"), 16))
    assert value(log, "ash") is None
    assert sheets(log)["ash"].missing


def test_who_is_out_of_the_count_keeps_a_place_but_owes_nothing() -> None:
    log = at("handed-in")
    before = list(sheets(log))
    log.tell(recused("r", "ann", 12, "ash"))
    assert list(sheets(log)) == before
    assert (sheets(log)["ash"].out, sheets(log)["ash"].missing) == ("recused", ())
    assert {sheet.out for sheet in sheets(log, "ben").values()} == {None}
    log.tell(annulled("a", "ann", 13, teams=["birch"]))
    assert sheets(log)["birch"].out == "annulled"


def test_a_conflict_is_out_of_the_count_only_where_the_rules_say_so() -> None:
    for policy, out in (("recuse", "conflict"), ("record", None)):
        log = at("handed-in", heat={"conflicts": policy})
        log.tell(conflict("c", "ann", 12, "ash"))
        assert sheets(log)["ash"].out == out


def test_who_withdrew_or_handed_nothing_in_is_nobody_s_to_mark() -> None:
    log = at("open")
    assert {sheet.out for sheet in sheets(log).values()} == {None}
    log.tell(submitted("ash", 5), submitted("birch", 5), withdrawn("birch", 6))
    log.progress(day(10) + 1)
    assert {team: sheet.out for team, sheet in sheets(log).items()} == {
        "ash": None,
        "birch": "withdrew",
        "cedar": "no-submission",
    }


def test_a_waived_mark_is_not_missing() -> None:
    log = at("handed-in", heat={"missing": "waive"})
    log.tell(waived("w", 12, entrant="ash", evaluator="ann"))
    assert sheets(log)["ash"].missing == ()
    assert sheets(log, "ben")["ash"].missing


def test_it_closes_when_the_scores_do_and_in_a_reopening_when_that_ends() -> None:
    log = at("decided")
    assert closes_ms(log.state, heat(log)) == day(20)
    log.tell(reopened("again", 23, until=27))
    assert closes_ms(log.state, heat(log)) == day(27)
