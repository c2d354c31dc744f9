"""The commands of docs/intake.md do what it says, typed as they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from events.envelope import Envelope, encode
from events.note import format_vkey, verifier_key
from events.values import format_instant
from infra.clock import now_ms
from tests.support.stage import LOG_KEY, ORIGIN
from tests.support.website import Website

pytestmark = [pytest.mark.kafka, pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")]

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "intake.md"
ADDRESS = "http://127.0.0.1:8000"


def blocks(begins: str) -> list[str]:
    return [
        block
        for block in re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
        if begins in block
    ]


def typed(block: str, site: Website, folder: Path, **names: str) -> str:
    """What a shell says to it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-euc", block.replace(ADDRESS, str(site.client.base_url).rstrip("/"))],
        cwd=folder, env={**os.environ, "PATH": path, **names}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_an_event_is_sent_asked_for_and_proved_as_the_guide_says(site: Website, tmp_path: Path) -> None:
    key = site.key(sources=["urn:village:jury"], types=["score.recorded"], programmes=["village-prize"])
    data = {"phase": "p", "entrant": "ash", "criterion": "c", "item": "i", "evaluator": "ann", "value": "8"}
    mark = Envelope(
        "a-mark", "urn:village:jury", "phasegate.score.recorded.v1", "village-prize", format_instant(now_ms()), data
    )
    (tmp_path / "mark.json").write_bytes(encode(mark))
    first, second = blocks("/v1/events")
    (sent,) = json.loads(typed(first, site, tmp_path, KEY=key))["receipts"]
    assert (sent["id"], sent["topic"]) == ("a-mark", "scores")
    (binary,) = json.loads(typed(second, site, tmp_path, KEY=key))["receipts"]
    assert binary["source"] == "urn:village:jury"
    site.record()
    (asked,) = blocks("/v1/receipts/scores/4/17")
    told = json.loads(typed(asked.replace("/v1/receipts/scores/4/17", sent["url"]), site, tmp_path, KEY=key))
    assert (told["state"], told["verdict"]) == ("recorded", "pending")
    (proved,) = blocks("mark.tlog-proof")
    vkey = format_vkey(verifier_key(f"{ORIGIN}/village-prize", LOG_KEY.public))
    url = f"{site.client.base_url}".rstrip("/") + sent["url"]
    shown = typed(proved, site, tmp_path, URL=url, TOKEN=sent["token"], VKEY=vkey)
    assert "village-prize" in shown
    (tmp_path / "mark.receipt").write_text(sent["note"])
    (verified,) = blocks("mark.receipt")
    assert sent["sha256"] in typed(verified, site, tmp_path, INTAKE_VKEY=format_vkey(site.intake_key.verifier))
