"""`attest PROGRAMME`: the flow run by hand, over a Prefect server of its own, and what its exit code says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.attesting import TOPIC, replayed
from flows.reading import Reading
from handlers.decide import decision_id
from tests.console.conftest import Phasegate
from tests.support import small
from tests.support.attesting import doctored
from tests.support.deployment import environment
from tests.support.stage import LOG_KEY, OFFICE_KEY, memory_stage, play

ROOT = Path(__file__).resolve().parents[2]
DECISION = decision_id(small.PROGRAMME, "heat")


def attested(home: Path, *, honest: bool) -> dict[str, str]:
    """The environment of a ledger whose attestations are on record: so no broker is needed to replay it once more."""
    stage = memory_stage(home)
    if honest:
        play(stage)
    else:
        with doctored():
            play(stage)
    keys = {OFFICE_KEY.kid: OFFICE_KEY.public}
    found = replayed(
        Reading(stage.parts.ledger, stage.parts.bus.partitions, keys, (LOG_KEY.verifier,)), small.PROGRAMME
    )
    stage.way.office.publish([(TOPIC, event) for event in found.new], found.stamp_ms)
    stage.parts.ledger.close()
    return environment(home, f"sqlite:///{home}/ledger.sqlite")


def attest(settings: dict[str, str]) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "console", "attest", "small", "--json"]
    run = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert run.stdout, run.stderr
    return run.returncode, json.loads(run.stdout)


@pytest.mark.prefect
@pytest.mark.slow
def test_what_is_attested_and_comes_out_the_same_is_not_said_again(
    tmp_path: Path, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = attested(tmp_path, honest=True)
    code, document = attest(settings)
    assert (code, document["schema"], document["data"]["published"]) == (0, "phasegate/attest/v1", 0)
    (row,) = document["data"]["decisions"]
    assert row == {"decision": DECISION, "phase": "heat", "result": "identical", "size": None, "attestation": None}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert "attested by urn:phasegate:small-cup:attestor at" in phasegate("decisions", "small-cup").out
    assert "attested by urn:phasegate:small-cup:attestor at" in phasegate("status", "small-cup").out


@pytest.mark.prefect
@pytest.mark.slow
def test_what_differs_is_exit_code_4_and_attention(
    tmp_path: Path, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = attested(tmp_path, honest=False)
    code, document = attest(settings)
    assert (code, document["error"]["code"]) == (4, "replay-differs")
    assert document["data"]["decisions"][0]["result"] == "different"
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    told = phasegate("status", "small-cup", "--check", "--json")
    assert told.code == 10
    assert any("came out differently" in text for text in told.data["attention"])
