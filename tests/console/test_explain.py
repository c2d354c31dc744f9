"""`explain` on the command line: entrants, phases, records, holds, and moments of the past."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.conftest import Phasegate
from tests.support import small
from tests.support.deployment import environment
from tests.support.stage import Stage, memory_stage, play


@pytest.fixture
def final(tmp_path: Path, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The small cup to its end: birch is out at the gate, one place stays vacant; and a mark that nobody could give."""
    for name, value in environment(tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite").items():
        monkeypatch.setenv(name, value)
    stage = memory_stage(tmp_path)
    play(stage)
    late = small.event(
        "score.recorded", "late", "urn:jury:ann", small.OPENS + 25 * small.DAY,
        phase="heat", entrant="cedar", criterion="jury", item="art", evaluator="ann", value="40",
    )  # fmt: skip
    stage.tell(late)
    return stage


def test_an_entrant_is_explained_with_codes_facts_and_sentences(phasegate: Phasegate, final: Stage) -> None:
    answer = phasegate("explain", "small-cup", "birch", "--json")
    assert (answer.code, answer.document["schema"]) == (0, "phasegate/explain/v1")
    told = answer.data
    assert (told["phase"], told["entrant"], told["status"], told["lang"]) == ("heat", "birch", "final", "en")
    (standing,) = told["standings"]
    assert (standing["outcome"], standing["rank"], standing["total"]) == ("eliminated", 2, "66.8")
    gate = standing["points"][3]
    assert gate["code"] == "reason.gate-not-met"
    assert gate["text"] == "The condition “independence”, which stands beside the score, is not met on: technical."
    assert {one["criterion"]: one["value"] for one in told["worked"]} == {
        "bench": "39.0",
        "jury": "27.8",
        "total": "66.8",
    }
    assert told["worked"][1]["lines"][2]["formula"] == "(35 + 20.5) / 2"
    assert [row["code"] for row in told["course"]][-3:] == ["course.decided", "course.signed", "course.finalised"]
    assert set(told["proved"]) == {"assessment", "decision"}
    assert {row["code"] for row in told["fragility"]} == {"fragile.steady"}


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("ko", "‘independence’ 중 다음 항목을 충족하지 못했습니다: technical."),
        ("en", "is not met on: technical."),
        ("fr", "n'est pas remplie sur\N{NO-BREAK SPACE}: technical."),
    ],
)
def test_people_read_it_in_their_language(phasegate: Phasegate, final: Stage, lang: str, expected: str) -> None:
    shown = phasegate("explain", "small-cup", "birch", "--lang", lang)
    assert shown.code == 0
    assert expected in shown.out


def test_a_whole_phase_is_explained_by_rank(phasegate: Phasegate, final: Stage) -> None:
    told = phasegate("explain", "small-cup", "--json").data
    assert [row["entrant"] for row in told["standings"]] == ["ash", "birch", "cedar"]
    assert told["points"][1]["text"] == "1 place stays vacant."
    assert "Everybody in this phase" in phasegate("explain", "small-cup").out


def test_a_refused_record_is_explained_by_itself_and_to_whom_it_concerns(phasegate: Phasegate, final: Stage) -> None:
    index = int(phasegate("log", "small-cup", "--verdict", "refused", "--json").data["entries"][-1]["index"])
    told = phasegate("explain", "small-cup", "--record", index, "--json").data
    assert (told["verdict"], told["reason"], told["entries"]) == ("refused", "already-scored", [index])
    assert told["text"].startswith("Refused: this evaluator had given this mark already")
    assert "cedar/jury/art/ann" in told["detail"]
    assert [row["entries"] for row in phasegate("explain", "small-cup", "cedar", "--json").data["left_out"]] == [
        [index]
    ]
    assert phasegate("explain", "small-cup", "ash", "--json").data["left_out"] == []
    assert "cedar/jury/art/ann" in phasegate("explain", "small-cup", "--record", index).out
    assert phasegate("explain", "small-cup", "--record", "0", "--json").data["code"] == "record.accepted"
    assert phasegate("explain", "small-cup", "--record", "999").code == 5
    assert phasegate("explain", "small-cup", "ash", "--record", "0").code == 2


def test_a_record_that_waited_is_told_with_both_its_entries(phasegate: Phasegate, final: Stage) -> None:
    pending = phasegate("log", "small-cup", "--verdict", "pending", "--json").data["entries"]
    for row in pending:
        told = phasegate("explain", "small-cup", "--record", row["index"], "--json").data
        assert told["entries"] == [row["index"], row["settled_by"]]
        assert told["verdict"] == "accepted"
    assert pending


def test_a_held_phase_is_explained_as_it_was_known_then(phasegate: Phasegate, final: Stage) -> None:
    told = phasegate("explain", "small-cup", "birch", "--at", "47", "--json").data
    assert (told["status"], told["decided"], told["standings"], told["worked"]) == ("held", None, [], [])
    assert told["owed"][0]["text"].startswith(
        "ministry owes a ruling on the finding about birch, “independence”, technical"
    )
    assert phasegate("explain", "small-cup", "ash", "--at", "47", "--json").data["owed"] == []


def test_what_is_not_there_is_not_found(phasegate: Phasegate, final: Stage) -> None:
    assert phasegate("explain", "small-cup", "oak").code == 5
    assert phasegate("explain", "small-cup", "ash", "--phase", "finale").code == 5
    assert phasegate("explain", "small-cup", "ash", "--decision", "zzz").code == 5
    assert phasegate("explain", "small-cup", "--at", "3").code == 5


def test_a_letter_without_a_checkpoint_has_no_proofs_and_says_so(
    phasegate: Phasegate, final: Stage, tmp_path: Path
) -> None:
    words = ("explain", "small-cup", "birch", "--letter", "--format", "md", "--out", tmp_path / "letters", "--json")
    answer = phasegate(*words, "--at", "47")
    text = Path(answer.data["letter"]).read_text(encoding="utf-8")
    assert "There is no decision yet." in text
    assert answer.data["files"] == []
