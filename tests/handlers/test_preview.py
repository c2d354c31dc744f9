"""What acts would change: the same that they do change when they are done, and nothing of it happens by asking."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from events.envelope import Envelope, decode
from events.errors import Refused
from events.rulebook import parse_rulebook
from handlers.copied import copied
from handlers.preview import PhasePreview, preview, preview_rules
from handlers.rule_changes import rule_changes
from handlers.state import State
from handlers.views import changes
from tests.support import long_cup
from tests.support.long_cup import JURY, TEAMS, day
from tests.support.long_stages import at
from tests.support.long_told import (
    annulled,
    conflict,
    corrected,
    found,
    heard,
    mark,
    marks,
    objected,
    recused,
    reopened,
    ruled,
    score,
    tie,
    voided,
    waived,
    withdrawn,
)
from tests.support.rooted import RootedLog


def asked(log: RootedLog, number: float, *events: Envelope) -> PhasePreview:
    """The one phase concerned; every event would be accepted, and the state is as it was."""
    before = deepcopy(log.state)
    (phase,), unaccepted = preview(log.state, events, day(number))
    assert unaccepted == []
    assert log.state == before
    return phase


def moves(phase: PhasePreview) -> dict[str, tuple[Any, Any]]:
    """Rank, total and outcome before and after of everybody for whom one differs."""
    rows = phase.data()["changes"]
    return {row["entrant"]: (tuple(row["before"].values()), tuple(row["after"].values())) for row in rows}


def codes(phase: PhasePreview) -> list[str]:
    return [row["code"] for row in phase.assumes]


FLIPPED = {
    "birch": ((2, "65.0", "advanced"), (3, "65.0", "eliminated")),
    "cedar": ((3, "50.0", "eliminated"), (2, "70.0", "advanced")),
}


def test_a_correction_that_flips_the_cut_is_seen_before_it_is_made() -> None:
    phase = asked(at("decided"), 22, corrected("c", score("cedar", "bench"), 22, "50"))
    assert (phase.phase, phase.vacancies, phase.missing) == ("heat", (0, 0), ())
    assert moves(phase) == FLIPPED
    assert codes(phase) == ["reopened"]


@pytest.mark.parametrize(
    "events",
    [
        [corrected("c", score("cedar", "bench"), 22.5, "50")],
        [recused("r", "ann", 22.5, "birch", "cedar")],
        [annulled("a", "ann", 22.5)],
        [voided("v", score("ash", "bench"), 22.5), mark("ash", "bench", 22.6, "1", event_id="new")],
        [voided("v", score("birch", "cai"), 22.5), waived("w", 22.6, evaluator="cai", entrant="birch")],
        [withdrawn("ash", 22.5)],
        [tie("t", 22.5, "birch", "ash")],
    ],
    ids=lambda events: events[0].type,
)
def test_what_was_previewed_is_what_comes_when_it_is_done(events: list[Envelope]) -> None:
    log = at("decided")
    foreseen = asked(log, 22, *events).data()["changes"]
    log.tell(reopened("again", 22, 23))
    log.tell(*(within(event, "again") for event in events))
    log.progress(day(23) + 1)
    (superseded,) = changes(log.state.phases["heat"])
    assert superseded["entrants"] == foreseen


def within(event: Envelope, reopening: str) -> Envelope:
    """A mark or a correction in the time of a reopening."""
    is_mark = event.type in ("phasegate.score.recorded.v1", "phasegate.score.corrected.v1")
    return replace(event, data={**event.data, "reopening": reopening}) if is_mark else event


def test_before_the_intake_closes_nothing_needs_to_be_reopened() -> None:
    phase = asked(at("marked"), 19, corrected("c", score("cedar", "bench"), 19, "50"))
    assert moves(phase) == FLIPPED
    assert codes(phase) == []


def test_what_would_come_too_late_for_an_open_phase_is_supposed_to_be_in_time() -> None:
    phase = asked(at("marked"), 20.5, corrected("c", score("cedar", "bench"), 20.5, "50"))
    assert moves(phase) == FLIPPED
    assert codes(phase) == ["in-time"]


def test_marks_that_are_missing_are_told() -> None:
    log = at("handed-in")
    log.tell(*marks("heat", TEAMS, 15)[:-1])
    phase = asked(log, 16, corrected("c", score("cedar", "bench"), 16, "50"))
    assert [(row["code"], row["who"], row["what"]) for row in phase.missing] == [
        ("mark-missing", "cai", "cedar/jury/art")
    ]
    assert phase.after["cedar"].outcome is None
    given = asked(log, 16, mark("cedar", "cai", 16, "20"))
    assert (given.missing, given.after["cedar"].total) == ((), "50.0")


@pytest.mark.parametrize(
    ("event", "birch"),
    [
        (recused("r", "ann", 22, "birch"), "62.5"),
        (annulled("a", "ann", 22), "62.5"),
        (annulled("a", "ann", 22, teams=["birch"]), "62.5"),
        (recused("r", "ben", 22, "birch"), "67.5"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.type,
)
def test_a_recusal_or_an_annulment_is_out_of_the_count(event: Envelope, birch: str) -> None:
    assert asked(at("decided"), 22, event).after["birch"].total == birch


def test_a_voided_mark_is_missing_until_it_is_given_again() -> None:
    void = voided("v", score("birch", "ann"), 22)
    phase = asked(at("decided"), 22, void)
    assert [row["what"] for row in phase.missing] == ["birch/jury/art"]
    again = asked(at("decided"), 22, void, mark("birch", "ann", 22, "0", event_id="new"))
    assert moves(again) == {"birch": ((2, "65.0", "advanced"), (2, "55.0", "advanced"))}
    waiver = asked(at("decided"), 22, void, waived("w", 22, entrant="birch", evaluator="ann"))
    assert (waiver.missing, waiver.after["birch"].total) == ((), "62.5")


def test_a_second_person_is_supposed_to_approve() -> None:
    log = at("decided", heat={"approvals": {"score.corrected": "minister"}})
    phase = asked(log, 22, corrected("c", score("cedar", "bench"), 22, "50"))
    assert moves(phase) == FLIPPED
    assert codes(phase) == ["reopened", "approved"]
    assert phase.assumes[1]["what"] == "c by minister"


def test_what_a_held_phase_waits_for_needs_no_reopening() -> None:
    log = at("marked")
    log.tell(found("f", "ash", 20.2))
    log.progress(day(25))
    assert log.state.status("heat") == "held"
    phase = asked(log, 26, ruled("r", "f", 26))
    assert codes(phase) == []
    assert phase.vacancies == (1, 1)
    assert {name: row.outcome for name, row in phase.after.items()} == {
        "ash": "eliminated", "birch": "advanced", "cedar": "eliminated",
    }  # fmt: skip


def test_a_choice_in_a_tie_is_tried_out() -> None:
    log = at("handed-in")
    log.tell(*(mark(team, who, 15, "20") for team in TEAMS for who in ("bench", *JURY)))
    log.progress(day(21) + 1)
    assert log.state.status("heat") == "held"
    phase = asked(log, 22, tie("t", 22, "cedar", "birch", "ash"))
    assert [phase.after[team].outcome for team in TEAMS] == ["eliminated", "advanced", "advanced"]
    assert phase.before["ash"].outcome is None


def test_a_withdrawal_counts_where_the_entrant_had_a_place() -> None:
    log = at("decided")
    gone = asked(log, 22, withdrawn("ash", 22))
    assert moves(gone) == {"ash": ((1, "80.0", "advanced"), (1, "80.0", "withdrawn"))}
    assert gone.vacancies == (0, 1)
    assert moves(asked(log, 22, withdrawn("cedar", 22))) == {}


def test_an_upheld_objection_has_the_phase_computed_anew_and_a_dismissed_one_nothing() -> None:
    log = at("signed")
    log.tell(objected("o", "cedar", 26))
    log.progress(day(35) + 1)
    upheld = asked(log, 36, heard("h", "o", 36, "upheld"))
    assert (moves(upheld), codes(upheld)) == ({}, ["reopened"])
    assert codes(asked(log, 36, heard("h", "o", 36, "dismissed"))) == []


def test_a_conflict_excludes_nothing_unless_the_rules_say_so() -> None:
    said = conflict("k", "ann", 22, "birch")
    assert moves(asked(at("decided"), 22, said)) == {}
    assert asked(at("decided", heat={"conflicts": "recuse"}), 22, said).after["birch"].total == "62.5"


def test_what_would_not_be_accepted_is_told_and_changes_nothing() -> None:
    wrong = corrected("c", score("cedar", "bench"), 22, "61")
    (phase,), unaccepted = preview(at("decided").state, [wrong], day(22))
    assert [(row["id"], row["verdict"], row["reason"]) for row in unaccepted] == [("c", "refused", "out-of-range")]
    assert phase.data()["changes"] == []
    _, unaccepted = preview(at("decided").state, [ruled("r", "nothing", 22)], day(22))
    assert unaccepted[0]["reason"] == "unknown-reference"


def test_a_final_decision_does_not_change_and_a_reopened_phase_goes_on_from_its_round() -> None:
    with pytest.raises(Refused, match="heat is final"):
        preview(at("final").state, [voided("v", score("birch", "ann"), 40)], day(40))
    assert preview(at("final").state, [recused("r", "ann", 40, "birch")], day(40)) == ([], [])
    log = at("decided")
    log.tell(reopened("again", 22, 23))
    assert codes(asked(log, 22.5, corrected("c", score("cedar", "bench"), 22.5, "50"))) == []


@pytest.mark.parametrize("stage", ["begun", "marked", "decided", "called"])
def test_no_event_of_a_programme_s_life_stops_a_preview(stage: str) -> None:
    """Told at the wrong time they are not accepted, or are about what is final."""
    told = [decode(record.value) for record in at("called").records]
    told += [recused("r", "ann", 22, "ash"), heard("h", "o", 36, "upheld"), reopened("again", 22, 23)]
    state = at(stage).state
    for event in told:
        with suppress(Refused):
            phases, _ = preview(state, [event], max(state.order_ms.values()) + 1)
            assert all(phase.phase in state.phases for phase in phases)


def test_a_copy_is_equal_and_changes_alone() -> None:
    state: State = at("signed").state
    copy = copied(state)
    assert copy == state
    phase = copy.phases["heat"]
    assert phase.decision is phase.decisions[long_cup.decision()]
    assert phase.decision is not state.phases["heat"].decision


# --- rules ------------------------------------------------------------------------------------------------------------


def test_other_rules_are_tried_on_the_marks_that_there_are() -> None:
    log = at("decided")
    document = long_cup.rulebook(heat={"advance": {"places": "1"}, "gates": None})
    (phase,) = preview_rules(log.state, parse_rulebook(document))
    assert moves(phase) == {"birch": ((2, "65.0", "advanced"), (2, "65.0", "eliminated"))}
    assert log.state.phases["heat"].rules.gates


def test_rulebooks_differ_by_path() -> None:
    before = long_cup.rulebook()
    after = long_cup.rulebook(heat={"advance": {"places": "1"}, "ties": ["jury", "panel"]}, finale={"awards": None})
    assert [(row.path, row.before, row.after) for row in rule_changes(before, after)] == [
        ("phases.heat.ties", ["panel"], ["jury", "panel"]),
        ("phases.heat.advance.places", "2", "1"),
        ("phases.finale.awards", {"title": "laureate"}, None),
    ]
    assert list(rule_changes(before, long_cup.rulebook())) == []
    assert [row.path for row in rule_changes({"steps": [{"by": "sum"}]}, {"steps": [{"by": "mean"}, {}]})] == [
        "steps.0.by",
        "steps.1",
    ]
