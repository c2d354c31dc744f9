"""Letters of decision of K-AI: what is shown in docs/letters, whose figures are in them, and that their proofs hold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.telling.writing import LANGUAGES
from tests.console.conftest import Answer, Phasegate
from tests.support.deployment import environment
from tests.support.letters import EXAMPLE, FORMATS, SHOWN, WORDS, comparable, played

pytestmark = pytest.mark.slow
TEAMS = ("lg-ai-research", "naver-cloud", "sk-telecom", "upstage", "nc-ai")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> str:
    return played(tmp_path_factory.mktemp("k-ai"))


@pytest.fixture
def k_ai(ledger: str, phasegate: Phasegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Phasegate:
    """The command line over the whole of K-AI, with a checkpoint over all of it."""
    for name, value in environment(tmp_path / "home", ledger).items():
        monkeypatch.setenv(name, value)
    assert phasegate("checkpoint", "k-ai-2026").code == 0
    return phasegate


Written = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture
def letter(k_ai: Phasegate, tmp_path: Path) -> Written:
    """The text of a letter, and what the command said of it."""

    def write(entrant: str, *words: str, phase: str = "phase-1") -> tuple[str, dict[str, Any]]:
        command = ("explain", "k-ai-2026", entrant, "--phase", phase, "--letter", "--out", tmp_path / "out", "--json")
        answer = k_ai(*command, *words)
        assert answer.code == 0, answer.err
        return Path(answer.data["letter"]).read_text(encoding="utf-8"), answer.data

    return write


def scores_of_others(answer: Answer, entrant: str, phase: str) -> set[str]:
    """Every score, total and margin that another entrant has and this one has not."""
    (view,) = [row for row in answer.data["phases"] if row["phase"] == phase]
    figures = {row["entrant"]: {row["total"], *row["scores"].values()} for row in view["standings"]}
    own = figures.pop(entrant)
    return {text for row in figures.values() for text in row if text} - own


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("form", FORMATS)
def test_the_letters_that_the_documents_show_are_those_that_are_written(
    k_ai: Phasegate, tmp_path: Path, lang: str, form: str
) -> None:
    answer = k_ai(*WORDS, "--lang", lang, "--format", form, "--out", tmp_path, "--json")
    found = Path(answer.data["letter"]).read_text(encoding="utf-8")
    shown = (SHOWN / f"nc-ai-phase-1.{lang}.{form}").read_text(encoding="utf-8")
    assert comparable(found) == comparable(shown), "if it is meant: python -m tests.support.letters"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("entrant", TEAMS)
def test_a_letter_holds_no_score_of_others_that_is_not_published(
    k_ai: Phasegate, letter: Written, entrant: str, lang: str
) -> None:
    """Its bytes are searched for every other score, without the entrant's own calculation, whose numbers are its own."""
    decisions = k_ai("decisions", "k-ai-2026", "--json")
    others = scores_of_others(decisions, entrant, "phase-1")
    explained = k_ai("explain", "k-ai-2026", entrant, "--phase", "phase-1", "--json").data
    own = json.dumps(explained["worked"])
    published = {"33.6", "9.2", "14.4", "10.0", "31.6", "25.0", "90.2"}
    secret = {text for text in others - published if f'"{text}"' not in own and text not in own}
    assert len(secret) >= 8
    for form in FORMATS:
        text, _ = letter(entrant, "--lang", lang, "--format", form)
        body = text.replace(",", ".") if lang == "fr" else text
        assert [one for one in sorted(secret) if re.search(rf"(?<![\d.]){re.escape(one)}(?![\d.])", body)] == []


def test_a_margin_would_tell_anothers_total_and_is_left_out(letter: Written) -> None:
    text, _ = letter("nc-ai", "--format", "md")
    assert "12.6" not in text
    assert "How far apart the entrants are is not published" in text


def test_nc_ai_reads_its_place_its_ignored_mark_and_its_whole_calculation(letter: Written) -> None:
    text, _ = letter("nc-ai", "--format", "md", "--lang", "ko")
    assert "NC AI는 1차 단계평가에서 다음 단계로 진출하지 못합니다." in text
    assert "총점은 66.9점으로, 점수가 있는 5팀 가운데 5위입니다." in text
    assert re.search(r"\| \d+ \| 2026년 1월 13일 10:00 \| 거부: 이 평가자는 이 점수를 이미 주었습니다\.", text)
    assert "| 25.4 + 24.5 + 17.0 | = 66.9 |" in text
    assert "이의신청 기간은 2026년 1월 25일 06:00(UTC)에 끝났습니다." in text


def test_naver_cloud_reads_that_the_gate_decided_and_not_its_score(letter: Written) -> None:
    text, _ = letter("naver-cloud", "--format", "md", "--at", "2026-01-15T07:00:00Z")
    assert "By its score it stands in place 2 among those eligible; the phase has 4\N{NO-BREAK SPACE}places." in text
    assert "The condition “Independence”, which stands beside the score, is not met on: technical." in text
    assert text.count("The entrant answered the finding on “Independence”, technical.") == 2
    assert "You may object until 25 January 2026, 06:00 (UTC)." in text


def test_the_last_of_phase_2_reads_what_was_published_two_days_later(letter: Written) -> None:
    early, _ = letter("motif-technologies", "--format", "md", "--at", "2026-08-18T06:00:00Z", phase="phase-2")
    late, _ = letter("motif-technologies", "--format", "html", phase="phase-2")
    assert "11.9 (Motif Technologies)" not in early
    assert "(SK Telecom)" not in early
    assert "From the first to the last, in points:" in early
    assert "11.9 (Motif Technologies)" in late
    assert "13.4 (SK Telecom)" in late
    assert "70.6 (SK Telecom)" in late
    assert "69.9" not in early + late  # the second's total was published by nobody but the press


def test_without_the_users_the_last_of_phase_2_would_have_advanced(k_ai: Phasegate) -> None:
    told = k_ai("explain", "k-ai-2026", "motif-technologies", "--phase", "phase-2", "--json").data["fragility"]
    facts = {"criterion": "user", "outcomes": "lg-ai-research=eliminated,motif-technologies=advanced"}
    assert [(row["code"], row["facts"]) for row in told] == [("fragile.criterion", facts)]


def test_figures_are_marked_by_their_origin_where_a_scenario_tells_it(letter: Written) -> None:
    text, _ = letter("lg-ai-research", "--format", "md", "--scenario", str(EXAMPLE))
    assert "| Benchmarks | 40 | 33.6 |" in text
    other, _ = letter("upstage", "--format", "md", "--scenario", str(EXAMPLE))
    assert "| Benchmarks | 40 | 30.5* |" in other
    assert "> \\* Reconstructed" in other
    projected, _ = letter("lg-ai-research", "--format", "md", "--scenario", str(EXAMPLE), phase="final-projection")
    assert "> \\~ Projection" in projected
    assert re.search(r"\| \d\d\.\d~ \|", projected)


def test_the_proofs_beside_a_letter_verify_with_the_key_alone_and_fail_when_touched(
    letter: Written, phasegate: Phasegate, tmp_path: Path
) -> None:
    _, told = letter("nc-ai", "--format", "md")
    files = {Path(path).name.removeprefix("nc-ai-phase-1-"): Path(path) for path in told["files"]}
    words = ("--entry", files["assessment.entry.json"], "--vkey", told["vkey"], "--json")
    proof, opening = files["assessment.tlog-proof"], files["assessment.opening.json"]
    answer = phasegate("verify", proof, *words, "--opening", opening)
    assert answer.code == 0
    assert answer.data["event"]["data"]["entrant"] == "nc-ai"
    assert answer.data["event"]["data"]["scores"]["total"]["value"] == "66.9"
    assert phasegate("verify", proof, "--vkey", told["vkey"]).code == 2
    other = ("--entry", files["decision.entry.json"], "--vkey", told["vkey"])
    assert phasegate("verify", proof, *other).code == 3
    opening.write_bytes(opening.read_bytes().replace(b"66.9", b"96.9"))
    assert phasegate("verify", proof, *words, "--opening", opening).code == 3


def test_a_letter_is_not_written_over_and_asks_for_what_it_needs(k_ai: Phasegate, tmp_path: Path) -> None:
    command = ("explain", "k-ai-2026", "nc-ai", "--letter")
    assert k_ai(*command).code == 2
    assert k_ai("explain", "k-ai-2026", "--letter", "--out", tmp_path / "x").code == 2
    assert k_ai(*command, "--out", tmp_path / "x").code == 0
    assert k_ai(*command, "--out", tmp_path / "x").code == 6


@pytest.mark.parametrize("entrant", ["nc-ai", "naver-cloud"])
def test_html_asks_nothing_of_the_network_and_escapes_what_it_prints(letter: Written, entrant: str) -> None:
    text, _ = letter(entrant, "--format", "html")
    assert re.findall(r"(?:src|href|url\(|@import|<script)", text) == []
    assert "@page { size: A4" in text
    assert '<html lang="en">' in text
