"""The demo as a stranger runs it: every published figure of both phases, the whole course, and an identical replay."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.kafka, pytest.mark.prefect, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 280


def demo(home: Path, *options: str) -> str:
    command = [sys.executable, "-m", "console", "demo", "--home", str(home), *options]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout


def fates(view: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    return {row["entrant"]: (row["outcome"], [reason["code"] for reason in row["reasons"]]) for row in view["outcomes"]}


def phase_1(view: dict[str, Any]) -> None:
    scores = {row["entrant"]: row["scores"] | {"total": row["total"]} for row in view["standings"]}
    first = scores["lg-ai-research"]
    assert (first["benchmark"], first["expert"], first["user"], first["total"]) == ("33.6", "31.6", "25.0", "90.2")
    assert (first["benchmark.nia"], first["benchmark.common"], first["benchmark.individual"]) == ("9.2", "14.4", "10.0")
    assert scores["sk-telecom"]["benchmark.nia"] == "9.2"
    assert scores["upstage"]["benchmark.individual"] == "10.0"
    means = view["means"]
    assert (means["benchmark"], means["expert"], means["user"], means["total"]) == ("30.40", "28.56", "20.76", "79.72")
    assert fates(view) == {
        "lg-ai-research": ("advanced", ["rank-within-places"]),
        "sk-telecom": ("advanced", ["rank-within-places"]),
        "upstage": ("advanced", ["rank-within-places"]),
        "naver-cloud": ("eliminated", ["rank-within-places", "gate-not-met"]),
        "nc-ai": ("eliminated", ["rank-below-places"]),
    }
    assert (view["status"], view["vacancies"]) == ("final", 1)


def phase_2(view: dict[str, Any]) -> None:
    scores = {row["entrant"]: row["scores"] | {"total": row["total"]} for row in view["standings"]}
    totals = {entrant: row["total"] for entrant, row in scores.items()}
    assert totals == {"sk-telecom": "70.6", "upstage": "69.9", "lg-ai-research": "69.0", "motif-technologies": "65.8"}
    index = {entrant: row["benchmark.aaii"] for entrant, row in scores.items()}
    assert index == {"sk-telecom": "8.8", "upstage": "9.4", "lg-ai-research": "7.8", "motif-technologies": "11.9"}
    means = view["means"]
    assert (means["benchmark.aaii"], means["benchmark.nia"], means["expert"]) == ("9.48", "13.05", "28.75")
    assert (means["user.expert-users"], means["user.public"]) == ("10.53", "7.03")
    out = [entrant for entrant, (outcome, _) in fates(view).items() if outcome == "eliminated"]
    assert (view["status"], view["vacancies"], out) == ("final", 0, ["motif-technologies"])


def test_the_demo_gives_every_published_figure_and_replays(tmp_path: Path) -> None:
    document: dict[str, Any] = json.loads(demo(tmp_path, "--json"))
    data = document["data"]
    assert (document["ok"], data["unexpected"]) == (True, [])
    views = {view["phase"]: view for view in data["phases"]}
    assert list(views) == ["document-review", "selection", "phase-1", "reopening", "phase-2", "final-projection"]
    phase_1(views["phase-1"])
    phase_2(views["phase-2"])
    assert [len(views[name]["outcomes"]) for name in ("document-review", "selection")] == [15, 10]
    assert views["reopening"]["call"]["selected"] == ["motif-technologies"]
    assert data["finalists"] == ["sk-telecom", "upstage"]
    for tally in (data["replay"]["verdicts"], data["replay"]["decisions"]):
        assert tally["checked"] == tally["identical"] > 0


def test_without_kafka_it_prints_the_same_in_a_hundred_columns_and_a_page_for_each_phase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    lines = demo(tmp_path, "--bus", "memory").splitlines()
    assert max(len(line) for line in lines) <= 100
    heads = [place for place, line in enumerate(lines) if line.endswith(": final")]
    assert len(heads) == 6
    assert max(after - before for before, after in pairwise(heads)) <= 50
    text = "\n".join(lines)
    assert "13 of 13 published figures come out" in text
    assert "23 of 23 published figures come out" in text
    assert "81.8*" in text[text.index("(reopening)") : text.index("(phase-2)")]
    last = text[text.index("--- PROJECTION") :]
    assert "Final phase (PROJECTION, not on record)" in last
    assert "70.6~" in last
    assert "70.6*" not in last
