"""A command for each act of a person: every one becomes an event that its model takes, and is seen recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from console.acts import ACTS
from events.names import TYPES
from infra.keys import load_key
from tests.console.conftest import Answer, Phasegate, acted_rules
from tests.support import long_cup, long_told, small
from tests.support.deployment import environment
from tests.support.erasing import first_entry
from tests.support.long_cup import OFFICE, TEAMS, day, decision, instant
from tests.support.stage import LOG_KEY, OFFICE_KEY, Stage

CUP = small.PROGRAMME
Say = Callable[..., Any]


@pytest.fixture
def say(calling: Callable[..., Answer]) -> Say:
    """An act that is accepted; its document's data."""

    def said(at: float, command: str, *words: str) -> Any:
        answer = calling(at, command, *words)
        assert answer.code == 0, answer.out + answer.err
        data = answer.data
        assert answer.document["schema"] == f"phasegate/{command.replace(' ', '-')}/v1"
        assert (data["verdict"], data["type"]) == ("accepted", f"phasegate.{ACTS[command].type}.v1")
        assert UUID(data["id"]).version == 7
        TYPES[data["type"]].model.model_validate(data["data"])
        return data

    return said


def test_the_whole_life_of_a_programme_is_said_by_commands(stage: Stage, say: Say, tmp_path: Path) -> None:
    """Every command of the table at least once."""
    said: set[str] = set()

    def do(at: float, command: str, *words: str) -> Any:
        said.add(command)
        return say(at, command, *words)

    stage.tell(long_cup.announced(acted_rules()))
    _begin(do)
    stage.progress(day(0) + 1)
    _hand_in(do, tmp_path)
    stage.progress(day(10) + 1)
    _judge(do, stage)
    stage.progress(day(21.5) + 1)
    _sign(do, stage)
    stage.progress(day(45) + 1)
    _after(do, stage)
    assert said == set(ACTS)
    assert not stage.replay().first_difference


def _begin(do: Say) -> None:
    for name in long_cup.JURY:
        do(-50, "appoint", name, "jury", "--as", OFFICE)
    do(-50, "appoint", "bench", "bench", "--as", OFFICE)
    for team in (*TEAMS, "elm"):
        data = do(-40, "register", team, "--name", team.title(), "--member", "One", "--member", "Two")
        assert data["source"] == f"urn:team:{team}"
        assert data["data"]["members"] == ["One", "Two"]
    do(-30, "decline", "Somebody Else", "--phase", "heat", "--reason", "busy", "--as", OFFICE)


def _hand_in(do: Say, folder: Path) -> None:
    file = folder / "weights.bin"
    file.write_bytes(b"seven..")
    first = do(4, "submit", "heat", "ash", str(file), "--title", "Ash 1")
    assert first["data"]["artefacts"][0]["bytes"] == 7
    do(4, "withdraw submission", first["id"][:30], "--reason", "the wrong file")
    for team in TEAMS:
        do(5, "submit", "heat", team, str(file), "--title", team)
    do(6, "withdraw entrant", "elm", "--reason", "must")
    assert do(7, "extend", "heat", "audits", "2030-01-22T12:00:00Z", "--reason", "fire", "--as", OFFICE)["signed"]


def _judge(do: Say, stage: Stage) -> None:
    stage.tell(*long_told.marks("heat", TEAMS, 15)[1:])
    mark = do(15, "mark", "heat", "ash/bench/speed", "49", "--evaluator", "bench")
    assert mark["source"] == long_cup.BENCH
    corrected = do(16, "correct", mark["id"][:30], "50", "--reason", "a slip")
    assert corrected["data"]["score"] == mark["id"]
    void = do(16, "void", "cedar/bench/speed/bench", "--reason", "broken", "--as", long_cup.BENCH)
    assert void["data"]["score"] == long_told.score("cedar", "bench")
    assert do(16, "approve", void["id"])["data"] == {"act": void["id"], "role": "minister", "meaning": "approves"}
    stage.tell(long_told.mark("cedar", "bench", 17, "30", event_id="again"))
    do(16, "annul", "heat", "cai", "--entrant", "birch", "--reason", "biased", "--as", OFFICE)
    do(16, "declare", "ben", "birch", "cedar", "--nature", "shares")
    do(16, "recuse", "ben", "cedar", "--reason", "kin", "--as", OFFICE)
    do(16, "reproduce", "heat", "ash/bench/speed", "48.5")
    do(16, "tick", "heat", "birch/independence/policy", "--evaluator", "ann")
    assert (
        do(17, "tick", "heat", "birch/independence/policy", "--evaluator", "ann", "--met")["data"]["not_met"] is False
    )
    evidence = ("--evidence", "urn:report", "1" * 64, "weights of others")
    found = do(16, "find", "heat", "birch/independence/technical", "not-met", *evidence)
    rebuttal = do(17, "rebut", found["id"][:30], "--text", "ours")
    assert (rebuttal["source"], rebuttal["data"]["entrant"]) == ("urn:team:birch", "birch")
    assert do(18, "rule", found["id"][:30], "met", "--reason", "convinced")["source"] == long_cup.MINISTRY
    do(18, "waive", "heat", "--evaluator", "cai", "--entrant", "cedar", "--reason", "ill", "--as", OFFICE)
    do(18, "resolve", "heat", "ash", "birch", "--reason", "by lot", "--as", OFFICE)


def _sign(do: Say, stage: Stage) -> None:
    first = decision()
    returned = do(22, "return", first, "--role", "minister", "--reason", "unclear")
    assert returned["source"] == long_cup.MINISTER
    stage.progress(day(22) + 1)
    reopened = do(23, "reopen", "heat", instant(24), "--reason", "clearer", "--cause", returned["id"], "--as", OFFICE)
    assert reopened["data"] | {"causes": []} == {
        "phase": "heat", "until": instant(24), "reason": "office", "note": "clearer", "causes": [],
    }  # fmt: skip
    assert do(23.5, "correct", "ash/bench/speed/bench", "51", "--reason", "x")["data"]["reopening"] == reopened["id"]
    stage.progress(day(24) + 1)
    second = decision(number=2)
    assert do(25, "sign", second[:8], "--role", "director")["data"]["meaning"] == "approves"
    assert do(25, "sign", second)["data"] == {"decision": second, "role": "minister", "meaning": "agrees"}
    do(26, "publish-figures", second, "wide", "--as", OFFICE)
    grounds = ("--entrant", "cedar", "--grounds", "misreading", "--text", "unfair")
    objection = do(26, "object", second, *grounds)
    do(27, "withdraw objection", objection["id"][:30], "--reason", "settled")
    objection = do(28, "object", second, *grounds)
    stage.progress(day(36) + 1)
    heard = do(
        37, "hear", objection["id"], "dismissed", "--inadmissible", "--reason", "no grounds", "--as", long_cup.FRESH
    )
    assert (heard["data"]["admissible"], heard["data"]["outcome"]) == (False, "dismissed")


def _after(do: Say, stage: Stage) -> None:
    gpu = ("--resource", "gpu", "8", "devices", "--title", "winner")
    mark = first_entry(stage.parts.ledger, "again")
    erased = do(46, "erase", str(mark.index), "--grounds", "asked for", "--as", OFFICE)
    assert erased["data"]["records"] == [{"topic": "scores", "partition": mark.partition, "offset": mark.offset}]
    award = do(46, "award", "heat", "ash", *gpu, "--as", OFFICE)
    assert award["data"]["resources"] == [{"kind": "gpu", "quantity": "8", "unit": "devices"}]
    stage.tell(long_told.withdrawn("birch", 50), long_told.registered("dogwood", 90))
    stage.progress(day(100) + 1)
    do(105, "apply", "again", "dogwood", "--statement", "able")
    stage.progress(day(110) + 1)
    vote = do(115, "vote", "again", "dogwood", "yes", "--evaluator", "ann")
    assert vote["source"] == "urn:jury:ann"


# --- who says it ------------------------------------------------------------------------------------------------------


def test_where_several_sources_may_say_it_one_has_to_be_named(begun: Stage, calling: Callable[..., Answer]) -> None:
    answer = calling(1, "appoint", "dee", "jury")
    assert (answer.code, answer.document["error"]["code"]) == (2, "usage")
    assert answer.document["error"]["details"]["candidates"] == [OFFICE, long_cup.DIRECTOR]
    assert calling(1, "appoint", "dee", "jury", "--as", long_cup.DIRECTOR).code == 0


def test_a_source_that_the_rules_do_not_name_is_refused_on_record(begun: Stage, calling: Callable[..., Answer]) -> None:
    answer = calling(1, "register", "elm", "--name", "Elm", "--as", "urn:stranger")
    assert (answer.code, answer.document["error"]["code"]) == (6, "refused")
    data = answer.data
    assert (data["verdict"], data["reason"]) == ("refused", "source-not-authorised")
    assert "urn:stranger" in data["detail"]


def test_a_refused_act_is_shown_with_entry_reason_and_detail(begun: Stage, phasegate: Phasegate) -> None:
    answer = phasegate("register", CUP, "ash", "--name", "Ash", "--now", instant(1))
    assert answer.code == 6
    assert answer.out.splitlines()[0].endswith(": refused, illegal-transition")
    assert "registered already" in answer.out
    assert "phasegate log small-cup" in answer.err


def test_what_the_office_says_is_signed_with_its_key_and_another_key_may_be_named(
    begun: Stage, calling: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("appoint", "dee", "jury", "--as", OFFICE)
    assert calling(1, *words).data["signed"] == OFFICE_KEY.kid
    assert calling(1, "recuse", "ann", "ash", "--reason", "kin", "--as", OFFICE).data["signed"] == OFFICE_KEY.kid
    other = Path(environment(tmp_path, "")["PHASEGATE_LOG_KEY"])
    answer = calling(1, *words, "--key", str(other))
    assert (answer.code, answer.data["reason"]) == (6, "signature-invalid")
    assert answer.data["signed"] == load_key(other).kid


def test_a_source_with_a_key_of_its_own_signs_with_that(
    stage: Stage, calling: Callable[..., Answer], tmp_path: Path
) -> None:
    rules = acted_rules()
    own = {"source": "urn:desk", "types": ["invitation.declined"], "signs": "true", "keys": [LOG_KEY.vkey]}
    rules["sources"].append(own)
    stage.tell(long_cup.announced(rules))
    words = ("decline", "Somebody", "--reason", "busy", "--as", "urn:desk")
    answer = calling(-5, *words)
    assert answer.code == 2
    assert answer.document["error"]["details"]["keys"] == [LOG_KEY.vkey]
    key = environment(tmp_path, "")["PHASEGATE_LOG_KEY"]
    assert calling(-5, *words, "--key", key).data["verdict"] == "accepted"


def test_an_act_that_lacks_a_reason_or_a_role_is_a_usage_error(decided: Stage, calling: Callable[..., Answer]) -> None:
    size = decided.parts.ledger.head(CUP)
    for command, *words in (
        ("void", long_told.score("ash", "ann")),
        ("return", decision()),
        ("annul", "heat", "ann"),
        ("mark", "heat", "ash/art", "3", "--evaluator", "ann"),
        ("correct", long_told.score("ash", "ann"), "much", "--reason", "r", "--as", "urn:jury:ann"),
        ("sign", decision()),
        ("extend", "heat", "audits", "tomorrow", "--reason", "r"),
    ):
        assert calling(22, command, *words).code == 2, command
    assert "--role" in calling(22, "sign", decision()).document["error"]["hint"]
    assert decided.parts.ledger.head(CUP) == size


def test_ids_that_nothing_has_or_several_share_are_not_found(decided: Stage, calling: Callable[..., Answer]) -> None:
    answer = calling(22, "void", "score-heat-ash", "--reason", "r")
    assert answer.code == 5
    assert "several begin with" in answer.document["error"]["message"]
    assert calling(22, "void", "nothing", "--reason", "r").code == 5
    assert calling(22, "rule", "f", "met", "--reason", "r").code == 5


def test_a_programme_in_its_own_time_is_told_the_time(begun: Stage, phasegate: Phasegate) -> None:
    answer = phasegate("register", CUP, "elm", "--name", "Elm")
    assert answer.code == 2
    assert "--now" in answer.err


def test_a_programme_that_was_not_announced_has_no_acts(stage: Stage, calling: Callable[..., Answer]) -> None:
    stage.tell(*long_told.beginnings())
    assert calling(1, "register", "elm", "--name", "Elm").code == 6


def test_the_table_in_the_documents_shows_every_act_with_what_is_asked_for() -> None:
    text = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    for command, act in ACTS.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{command} PROGRAMME")]
        shown = row.split("`")[1]
        asked = [word.option for word in act.words if word.option and word.needed and word.kind != "unless"]
        asked += [word.metavar for word in act.words if not word.option and not word.choices]
        assert [word for word in asked if word not in shown and word not in ("ARTEFACT", "ORDER")] == [], command
        assert f"`{act.type}`" in row
