"""`status`, `decisions` and `log`: what they show now and what they showed earlier, from ledgers of the small programme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from events.bus import Message
from events.entry import decode_entry
from events.envelope import CONTENT_TYPE_HEADER, Envelope
from events.merkle import leaf_hash
from events.traceparent import Span
from events.values import format_instant
from handlers.decide import decision_id
from tests.console.conftest import Phasegate
from tests.support import small
from tests.support.deployment import environment
from tests.support.stage import Stage, memory_stage, play

HELD_MS = small.DEADLINES["audits"] + 1


@pytest.fixture
def stage(tmp_path: Path, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """An empty ledger that the command line finds by its settings."""
    for name, value in environment(tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite").items():
        monkeypatch.setenv(name, value)
    return memory_stage(tmp_path)


@pytest.fixture
def final(stage: Stage) -> Stage:
    play(stage)
    return stage


@pytest.fixture
def held(stage: Stage) -> Stage:
    """Closed, and waiting for the ministry's ruling on birch."""
    stage.tell(small.announced(), *small.beginnings())
    stage.progress(small.OPENS + 1)
    stage.tell(*small.submissions())
    stage.progress(small.DEADLINES["submissions"] + 1)
    stage.tell(*small.scores(), small.finding(), small.rebuttal())
    stage.progress(HELD_MS)
    return stage


# --- traces -----------------------------------------------------------------------------------------------------------


def test_a_trace_is_looked_for_among_records_and_leads_to_the_decisions_that_rest_on_them(
    phasegate: Phasegate, stage: Stage
) -> None:
    first, second = Span("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"), Span("1" * 32, "2" * 16)
    spans = {small.scores()[0].id: first, small.submissions()[0].id: first, small.scores()[1].id: second}
    plain = stage.message

    def message(event: Envelope) -> Message:
        sent, span = plain(event), spans.get(event.id)
        return sent if span is None else replace(sent, headers=(*sent.headers, span.header()))

    stage.message = message  # type: ignore[method-assign]
    play(stage)
    rows = phasegate("log", "small-cup", "--trace", first.trace, "--json").data["entries"]
    decided = phasegate("log", "small-cup", "--type", "phase.decided", "--json").data["entries"]
    assert [row["type"] for row in rows] == [small.submissions()[0].type, small.scores()[0].type]
    assert {row["traceparent"] for row in rows} == {first.text()}
    assert [row["decisions"] for row in rows] == [[decided[0]["index"]]] * 2
    (row,) = phasegate("log", "small-cup", "--trace", first.text(), "--type", "score.recorded", "--json").data[
        "entries"
    ]
    assert row == rows[1]
    assert phasegate("log", "small-cup", "--trace", first.trace, "--limit", "1", "--json").data["entries"] == rows[1:]
    before = phasegate("log", "small-cup", "--trace", first.trace, "--at", str(decided[0]["index"]), "--json")
    assert [row["decisions"] for row in before.data["entries"]] == [[], []], "it was not made yet"
    shown = phasegate("log", "small-cup", "--trace", second.trace).out
    assert "decisions" in shown
    assert str(decided[0]["index"]) in shown
    assert phasegate("log", "small-cup", "--trace", "3" * 32, "--json").data["entries"] == []
    assert phasegate("log", "small-cup", "--trace", "no trace").code == 2


# --- decisions --------------------------------------------------------------------------------------------------------


def test_decisions_are_given_with_every_criterion(phasegate: Phasegate, final: Stage) -> None:
    answer = phasegate("decisions", "small-cup", "--json")
    assert (answer.code, answer.document["schema"]) == (0, "phasegate/decisions/v1")
    (heat,) = answer.data["phases"]
    assert (heat["phase"], heat["status"], heat["vacancies"]) == ("heat", "final", 1)
    assert heat["standings"][0] == {
        "entrant": "ash",
        "rank": 1,
        "total": "81.7",
        "scores": {"bench": "51.2", "jury": "30.5"},
    }
    assert heat["means"] == {"bench": "39.07", "jury": "23.10", "total": "62.17"}
    assert [row["outcome"] for row in heat["outcomes"]] == ["advanced", "eliminated", "eliminated"]
    assert heat["basis"]["log"] == "phasegate.example/small-cup"


def test_decisions_are_shown_as_a_table_with_ranks_reasons_means_and_basis(phasegate: Phasegate, final: Stage) -> None:
    shown = phasegate("decisions", "small-cup").out
    rows = {line.split()[0]: line.split() for line in reversed(shown.splitlines()) if line.strip()}
    assert rows["1"][:5] == ["1", "ash", "51.2", "30.5", "81.7"]
    fates = [line.split() for line in shown.splitlines()]
    assert ["eliminated", "birch", "rank-within-places,", "gate-not-met", "independence"] in fates
    assert rows["mean"] == ["mean", "39.07", "23.10", "62.17"]
    assert "1 vacant" in shown
    assert "decided from phasegate.example/small-cup at size 48" in shown


def test_before_the_decision_there_are_no_standings(phasegate: Phasegate, final: Stage) -> None:
    (heat,) = phasegate("decisions", "small-cup", "--at", "46", "--json").data["phases"]
    assert (heat["status"], heat["standings"], heat["basis"]) == ("intake-closed", [], None)
    (heat,) = phasegate("decisions", "small-cup", "--at", "47", "--json").data["phases"]
    assert (heat["status"], heat["missing"][0]["code"]) == ("held", "ruling-outstanding")


# --- at ---------------------------------------------------------------------------------------------------------------


def test_a_time_means_the_smallest_prefix_with_every_first_entry_received_up_to_then(
    phasegate: Phasegate, final: Stage
) -> None:
    """Settlements carry the receipt of what they settle, and stand later: they do not lengthen the prefix."""
    rows = phasegate("log", "small-cup", "--json").data["entries"]
    for time in sorted({row["received"] for row in rows}):
        expected = 1 + max(row["index"] for row in rows if row["of"] is None and row["received"] <= time)
        assert phasegate("log", "small-cup", "--at", time, "--json").data["size"] == expected


@pytest.mark.parametrize("command", ["log", "decisions", "status"])
def test_moments_that_the_log_does_not_have_are_not_found(phasegate: Phasegate, final: Stage, command: str) -> None:
    assert phasegate(command, "small-cup", "--at", "59").code == 0
    assert phasegate(command, "small-cup", "--at", "60").code == 5
    assert phasegate(command, "small-cup", "--at", "2029-01-01T00:00:00Z").code == 5
    assert phasegate(command, "big-cup").code == 5
    assert phasegate(command, "small-cup", "--at", "yesterday").code == 2


# --- log --------------------------------------------------------------------------------------------------------------


def test_the_last_fifty_entries_are_shown_and_all_as_json(phasegate: Phasegate, final: Stage) -> None:
    shown = phasegate("log", "small-cup").out.splitlines()
    assert shown[-1] == "50 of 59 entries of small-cup"
    assert shown[-2].split()[:2] == ["58", "2030-02-03T00:00:00.001Z"]
    rows = phasegate("log", "small-cup", "--json").data["entries"]
    assert [row["index"] for row in rows] == list(range(59))
    assert [row["index"] for row in phasegate("log", "small-cup", "--limit", "3", "--json").data["entries"]] == [
        56,
        57,
        58,
    ]


def test_entries_are_chosen_by_type_and_verdict(phasegate: Phasegate, final: Stage) -> None:
    def chosen(*words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = phasegate("log", "small-cup", "--json", *words).data["entries"]
        return found

    assert len(chosen("--type", "score.recorded")) == 12
    assert len(chosen("--type", "phasegate.score.recorded.v1", "--verdict", "accepted")) == 12
    assert chosen("--type", "score") == []
    pending = chosen("--verdict", "pending")
    assert pending
    assert all(row["settled_by"] is not None for row in pending)
    assert chosen("--verdict", "waiting") == []
    assert phasegate("log", "small-cup", "--verdict", "odd").code == 2


def test_a_pending_entry_waits_until_its_settlement_is_in_the_prefix(phasegate: Phasegate, final: Stage) -> None:
    row = phasegate("log", "small-cup", "--type", "rebuttal.filed", "--verdict", "pending", "--json").data["entries"][0]
    before = phasegate("log", "small-cup", "--verdict", "waiting", "--at", str(row["settled_by"]), "--json")
    assert [found["index"] for found in before.data["entries"]] == [row["index"]]
    assert before.data["entries"][0]["settled_by"] is None


def test_one_entry_is_shown_with_all_that_is_kept_of_it(phasegate: Phasegate, final: Stage) -> None:
    pending = phasegate("log", "small-cup", "--type", "rebuttal.filed", "--json").data["entries"][0]
    entry = phasegate("log", "small-cup", str(pending["index"]), "--json").data["entry"]
    stored = entry["bytes"].encode()
    assert leaf_hash(stored).hex() == entry["leaf_hash"]
    assert decode_entry(stored).commitment == entry["commitment"]
    assert entry["record"]["event"]["data"]["text"] == "they are ours"
    assert entry["settled_by"] == pending["settled_by"]
    settlement = phasegate("log", "small-cup", str(entry["settled_by"]), "--json").data["entry"]
    assert (settlement["of"], settlement["record"]) == (entry["index"], entry["record"])
    shown = phasegate("log", "small-cup", str(pending["index"])).out
    assert '"text": "they are ours"' in shown
    assert entry["bytes"] in shown
    assert phasegate("log", "small-cup", "59").code == 5
    assert phasegate("log", "small-cup", "-1").code == 2


def test_a_refused_record_is_shown_with_the_private_detail_and_whatever_it_held(
    phasegate: Phasegate, final: Stage
) -> None:
    final.send([Message("scores", b"small-cup", b"\xff[red]no JSON", (CONTENT_TYPE_HEADER,), HELD_MS)])
    final.record()
    (row,) = phasegate("log", "small-cup", "--verdict", "refused", "--json").data["entries"]
    assert (row["reason"], row["type"]) == ("not-json", None)
    answer = phasegate("log", "small-cup", str(row["index"]), "--json")
    entry = answer.data["entry"]
    assert (entry["record"]["event"], entry["record"]["value"]) == (None, "\\xff[red]no JSON")
    assert "not JSON" in entry["detail"]
    assert "[red]no JSON" in phasegate("log", "small-cup", str(row["index"])).out
    assert phasegate("status", "small-cup", "--json").data["verdicts"]["refused"] == 1


# --- status -----------------------------------------------------------------------------------------------------------


def test_every_log_is_listed_with_phases_and_checkpoint(phasegate: Phasegate, final: Stage) -> None:
    final.send([Message("scores", None, b"{}", (), HELD_MS)])
    final.record()
    answer = phasegate("status", "--json")
    assert [one["programme"] for one in answer.data["logs"]] == ["small-cup", "unrouted/scores/0"]
    first = answer.data["logs"][0]
    assert [(row["phase"], row["status"]) for row in first["phases"]] == [("heat", "final")]
    assert (first["checkpoint"]["size"], first["checkpoint"]["behind"]) == (59, 0)
    assert answer.data["recorder"] is None
    assert "heat final" in phasegate("status").out
    assert [one["size"] for one in phasegate("status", "--at", "2030-01-01T00:00:00Z", "--json").data["logs"]] == [10]
    assert phasegate("status", "--at", "3").code == 2


def test_a_held_phase_says_who_owes_what_and_is_no_problem_of_the_operators(phasegate: Phasegate, held: Stage) -> None:
    answer = phasegate("status", "small-cup", "--json")
    (heat,) = answer.data["phases"]
    assert (answer.code, heat["status"]) == (0, "held")
    assert heat["owed"] == [
        {"code": "ruling-outstanding", "who": "ministry", "what": "birch/independence/technical (finding-birch)"}
    ]
    checked = phasegate("status", "--check", "--json")
    assert (checked.code, checked.data["problems"]) == (0, [])
    (note,) = checked.data["notes"]
    assert (note["code"], note["about"]) == ("phase-held", "small-cup")
    assert "owed by ministry" in note["text"]
    lines = phasegate("status", "--check").out.splitlines()
    assert lines == [f"note phase-held: {note['text']}", "ok: 1 log, nothing needs attention"]
    assert "owed by ministry" in phasegate("status", "small-cup").out


def test_a_programme_that_waits_for_nobody_needs_no_attention(phasegate: Phasegate, final: Stage) -> None:
    assert phasegate("status", "--check").code == 0
    assert phasegate("status", "small-cup", "--check").code == 0


def test_windows_are_told_with_deadline_and_completeness(phasegate: Phasegate, held: Stage) -> None:
    def windows(*words: str) -> dict[str, tuple[str, bool]]:
        (heat,) = phasegate("status", "small-cup", "--json", *words).data["phases"]
        return {row["window"]: (row["deadline"], row["complete"]) for row in heat["windows"]}

    deadlines = {window: format_instant(ms) for window, ms in small.DEADLINES.items()}
    assert windows() == {window: (until, True) for window, until in deadlines.items()}
    planned = windows("--at", "10")
    assert planned.pop("registration") == (format_instant(small.OPENS), False)
    assert planned == {window: (until, False) for window, until in deadlines.items()}
    assert windows("--at", "20")["submissions"][1] is False


def test_what_is_due_and_when_something_falls_due_next(phasegate: Phasegate, final: Stage) -> None:
    told = phasegate("status", "small-cup", "--at", "2030-01-02T00:00:00Z", "--json").data
    assert (told["due"], told["due_next"]) == (None, "2030-01-11T00:00:00.001Z")
    late = phasegate("status", "small-cup", "--at", "2030-01-10T23:59:59Z", "--check")
    assert late.code == 0


def test_what_should_have_been_done_long_ago_needs_attention(phasegate: Phasegate, stage: Stage) -> None:
    stage.tell(small.announced(), *small.beginnings())
    moment = format_instant(small.OPENS + 3_600_000)
    told = phasegate("status", "small-cup", "--at", moment, "--json").data
    assert told["due"] == "heat / mark registration (2030-01-01T00:00:00.000Z)"
    assert (told["due_since"], told["overdue_seconds"]) == ("2030-01-01T00:00:00.001Z", 3599)
    checked = phasegate("status", "small-cup", "--at", moment, "--check")
    assert checked.code == 10
    assert checked.out.startswith("ATTENTION transition-overdue: heat / mark registration")
    assert "docs/operating.md#transition-overdue" in checked.err
    assert phasegate("status", "small-cup", "--at", format_instant(small.OPENS + 30_000), "--check").code == 0


def test_a_decision_says_who_still_has_to_sign(phasegate: Phasegate, held: Stage) -> None:
    held.tell(small.ruling())
    held.progress(small.OPENS + 22 * small.DAY)
    (heat,) = phasegate("status", "small-cup", "--json").data["phases"]
    assert (heat["unsigned"], heat["decision"]) == (["director"], decision_id("small-cup", "heat"))
    assert "to be signed by director" in phasegate("status", "small-cup").out
    held.tell(small.signature(decision_id("small-cup", "heat")))
    (heat,) = phasegate("status", "small-cup", "--json").data["phases"]
    assert heat["unsigned"] == []
    assert [row["window"] for row in heat["windows"]][-1] == "objections"


def test_pending_counts_what_nothing_has_settled(phasegate: Phasegate, stage: Stage) -> None:
    stage.tell(*small.beginnings())
    counts: Callable[[], Any] = lambda: phasegate("status", "small-cup", "--json").data["verdicts"]  # noqa: E731
    assert counts() == {"accepted": 0, "refused": 0, "duplicate": 0, "pending": 6}
    stage.tell(small.announced())
    assert counts() == {"accepted": 7, "refused": 0, "duplicate": 0, "pending": 0}


# --- figures ----------------------------------------------------------------------------------------------------------


def test_a_decided_phase_is_drawn_with_its_tables_and_written_as_files(
    phasegate: Phasegate, final: Stage, tmp_path: Path
) -> None:
    answer = phasegate("figures", "small-cup", "--out", str(tmp_path / "drawn"), "--json")
    assert answer.code == 0
    assert [row["id"] for row in answer.data["figures"]] == ["standings-heat", "margins-heat", "timeline-heat"]
    standings, margins, timeline = answer.data["figures"]
    assert standings["rows"][0] == ["ash", "1", "51.2", "30.5", "81.7", "advanced"]
    assert {row[0]: row[1] for row in margins["rows"]}["ash"].startswith("+")
    (index,) = [row[0].split()[1] for row in timeline["rows"] if row[0].startswith("phase.decided ")]
    entry = phasegate("log", "small-cup", index, "--json").data["entry"]
    assert entry["type"] == "phasegate.phase.decided.v1"
    assert [Path(path).name for path in answer.data["files"]] == [f"{row['id']}.svg" for row in answer.data["figures"]]
    assert all(Path(path).read_text().startswith("<svg") for path in answer.data["files"])
    shown = phasegate("figures", "small-cup", "--phase", "heat").out
    assert "█ bench  ▓ jury" in shown
    assert "●" in shown


def test_what_would_change_an_outcome_is_drawn_where_it_is_asked_for(phasegate: Phasegate, final: Stage) -> None:
    answer = phasegate("figures", "small-cup", "--stability", "--json")
    drawn = {row["id"]: row for row in answer.data["figures"]}
    assert list(drawn) == ["standings-heat", "margins-heat", "weights-heat", "ranks-heat", "timeline-heat"]
    assert drawn["ranks-heat"]["heads"] == ["left out", "ash", "birch", "cedar"]
    assert [row[0] for row in drawn["ranks-heat"]["rows"]][:2] == ["as decided", "evaluator ann"]
    shown = phasegate("figures", "small-cup", "--stability").out
    assert "as decided" in shown
    assert "A: ash" in shown


def test_no_standings_are_drawn_before_the_decision(phasegate: Phasegate, held: Stage) -> None:
    answer = phasegate("figures", "small-cup", "--json")
    assert [row["id"] for row in answer.data["figures"]] == ["timeline-heat"]


def test_a_phase_that_is_not_open_is_not_drawn(phasegate: Phasegate, final: Stage) -> None:
    answer = phasegate("figures", "small-cup", "--phase", "finale", "--json")
    assert answer.code == 5
    assert "open are: heat" in answer.document["error"]["message"]
