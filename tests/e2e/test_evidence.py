"""K-AI 2026 as an auditor gets it: exported whole, verified from the bundle alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


def phasegate(home: Path, *words: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "console", *map(str, words), "--json", "--home", str(home)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    data: dict[str, Any] = json.loads(answer.stdout)["data"]
    return data


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the office after the whole programme."""
    home = tmp_path_factory.mktemp("k-ai") / "home"
    phasegate(home, "run", "examples/k-ai-2026", "--bus", "memory")
    phasegate(home, "checkpoint", "k-ai-2026")
    return home


def test_k_ai_is_exported_whole_and_verified_to_the_last_decision(home: Path, tmp_path: Path) -> None:
    replayed = phasegate(home, "replay", "k-ai-2026")
    early = phasegate(home, "checkpoint", "k-ai-2026")
    (tmp_path / "old").write_text(early["note"])
    for extra, place in (((), "bundle"), (("--zip",), "bundle.zip")):
        exported = phasegate(home, "export", "k-ai-2026", "--out", tmp_path / place, *extra)
        assert exported["size"] == replayed["size"]
        auditor = tmp_path / "auditor"  # an empty home: the bundle and a key are all there is
        words = ("verify", exported["path"], "--vkey", exported["vkey"], "--since", tmp_path / "old")
        checked = phasegate(auditor, *words)["checked"]
        assert checked["entries"] == checked["verdicts"] == replayed["verdicts"]["checked"]
        assert checked["decisions"] == replayed["decisions"]["checked"] > 20
        assert checked["attributions"] >= 1
        assert not auditor.exists()


def test_k_ai_is_published_without_a_score_but_those_that_the_profile_shows(home: Path, tmp_path: Path) -> None:
    """The bytes of the public bundle are searched for every score and total of every entrant."""
    exported = phasegate(home, "export", "k-ai-2026", "--out", tmp_path / "public", "--profile", "k-ai-public")
    phasegate(tmp_path, "verify", exported["path"], "--vkey", exported["vkey"])
    files = [path for path in Path(exported["path"]).rglob("*") if path.is_file() and path.parent.name != "schemas"]
    data = b"\n".join(path.read_bytes() for path in files)
    events = [
        json.loads(json.loads(line)["value"])
        for line in (tmp_path / "public" / "openings.ndjson").read_bytes().split(b"\n")[:-1]
    ]
    published = json.dumps([e["data"]["figures"] for e in events if e["type"] == "phasegate.figures.published.v1"])
    assert '"90.2"' in published  # the first's total is public, with the means
    phases = phasegate(home, "decisions", "k-ai-2026")["phases"]
    rows = [row for phase in phases for row in phase["standings"]]
    secret = {
        str(n) for row in rows for n in (*row["scores"].values(), row["total"]) if n and f'"{n}"' not in published
    }
    assert len(secret) > 10
    assert [number for number in sorted(secret) if f'"{number}"'.encode() in data] == []
    assert {e["type"] for e in events}.isdisjoint({"phasegate.score.recorded.v1", "phasegate.entrant.assessed.v1"})


def test_a_team_gets_its_own_marks_and_no_others(home: Path, tmp_path: Path) -> None:
    exported = phasegate(home, "export", "k-ai-2026", "--out", tmp_path / "own", "--for", "upstage")
    phasegate(tmp_path, "verify", exported["path"], "--vkey", exported["vkey"])
    lines = (tmp_path / "own" / "openings.ndjson").read_bytes().split(b"\n")[:-1]
    events = [json.loads(json.loads(line)["value"]) for line in lines]
    marks = [e for e in events if e["type"] in ("phasegate.score.recorded.v1", "phasegate.entrant.assessed.v1")]
    assert len(marks) > 50
    assert {e["data"]["entrant"] for e in marks} == {"upstage"}


def pages_of(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.html"))}


def check_links(pages: dict[str, str]) -> int:
    """Every link leads to a place of the report that is there; nothing comes from elsewhere. Returns how many there are."""
    anchors = {f"{name}#{id_}" for name, text in pages.items() for id_ in re.findall(r' id="([^"]+)"', text)}
    count = 0
    for name, text in pages.items():
        assert re.findall(r'(?:src|action)="', text) == []
        assert "url(" not in text
        for target in re.findall(r'href="([^"]+)"', text):
            count += 1
            full = name + target if target.startswith("#") else target
            assert full in anchors or full in pages, target
    return count


def test_a_report_in_full_leads_from_every_figure_to_the_log(home: Path, tmp_path: Path) -> None:
    told = phasegate(home, "report", "k-ai-2026", "--out", tmp_path / "report", "--resamples", "20")
    pages = pages_of(tmp_path / "report")
    assert len(pages) == 1 + told["entries"] == 1 + -(-told["size"] // 1000)
    assert check_links(pages) > 1000
    index = pages["index.html"]
    for phase in told["phases"]:
        section = index[index.index(f'<section id="{phase}"') :].partition("</section>")[0]
        assert [
            name for name in ("standings", "timeline", "ranks") if f'<figure id="{name}-{phase}"' not in section
        ] == []
    assert "(marks reconstructed)" in index
    assert "37.59" in index[index.index('id="weights-phase-2"') :]  # From there on the last place is Motif's for good.


def test_a_report_for_the_public_holds_no_score_that_was_not_published(home: Path, tmp_path: Path) -> None:
    phasegate(home, "report", "k-ai-2026", "--out", tmp_path / "report", "--profile", "k-ai-public")
    pages = pages_of(tmp_path / "report")
    assert check_links(pages) > 100
    text = "".join(pages.values())
    assert ">90.2<" in text
    state = phasegate(home, "decisions", "k-ai-2026")["phases"]
    published = json.dumps(
        [json.loads(row)["data"]["figures"] for row in recorded(home, "figures.published") if row is not None]
    )
    rows = [row for phase in state for row in phase["standings"]]
    numbers = {str(n) for row in rows for n in (*row["scores"].values(), row["total"]) if n}
    secret = {number for number in numbers if f'"{number}"' not in published}
    assert len(secret) > 10
    assert [number for number in sorted(secret) if re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", text)] == []


def recorded(home: Path, name: str) -> list[str | None]:
    """The values of the records of a type."""
    listed = phasegate(home, "log", "k-ai-2026", "--type", name)["entries"]
    return [json.dumps(phasegate(home, "log", "k-ai-2026", row["index"])["entry"]["record"]["event"]) for row in listed]


def test_a_folder_that_is_not_empty_is_left_as_it_is(home: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    words = [sys.executable, "-m", "console", "report", "k-ai-2026", "--out", tmp_path, "--home", home]
    answer = subprocess.run([*map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 2
    assert "not an empty folder" in answer.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
