"""`what-if` as a person calls it: levers on the line and in files, differences in words, tables and JSON; nothing written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from console.commands.what_if import levers_of
from console.main import parse
from events.envelope import encode
from handlers.levers import Levers, read_levers, together
from tests.console.conftest import Phasegate, acted_rules
from tests.support import k_ai, small
from tests.support.deployment import environment
from tests.support.long_told import mark, signed
from tests.support.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "what-if.md"


def test_other_places_are_told_in_words_and_a_table(decided: Stage, phasegate: Phasegate) -> None:
    answer = phasegate("-q", "what-if", small.PROGRAMME, "--set", "phases.heat.advance.places=1")
    assert answer.code == 0, answer.err
    assert "what if: set phases.heat.advance.places=1" in answer.out
    assert "heat: birch advances no longer" in answer.out
    assert re.search(r"birch +2 +65.0 +advanced -> eliminated +rank-below-places", answer.out)
    assert "nothing is written" in answer.out


def test_the_document_holds_the_world_the_changes_and_the_events(decided: Stage, phasegate: Phasegate) -> None:
    data = phasegate("what-if", small.PROGRAMME, "--drop-evaluator", "ann", "--json").data
    assert data["levers"] == {"schema": "phasegate/levers/v1", "drop-evaluator": ["ann"]}
    assert [view["phase"] for view in data["phases"]] == ["heat", "again", "finale"]
    (row,) = data["changes"]
    (birch,) = row["entrants"]
    assert (birch["before"]["total"], birch["after"]["total"]) == ("65.0", "62.5")
    assert birch["scores"] == {"jury": {"before": "25.0", "after": "22.5"}}
    assert {one["type"] for one in data["events"]["left_out"]} == {"evaluator.appointed", "score.recorded"}


def test_a_ledger_stays_as_it_is_to_the_byte(decided: Stage, phasegate: Phasegate, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    before = (ledger.read_bytes(), sent_on(decided))
    assert (
        phasegate("what-if", small.PROGRAMME, "--refill", "--annul", "ann", "--correct", "ash/jury/art/ben=1").code == 0
    )
    assert (ledger.read_bytes(), sent_on(decided)) == before


def sent_on(stage: Stage) -> int:
    """How many records the bus would still deliver: none that this command could have sent."""
    return stage.record()


def test_events_more_and_less(decided: Stage, phasegate: Phasegate, tmp_path: Path) -> None:
    log = phasegate("log", small.PROGRAMME, "--type", "score.recorded", "--json").data["entries"]
    first = log[0]["index"]
    said = mark("ash", "bench", 15, "1", event_id="another")
    (tmp_path / "more.ndjson").write_bytes(encode(said) + b"\n")
    data = phasegate("what-if", small.PROGRAMME, "--with", "more.ndjson", "--without", first, "--json").data
    (added,), (gone,) = data["events"]["added"], data["events"]["left_out"]
    assert (added["id"], added["verdict"], gone["index"]) == ("another", "accepted", first)
    (row,) = data["changes"]
    assert row["entrants"][-1]["after"]["total"] == "31.0"
    data = phasegate("what-if", small.PROGRAMME, "--with", "more.ndjson", "--json").data
    assert data["events"]["added"][0]["reason"] == "already-scored"
    assert data["changes"] == []


def test_another_time_is_gone_on_to_and_gone_back_to(decided: Stage, phasegate: Phasegate, tmp_path: Path) -> None:
    (tmp_path / "sign.ndjson").write_bytes(b"\n".join(map(encode, signed(22))) + b"\n")
    data = phasegate(
        "what-if", small.PROGRAMME, "--with", "sign.ndjson", "--until", "2030-03-01T00:00:00Z", "--json"
    ).data
    assert data["changes"][0]["status"] == {"before": "decided", "after": "final"}
    early = phasegate("what-if", small.PROGRAMME, "--now", "2030-01-12T00:00:00Z", "--json").data
    assert early["phases"][0]["status"] == "open"
    assert early["changes"] == []
    then = phasegate(
        "what-if", small.PROGRAMME, "--drop-evaluator", "ann", "--at", "2030-01-12T00:00:00Z", "--json"
    ).data
    assert then["size"] < data["size"]
    assert [row["type"] for row in then["events"]["left_out"]] == ["evaluator.appointed"]


def test_levers_are_saved_beside_their_files_and_run_again(
    decided: Stage, phasegate: Phasegate, tmp_path: Path
) -> None:
    document = {**acted_rules(), "version": "9"}
    (tmp_path / "other.json").write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "kept").mkdir()
    words = ("--rulebook", "other.json", "--correct", "ash/bench/speed/bench=1", "--sign", "--refill")
    for name in ("kept/levers.yaml", "kept/levers.json"):
        first = phasegate("what-if", small.PROGRAMME, *words, "--save", name, "--json").data
        again = phasegate("what-if", small.PROGRAMME, "--levers", name, "--json").data
        assert again["changes"] == first["changes"]
        assert again["changes"] != []
    written = json.loads((tmp_path / "kept/levers.json").read_text(encoding="utf-8"))
    assert next(iter(written)) == "schema"
    assert written["rulebook"] == "../other.json"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--set", "phases.heat.advance.places"), 2, "no name and value"),
        (("--set", "phases.heat.advance.place=1"), 5, "places"),
        (("--set", "phases.heat.advance.places=1", "--set", "phases.heat.advance.places=3"), 2, "two values"),
        (("--rule", "find=perhaps"), 2, "perhaps"),
        (("--correct", "ash/jury/art/ann=41"), 6, "allows 0 to 40"),
        (("--correct", "ash/bench/sped/bench=5"), 5, "ash/bench/speed/bench"),
        (("--until", "tomorrow"), 2, "until"),
        (("--levers", "nothing.yaml"), 5, "nothing.yaml"),
        (("--rulebook", "nothing.yaml"), 5, "nothing.yaml"),
        (("--with", "nothing.ndjson"), 5, "nothing.ndjson"),
        (("--without", "5000"), 5, "5000"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_with_its_exit_code(
    decided: Stage, phasegate: Phasegate, words: tuple[str, ...], code: int, said: str
) -> None:
    answer = phasegate("what-if", small.PROGRAMME, *words)
    assert answer.code == code
    assert said in answer.err


def test_a_saved_file_of_another_form_is_refused_with_the_members_there_are(
    decided: Stage, phasegate: Phasegate, tmp_path: Path
) -> None:
    (tmp_path / "levers.yaml").write_text("drop-evaluators: [ann]\n", encoding="utf-8")
    answer = phasegate("what-if", small.PROGRAMME, "--levers", "levers.yaml")
    assert answer.code == 2
    assert "drop-evaluators" in answer.err
    assert "drop-evaluator," in answer.err


def test_levers_together_say_one_thing_of_one_matter() -> None:
    first, second = Levers(without=(3,), correct={"a": "1"}), Levers(without=(4, 3), correct={"b": "2"}, refill=True)
    both = together(first, second)
    assert both.written() == {
        "schema": "phasegate/levers/v1", "refill": True, "correct": {"a": "1", "b": "2"}, "without": [3, 4],
    }  # fmt: skip
    assert read_levers(both.written(), "again") == both


def test_every_lever_of_the_line_is_a_member_of_the_file() -> None:
    """And the other way round; each has its entry in the guide."""
    words = [
        *("--set", "a=1", "--rulebook", "r", "--without-gate", "g", "--refill", "--drop-criterion", "c"),
        *("--correct", "s=1", "--drop-evaluator", "e", "--annul", "e", "--rule", "f=met", "--with", "w"),
        *("--without", "1", "--sign", "--until", "2030-01-01T00:00:00Z"),
    ]
    given = levers_of(parse(["what-if", "p", *words])).written()
    members = {field.alias or name for name, field in Levers.model_fields.items()}
    assert set(given) == members
    guide = GUIDE.read_text(encoding="utf-8")
    assert [name for name in members if f"| `{name}`" not in guide] == []


def test_what_if_brings_in_neither_kafka_nor_prefect(tmp_path: Path) -> None:
    code = "import sys, console.commands.what_if, flows.what_if, flows.reading; print(*sys.modules)"
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"prefect", "kafka"} & {name.split(".")[0] for name in made.stdout.split()} == set()


# --- the guide


def sessions() -> list[tuple[str, list[str]]]:
    """The commands of the guide, each with the lines that it shows."""
    blocks = re.findall(
        r"^```console\n\$ phasegate ([^\n]*)\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return [(command, shown.splitlines()) for command, shown in blocks]


@pytest.mark.parametrize(("command", "shown"), sessions(), ids=lambda part: part if isinstance(part, str) else "")
def test_the_guide_shows_what_is_printed(
    command: str, shown: list[str], phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """To the letter; `[…]` stands for lines that are left out."""
    for name, value in environment(tmp_path, f"sqlite:///{k_ai.played()}").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.delenv("NO_COLOR", raising=False)
    answer = phasegate("-q", *command.split())
    assert answer.code == 0, answer.err
    printed = iter([line.rstrip() for line in answer.out.splitlines()])
    is_exact = True
    assert sessions()
    for line in shown:
        if line == "[…]":
            is_exact = False
        elif is_exact:
            assert next(printed, None) == line
        else:
            assert line in printed, f"not printed, or not there: {line}"
            is_exact = True
