"""`checkpoint`, `prove`, `export`, `verify`, as an office and an auditor call them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from events.note import open_checkpoint, parse_vkey
from events.proof_file import verify_proof
from infra.keys import from_seed
from infra.ledger import Ledger
from tests.console.conftest import Phasegate
from tests.contracts.ledger import Writing
from tests.support import small
from tests.support.deployment import environment
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, memory_stage, play

ROOT = Path(__file__).resolve().parents[2]
VKEY = LOG_KEY.named(f"{ORIGIN}/{small.PROGRAMME}").vkey
NEITHER = ("prefect", "kafka", "sqlalchemy", "alembic", "psycopg", "pydantic_settings")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The small programme to its end; nothing is signed yet after its last events."""
    home = tmp_path_factory.mktemp("home")
    stage = memory_stage(home)
    play(stage)
    stage.parts.ledger.close()
    return home, f"sqlite:///{home}/ledger.sqlite"


@pytest.fixture
def office(ledger: tuple[Path, str], phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> Phasegate:
    """Called by the office, with keys in files."""
    for name, value in environment(*ledger).items():
        if name.startswith("PHASEGATE_"):
            monkeypatch.setenv(name, value)
    return phasegate


@pytest.fixture
def bundle(office: Phasegate, tmp_path: Path) -> Path:
    office("checkpoint", "small-cup")
    answer = office("export", "small-cup", "--out", tmp_path / "bundle", "--json")
    assert (answer.code, answer.data["vkey"]) == (0, VKEY)
    return Path(answer.data["path"])


def test_a_checkpoint_is_signed_once_and_said_again(office: Phasegate) -> None:
    first, second = (office("checkpoint", "small-c", "--json") for _ in range(2))
    assert first.data == second.data
    signed = open_checkpoint(first.data["note"].encode(), [parse_vkey(VKEY)])
    assert (signed.size, signed.root.hex()) == (first.data["size"], first.data["root"])
    assert office("checkpoint", "small-cup").out == first.data["note"]


def test_a_proof_holds_for_whoever_has_the_key_and_the_entry(office: Phasegate, tmp_path: Path) -> None:
    office("checkpoint", "small-cup")
    answer = office("prove", "small-cup", 7, "--json")
    index, signed = verify_proof(
        answer.data["proof"].encode(), answer.data["entry"].encode(), [parse_vkey(answer.data["vkey"])]
    )
    assert (index, signed.size) == (7, answer.data["size"])
    assert office("prove", "small-cup", 7).out == answer.data["proof"]
    out = tmp_path / "seven.tlog-proof"
    assert office("prove", "small-cup", 7, "--out", out).code == 0
    assert out.read_text() == answer.data["proof"]
    assert office("prove", "small-cup", 7, "--out", out).code == 6


def test_there_is_no_proof_of_what_no_checkpoint_covers(office: Phasegate) -> None:
    answer = office("prove", "small-cup", 10_000)
    assert answer.code == 5
    assert "phasegate checkpoint small-cup" in answer.err


def test_what_was_exported_is_verified_from_a_directory_and_from_a_zip(
    office: Phasegate, bundle: Path, tmp_path: Path
) -> None:
    zipped = office("export", "small-cup", "--out", tmp_path / "b.zip", "--zip", "--json").data
    answers = [office("verify", path, "--vkey", VKEY, "--json") for path in (bundle, zipped["path"])]
    for answer in answers:
        assert answer.code == 0
        assert answer.data["root"] == zipped["root"]
        assert answer.data["checked"]["entries"] == answer.data["checked"]["verdicts"] == zipped["size"]
        assert any("--office" in sentence for sentence in answer.data["not_checked"])
    assert answers[0].data["checked"] == answers[1].data["checked"]
    shown = office("verify", bundle, "--vkey", VKEY, "--office", OFFICE_KEY.vkey, "--since", bundle / "checkpoint")
    assert shown.code == 0
    assert "checked, and found right:" in shown.out
    assert f"extends the checkpoint of {zipped['size']} entries" in shown.out
    assert "--office" not in shown.out


def test_a_change_is_named_with_file_index_and_both_values(office: Phasegate, bundle: Path) -> None:
    tile = next((bundle / "tile" / "entries").rglob("*.p/*"))
    data = tile.read_bytes()
    tile.write_bytes(data.replace(b'"verdict":"accepted"', b'"verdict":"accepteD"', 1))
    answer = office("verify", bundle, "--vkey", VKEY, "--json")
    assert answer.code == 3
    details = answer.document["error"]["details"]
    assert details["file"] == str(tile.relative_to(bundle))
    assert details["index"] == data[: data.index(b'"verdict":"accepted"')].count(b'"verdict"')
    assert len(details["expected"]) == len(details["found"]) == 64


def test_another_key_an_older_size_and_a_missing_bundle_have_their_exit_codes(
    office: Phasegate, bundle: Path, tmp_path: Path
) -> None:
    stranger = from_seed(f"{ORIGIN}/small-cup", b"\x0a" * 32)
    assert office("verify", bundle, "--vkey", stranger.vkey).code == 3
    assert office("verify", bundle, "--vkey", "no key").code == 2
    assert office("verify", tmp_path / "none", "--vkey", VKEY).code == 5
    assert office("verify", bundle, "--vkey", VKEY, "--since", tmp_path / "none").code == 5
    assert office("verify", bundle, "--vkey", VKEY, "--max-age", "P1D").code == 2
    assert office("verify", bundle, "--vkey", VKEY, "--quorum", "1").code == 2
    assert office("export", "small-cup", "--out", bundle).code == 6


def test_witnesses_are_asked_for_with_their_age(office: Phasegate, bundle: Path) -> None:
    witness = from_seed("witness.example/w1", b"\x02" * 32)
    note = (bundle / "checkpoint").read_bytes()
    words = ("verify", bundle, "--vkey", VKEY, "--witness", _vkey04(witness.name))
    assert office(*words).code == 3
    (bundle / "checkpoint").write_bytes(note + witness.cosign(note.split(b"\n\n")[0] + b"\n", 1_700_000_000))
    sums = (bundle / "SHA256SUMS").read_text()
    from hashlib import sha256

    old, new = sha256(note).hexdigest(), sha256((bundle / "checkpoint").read_bytes()).hexdigest()
    (bundle / "SHA256SUMS").write_text(sums.replace(old, new))
    assert office(*words).code == 0
    assert office(*words, "--max-age", "P1D").code == 3
    assert office(*words, "--max-age", "P99999D").code == 0


def _vkey04(name: str) -> str:
    from events.note import format_vkey

    return format_vkey(from_seed(name, b"\x02" * 32).witness)


def test_verify_brings_in_neither_prefect_nor_kafka_nor_a_database(bundle: Path) -> None:
    code = (
        "import sys; from console.main import main; code = main(sys.argv[1:]);"
        f"print(code, [name for name in {NEITHER!r} if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "verify", str(bundle), "--vkey", VKEY, "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin"})
    assert run.stderr.splitlines()[-1] == "0 []"
    assert json.loads(run.stdout)["ok"] is True


def test_the_sums_of_a_bundle_are_those_of_sha256sum(bundle: Path) -> None:
    run = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=bundle, capture_output=True, check=True)
    assert run.returncode == 0


def test_an_older_copy_of_the_ledger_publishes_nothing_beside_what_left(
    phasegate: Phasegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, copy = tmp_path / "ledger.sqlite", tmp_path / "copy.sqlite"
    for name, value in environment(tmp_path, f"sqlite:///{database}").items():
        if name.startswith("PHASEGATE_"):
            monkeypatch.setenv(name, value)
    phasegate("db", "upgrade")

    def grows(log: Writing, count: int, value: bytes) -> None:
        with Ledger.open(f"sqlite:///{database}") as ledger:
            ledger.append(log.batch(*[log.first(value=value) for _ in range(count)]))

    first, second = Writing("p"), Writing("p")
    grows(first, 3, b"{}")
    assert phasegate("checkpoint", "p").code == 0
    shutil.copy(database, copy)
    grows(first, 3, b"{}")
    left = phasegate("checkpoint", "p").out
    assert (tmp_path / "checkpoints" / f"{ORIGIN}~p").read_text() == left
    shutil.copy(copy, database)
    for _ in range(3):
        second.first()
    grows(second, 9, b"[]")
    for _ in range(2):
        answer = phasegate("checkpoint", "p")
        assert (answer.code, answer.out) == (3, "")
        assert "was given out" in answer.err
    with Ledger.open(f"sqlite:///{database}") as ledger:
        ledger.sign("p", LOG_KEY)  # by another home, which does not know
    assert phasegate("prove", "p", 1).code == 3
    assert phasegate("export", "p", "--out", tmp_path / "b").code == 3
    assert not (tmp_path / "b").exists()
