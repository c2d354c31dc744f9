"""`preview`, `--dry-run` and `amend`: what would change is shown, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from events.envelope import encode
from tests.console.conftest import Answer, Phasegate
from tests.support import long_cup, long_told, small
from tests.support.long_cup import OFFICE, TEAMS, day, decision, instant
from tests.support.long_told import score
from tests.support.stage import Stage

CUP = small.PROGRAMME
CORRECT = ("correct", score("cedar", "bench"), "50", "--reason", "a slip", "--dry-run")
Calling = Callable[..., Answer]

FLIPPED = [
    {
        "entrant": "birch",
        "before": {"rank": 2, "total": "65.0", "outcome": "advanced"},
        "after": {"rank": 3, "total": "65.0", "outcome": "eliminated"},
    },
    {
        "entrant": "cedar",
        "before": {"rank": 3, "total": "50.0", "outcome": "eliminated"},
        "after": {"rank": 2, "total": "70.0", "outcome": "advanced"},
    },
]


def records(stage: Stage) -> tuple[int, int]:
    """How long the log is, and how many records the bus has."""
    head = stage.parts.ledger.head(CUP)
    return (0 if head is None else head.size), sum(stage.parts.bus.ends().values())


def test_a_dry_run_shows_that_a_correction_flips_the_cut_and_writes_nothing(decided: Stage, calling: Calling) -> None:
    before = records(decided)
    answer = calling(22, *CORRECT)
    assert answer.code == 0, answer.out + answer.err
    assert answer.document["schema"] == "phasegate/correct/v1"
    (heat,) = answer.data["phases"]
    assert (heat["phase"], heat["changes"], heat["missing"]) == ("heat", FLIPPED, [])
    assert [row["code"] for row in heat["assumes"]] == ["reopened"]
    assert answer.data["sent"] is False
    assert records(decided) == before


def test_a_preview_is_shown_with_arrows_and_what_it_supposes(decided: Stage, phasegate: Phasegate) -> None:
    command, *words = CORRECT
    shown = phasegate(command, CUP, *words).out
    assert "2 -> 3" in shown
    assert "eliminated -> advanced" in shown
    assert "supposing it is reopened: until" in shown
    assert shown.splitlines()[-1] == "nothing was sent"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("void", (score("birch", "bench"), "--reason", "r", "--as", OFFICE)),
        ("annul", ("heat", "ann", "--reason", "r")),
        ("recuse", ("ann", "birch", "--reason", "r")),
        ("waive", ("heat", "--reason", "r")),
        ("resolve", ("heat", "birch", "ash", "--reason", "r")),
        ("reopen", ("heat", instant(23), "--reason", "r")),
    ],
)
def test_every_act_that_can_change_an_outcome_has_a_dry_run(
    decided: Stage, calling: Calling, command: str, words: tuple[str, ...]
) -> None:
    before = records(decided)
    answer = calling(22, command, *words, "--dry-run")
    assert answer.code == 0, answer.out + answer.err
    assert [phase["phase"] for phase in answer.data["phases"]] == ["heat"]
    assert records(decided) == before


def test_what_would_be_refused_is_said_before_it_is_sent(decided: Stage, calling: Calling) -> None:
    answer = calling(22, "correct", score("cedar", "bench"), "61", "--reason", "r", "--dry-run")
    assert (answer.code, answer.document["error"]["code"]) == (6, "refused")
    assert answer.data["unaccepted"][0]["reason"] == "out-of-range"


def test_the_events_of_a_file_are_previewed_together(decided: Stage, phasegate: Phasegate, tmp_path: Path) -> None:
    """Two corrections that undo each other's effect on the cut: cedar 70, birch 75."""
    file = tmp_path / "slips.ndjson"
    first = long_told.corrected("c1", score("cedar", "bench"), 22, "50")
    second = long_told.corrected("c2", score("birch", "bench"), 22, "50")
    file.write_bytes(encode(first))
    assert phasegate("preview", CUP, file, "--json").data["phases"][0]["changes"] == FLIPPED
    file.write_bytes(encode(first) + b"\n\n" + encode(second))
    before = records(decided)
    (heat,) = phasegate("preview", CUP, file, "--json").data["phases"]
    assert [(row["entrant"], row["after"]["total"]) for row in heat["changes"]] == [
        ("birch", "75.0"),
        ("cedar", "70.0"),
    ]
    assert {row["entrant"]: row["after"]["outcome"] for row in heat["changes"]}["birch"] == "advanced"
    assert records(decided) == before


@pytest.mark.parametrize("changed", [{"subject": "other"}, {"data": {"score": "x"}}, {"type": "phasegate.odd.v1"}])
def test_a_line_that_cannot_be_previewed_is_named(
    decided: Stage, phasegate: Phasegate, tmp_path: Path, changed: dict[str, Any]
) -> None:
    file = tmp_path / "slips.ndjson"
    event = json.loads(encode(long_told.corrected("c1", score("cedar", "bench"), 22, "50")))
    file.write_text(json.dumps({**event, "topic": "scores", **changed}))
    answer = phasegate("preview", CUP, file)
    assert answer.code == 6
    assert f"{file}:1: " in answer.err


# --- rules ------------------------------------------------------------------------------------------------------------


def amended_file(folder: Path, **changed: dict[str, Any]) -> Path:
    """JSON is YAML."""
    path = folder / "rulebook-2.yaml"
    sources_and_approvals = {
        "heat": {"approvals": {"score.voided": "minister"}, "awards": None, **changed.pop("heat", {})}
    }
    document = long_cup.rulebook(**sources_and_approvals, **changed)
    path.write_text(json.dumps({**document, "version": "2"}), encoding="utf-8")
    return path


def test_an_amendment_cannot_name_an_engine_that_this_build_does_not_have(
    decided: Stage, phasegate: Phasegate, tmp_path: Path
) -> None:
    path = amended_file(tmp_path)
    answer = phasegate("amend", path, "--from", "finale", "--dry-run", "--engine", "9", "--json")
    assert (answer.code, answer.document["error"]["details"]) == (7, {"engine": "9", "known": ["1"]})
    assert phasegate("amend", path, "--from", "finale", "--dry-run", "--engine", "1", "--json").code == 0


def test_an_amendment_is_tried_on_the_marks_that_there_are(
    decided: Stage, phasegate: Phasegate, tmp_path: Path
) -> None:
    before = records(decided)
    path = amended_file(tmp_path, heat={"advance": {"places": "1"}})
    answer = phasegate("amend", path, "--from", "heat", "--dry-run", "--json")
    assert answer.code == 0, answer.out + answer.err
    assert [(row["path"], row["before"], row["after"]) for row in answer.data["rules"]] == [
        ("phases.heat.advance.places", "2", "1"),
        ("version", "1", "2"),
    ]
    (heat,) = answer.data["phases"]
    assert [(row["entrant"], row["after"]["outcome"]) for row in heat["changes"]] == [("birch", "eliminated")]
    assert "illegal-transition" in answer.document["warnings"][0]
    assert records(decided) == before
    shown = phasegate("amend", path, "--from", "heat", "--dry-run").out
    assert 'phases.heat.advance.places: "2" -> "1"' in shown


def test_rules_of_a_phase_that_is_not_open_are_amended_by_one_command(
    decided: Stage, phasegate: Phasegate, tmp_path: Path
) -> None:
    path = amended_file(tmp_path, finale={"advance": {"places": "2"}})
    words = ("amend", path, "--from", "finale", "--as", OFFICE, "--now", instant(22), "--json")
    assert phasegate(*words).code == 2
    answer = phasegate(*words, "--reason", "two can be paid", "--consent", "ash")
    assert answer.code == 0, answer.out + answer.err
    assert (answer.data["verdict"], answer.data["type"]) == ("accepted", "phasegate.rulebook.amended.v1")
    assert answer.data["data"]["consents"] == ["ash"]
    again = phasegate("amend", path, "--from", "finale", "--dry-run", "--json")
    assert again.data["rules"] == []
    assert phasegate(*words, "--reason", "again").code == 6


# --- what is shown afterwards -----------------------------------------------------------------------------------------


def test_status_and_decisions_tell_reopenings_objections_and_what_changed(decided: Stage, phasegate: Phasegate) -> None:
    decided.tell(long_told.returned("r", 22), long_told.reopened("again", 22.5, 23))
    decided.tell(long_told.corrected("c", score("cedar", "bench"), 22.6, "50", reopening="again"))
    decided.progress(day(23) + 1)
    decided.tell(*long_told.signed(24, number=2), long_told.objected("o", "birch", 25, number=2))
    status, shown = phasegate("status", CUP).out, phasegate("decisions", CUP).out
    for text in (status, shown):
        assert f"decision {decision()} was returned: unclear" in text
        assert f"reopened {instant(22.5)} until {instant(23)}, office (round 2)" in text
        assert "objection o of birch, misreading: waits for a ruling" in text
    assert f"decision {decision(number=2)} supersedes {decision()}: birch: rank 2 -> 3" in status
    row = phasegate("status", CUP, "--json").data["phases"][0]
    assert row["changes"][0]["entrants"] == FLIPPED
    assert [one["round"] for one in row["rounds"]] == [1, 2]
    decided.progress(day(34) + 1)
    assert "held: objection-outstanding, owed by fresh-panel: o" in phasegate("status", CUP).out
    decided.tell(long_told.heard("h", "o", 35, "dismissed"))
    decided.progress(day(35) + 1)
    assert "objection o of birch, misreading: dismissed" in phasegate("status", CUP).out


def test_a_call_its_applicants_and_the_conclusion_are_told(decided: Stage, phasegate: Phasegate) -> None:
    decided.tell(*long_told.signed(22))
    decided.progress(day(33))
    decided.tell(long_told.withdrawn("birch", 50), long_told.registered("elm", 90))
    decided.progress(day(100) + 1)
    decided.tell(long_told.applied("elm", 105))
    line = "call for the vacant places of heat (1): applied elm; not decided yet"
    assert line in phasegate("status", CUP).out
    decided.progress(day(110) + 1)
    decided.tell(*(long_told.voted(who, "elm", 115, "no") for who in long_cup.JURY))
    decided.tell(*long_told.marks("again", ("elm",), 115))
    decided.progress(day(121) + 1)
    decided.tell(*long_told.signed(122, "director", phase="again"))
    decided.progress(day(140) + 1)
    assert "applied elm; selected nobody" in phasegate("status", CUP).out
    decided.tell(long_told.submitted("ash", 145, phase="finale"))
    decided.progress(day(155) + 1)
    decided.tell(*long_told.marks("finale", TEAMS[:1], 158))
    decided.progress(day(161) + 1)
    decided.tell(*long_told.signed(162, "director", phase="finale"))
    decided.progress(day(168) + 1)
    assert "concluded: ash" in phasegate("status", CUP).out
    assert phasegate("decisions", CUP).out.splitlines()[-1] == "concluded: ash"
    assert "awards granted to ash" in phasegate("status", CUP).out
    assert phasegate("decisions", CUP, "--json").data["finalists"] == ["ash"]
