"""`attest BUNDLE`: an auditor outside verifies, replays and signs; the office publishes the file without a change."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from events.entry import decode_entry
from events.note import format_vkey
from flows.exporting import Exporter, View
from flows.sending import read_lines
from handlers.decide import decision_id
from handlers.disclosure import to_entrant
from infra.bundle.writing import DirectoryWriter
from tests.console.conftest import Answer, Phasegate
from tests.support import small
from tests.support.attesting import AUDITOR, AUDITOR_KEY, auditor_key_file, doctored, play_with_auditor
from tests.support.bundles import export_to, key_of
from tests.support.stage import OFFICE_KEY, Stage, memory_stage

ROOT = Path(__file__).resolve().parents[2]
VKEY, OFFICE = format_vkey(key_of()), OFFICE_KEY.vkey
NEITHER = ("prefect", "kafka", "sqlalchemy", "alembic", "psycopg", "pydantic_settings")
DECISION = decision_id(small.PROGRAMME, "heat")


@pytest.fixture
def on(tmp_path: Path) -> Stage:
    stage = memory_stage(tmp_path)
    play_with_auditor(stage)
    return stage


@pytest.fixture
def bundle(on: Stage, tmp_path: Path) -> Path:
    return export_to(on.parts.ledger, tmp_path / "bundle", on.parts.bus.partitions)


@pytest.fixture
def attest(phasegate: Phasegate, tmp_path: Path) -> Any:
    key = auditor_key_file(tmp_path)

    def call(bundle: Path, out: str = "attested.ndjson", source: str = AUDITOR) -> Answer:
        words = ("--vkey", VKEY, "--office", OFFICE, "--key", key, "--source", source, "--out", tmp_path / out)
        return phasegate("attest", bundle, *words, "--json")

    return call


def published(on: Stage, path: Path) -> list[str]:
    """The verdicts on the lines of a file that the office publishes as it is."""
    messages = [line.message for line in read_lines(path, "scenario", OFFICE_KEY)]
    positions = on.send(messages)
    on.record()
    verdicts = []
    for position in positions:
        found = on.parts.ledger.find(position)
        assert found is not None
        entry = decode_entry(next(iter(on.parts.ledger.read(found[0], found[1], found[1] + 1))).entry)
        verdicts.append(entry.reason or entry.verdict)
    return verdicts


def test_an_auditor_attests_and_the_office_publishes_it_as_it_is(
    on: Stage, bundle: Path, attest: Any, tmp_path: Path, phasegate: Phasegate
) -> None:
    answer = attest(bundle)
    assert (answer.code, answer.document["warnings"]) == (0, [])
    (row,) = answer.data["decisions"]
    assert (row["decision"], row["result"], row["phase"]) == (DECISION, "identical", "heat")
    size = answer.data["size"]
    assert published(on, tmp_path / "attested.ndjson") == ["accepted"]
    assert published(on, tmp_path / "attested.ndjson") == ["duplicate"]
    fact = on.way.state.phases["heat"].decisions[DECISION].attested[AUDITOR]
    assert (fact.data["size"], fact.data["root"], fact.data["result"]) == (size, answer.data["root"], "identical")
    later = export_to(on.parts.ledger, tmp_path / "later", on.parts.bus.partitions)
    verified = phasegate("verify", later, "--vkey", VKEY, "--office", OFFICE, "--json")
    assert verified.data["attested"] == [
        {"decision": DECISION, "source": AUDITOR, "size": size, "result": "identical", "same_log": True}
    ]
    assert verified.data["checked"]["attestations"] == 1
    assert on.replay().is_identical


def test_the_same_bundle_is_attested_with_the_same_bytes(bundle: Path, attest: Any, tmp_path: Path) -> None:
    assert attest(bundle, "one").code == attest(bundle, "two").code == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert attest(bundle, "one").code == 7


@pytest.mark.parametrize(
    "change", [("identical", "different"), (DECISION, DECISION[::-1]), ('"size\\":', '"size\\": ')]
)
def test_a_changed_line_is_refused_as_signed_by_nobody(
    on: Stage, bundle: Path, attest: Any, tmp_path: Path, change: tuple[str, str]
) -> None:
    attest(bundle)
    text = (tmp_path / "attested.ndjson").read_text()
    assert change[0] in text
    (tmp_path / "changed.ndjson").write_text(text.replace(*change))
    assert published(on, tmp_path / "changed.ndjson") == ["signature-invalid"]


def test_a_line_that_a_tool_wrote_anew_is_still_signed(on: Stage, bundle: Path, attest: Any, tmp_path: Path) -> None:
    attest(bundle)
    line = json.loads((tmp_path / "attested.ndjson").read_text())
    (tmp_path / "anew.ndjson").write_text(json.dumps(dict(reversed(line.items())), ensure_ascii=True) + "\n\n")
    assert published(on, tmp_path / "anew.ndjson") == ["accepted"]


def test_whom_the_rulebook_does_not_know_is_told_so_and_refused(
    on: Stage, bundle: Path, attest: Any, tmp_path: Path
) -> None:
    answer = attest(bundle, source="urn:somebody")
    assert (answer.code, answer.document["warnings"]) == (0, ["the rulebook names no source 'urn:somebody'"])
    assert published(on, tmp_path / "attested.ndjson") == ["source-not-authorised"]


def test_a_doctored_decision_is_attested_as_different_with_what_differs(
    tmp_path: Path, attest: Any, phasegate: Phasegate
) -> None:
    stage = memory_stage(tmp_path)
    with doctored():
        play_with_auditor(stage)
    bundle = export_to(stage.parts.ledger, tmp_path / "bundle", stage.parts.bus.partitions)
    assert phasegate("verify", bundle, "--vkey", VKEY, "--office", OFFICE).code == 3
    answer = attest(bundle)
    assert answer.code == 4
    assert answer.document["error"]["code"] == "replay-differs"
    (row,) = answer.data["decisions"]
    assert row["result"] == "different"
    assert published(stage, tmp_path / "attested.ndjson") == ["accepted"]
    fact = stage.way.state.phases["heat"].decisions[DECISION].attested[AUDITOR]
    assert fact.data["difference"] == answer.data["first_difference"]
    assert fact.data["difference"]["member"].startswith("data.outcomes")


@pytest.mark.parametrize("file", ["checkpoint", "openings.ndjson", "positions.json", "SHA256SUMS"])
def test_of_a_broken_bundle_nothing_is_attested(bundle: Path, attest: Any, tmp_path: Path, file: str) -> None:
    path = bundle / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert attest(bundle).code == 3
    assert not (tmp_path / "attested.ndjson").exists()


def test_what_does_not_show_everything_cannot_be_attested(on: Stage, attest: Any, tmp_path: Path) -> None:
    ledger = on.parts.ledger
    head = ledger.head(small.PROGRAMME)
    assert head is not None
    export_to(ledger, tmp_path / "bundle", on.parts.bus.partitions)
    exporter = Exporter(ledger, on.parts.bus.partitions, {OFFICE_KEY.kid: OFFICE_KEY.public}, (key_of(),))
    exporter.export(head, DirectoryWriter(tmp_path / "part"), View("for ash", to_entrant("ash")))
    assert attest(tmp_path / "part").code == 6
    assert not (tmp_path / "attested.ndjson").exists()


def test_to_attest_a_bundle_takes_all_four_options(phasegate: Phasegate, tmp_path: Path) -> None:
    answer = phasegate("attest", tmp_path, "--vkey", VKEY, "--json")
    assert (answer.code, answer.document["error"]["code"]) == (2, "usage")
    assert "--key, --source, --out" in answer.document["error"]["message"]


def test_to_attest_a_bundle_brings_in_neither_prefect_nor_kafka_nor_a_database(bundle: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from console.main import main; code = main(sys.argv[1:]);"
        f"print(code, [name for name in {NEITHER!r} if name in sys.modules], file=sys.stderr)"
    )
    words = ["--vkey", VKEY, "--key", auditor_key_file(tmp_path), "--source", AUDITOR, "--out", tmp_path / "out"]
    command = [sys.executable, "-c", code, "attest", str(bundle), *map(str, words), "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin"})
    assert run.stderr.splitlines()[-1] == "0 []"
    assert json.loads(run.stdout)["data"]["kid"] == AUDITOR_KEY.kid
