"""The demo as a stranger runs it: every published figure of phase 1, and a replay that finds everything identical."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.kafka, pytest.mark.prefect, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


def demo(home: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "console", "demo", "--json", "--home", str(home), *options]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    document: dict[str, Any] = json.loads(answer.stdout)
    assert document["ok"] is True
    data: dict[str, Any] = document["data"]
    return data


@pytest.mark.parametrize("bus", ["kafka", "memory"])
def test_the_demo_gives_every_published_figure_and_replays(bus: str, tmp_path: Path) -> None:
    data = demo(tmp_path, "--bus", bus)
    phase = next(view for view in data["phases"] if view["phase"] == "phase-1")
    scores = {row["entrant"]: row["scores"] | {"total": row["total"]} for row in phase["standings"]}
    first = scores["lg-ai-research"]
    assert (first["benchmark"], first["expert"], first["user"], first["total"]) == ("33.6", "31.6", "25.0", "90.2")
    assert (first["benchmark.nia"], first["benchmark.common"], first["benchmark.individual"]) == ("9.2", "14.4", "10.0")
    assert scores["sk-telecom"]["benchmark.nia"] == "9.2"
    assert scores["upstage"]["benchmark.individual"] == "10.0"
    means = phase["means"]
    assert (means["benchmark"], means["expert"], means["user"], means["total"]) == ("30.40", "28.56", "20.76", "79.72")
    fates = {
        row["entrant"]: (row["outcome"], [reason["code"] for reason in row["reasons"]]) for row in phase["outcomes"]
    }
    assert fates == {
        "lg-ai-research": ("advanced", ["rank-within-places"]),
        "sk-telecom": ("advanced", ["rank-within-places"]),
        "upstage": ("advanced", ["rank-within-places"]),
        "naver-cloud": ("eliminated", ["rank-within-places", "gate-not-met"]),
        "nc-ai": ("eliminated", ["rank-below-places"]),
    }
    assert (phase["status"], phase["vacancies"], data["unexpected"]) == ("final", 1, [])
    for tally in (data["replay"]["verdicts"], data["replay"]["decisions"]):
        assert tally["checked"] == tally["identical"] > 0
