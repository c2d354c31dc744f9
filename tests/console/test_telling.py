"""What `explain` can say: a sentence for every code in every language, none too many, none with a figure of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from console.telling import writing
from console.telling.korean import with_particle
from console.telling.sentences import Words, table
from console.telling.writing import LANGUAGES, Language
from events.audits import GateVerdict
from events.reasons import REFUSALS
from events.rulebook_criteria import BranchRule
from events.rulebook_fields import Mode
from events.rulebook_steps import OverEvaluators, OverItems
from handlers.explanation import Point
from handlers.outcomes import Fate
from handlers.phase_state import PhaseStatus
from handlers.reasons import HOLDS, REASONS, REOPENINGS
from handlers.stability.leave_one_out import Kind
from tests.support.explained import digits
from tests.support.said import SAMPLES, SNAPSHOT, placeholders, snapshot

ROOT = Path(__file__).resolve().parents[2]
NBSP, THIN = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"


def family() -> Iterator[str]:
    """The keys that are made of codes: one for each code that the tables of codes have."""
    yield from (f"reason.{code}" for code in REASONS)
    yield from (f"held.{code}" for code in HOLDS)
    yield from (f"refused.{code}" for code in REFUSALS)
    yield from (f"course.reopened.{code}" for code in REOPENINGS)
    yield from (f"outcome.{fate}" for fate in get_args(Fate))
    yield from (f"fate.{fate}" for fate in (*get_args(Fate), "open"))
    yield from (f"fragile.{kind}" for kind in get_args(Kind))
    yield from (f"status.{status}" for status in get_args(PhaseStatus))
    yield from (f"course.{what}.{verdict}" for what in ("found", "ruled") for verdict in get_args(GateVerdict))
    yield from (f"course.voted.{vote}" for vote in ("yes", "no"))
    yield from (f"course.objection.{end}" for end in ("withdrawn", "inadmissible", "dismissed", "upheld"))
    yield from (f"step.evaluators-{by}" for by in get_args(OverEvaluators.model_fields["by"].annotation))
    yield from (f"step.items-{by}" for by in get_args(OverItems.model_fields["by"].annotation))
    yield from (f"step.round-{mode}" for mode in get_args(Mode))
    yield from (f"branch.{by}" for by in get_args(BranchRule.model_fields["by"].annotation))


def written() -> set[str]:
    """Every text in quotes in the code that says things."""
    files = [*(ROOT / "handlers").glob("*.py"), *(ROOT / "console").rglob("*.py")]
    return {found for path in files for found in re.findall(r'"([a-z.-]+)"', path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_has_its_sentence_in_every_language(lang: Language) -> None:
    assert [key for key in family() if key not in table(lang)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_is_never_said(lang: Language) -> None:
    """A key is one of a family, or stands in the code: whole, or without the word before its first point."""
    known, quoted = set(family()), written()
    idle = [key for key in table(lang) if key not in known | quoted and key.partition(".")[2] not in quoted]
    assert idle == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_three_languages_say_the_same_things_with_the_same_facts(lang: Language) -> None:
    assert table(lang).keys() == table("en").keys()
    differing = [
        key for key, text in table(lang).items() if set(placeholders(text)) != set(placeholders(table("en")[key]))
    ]
    assert differing == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_has_a_figure_of_its_own(lang: Language) -> None:
    templates = {key: re.sub(r"\{[^}]*\}", "", text) for key, text in table(lang).items()}
    assert [key for key, text in templates.items() if digits(text)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_number_of_a_filled_sentence_is_one_of_its_facts(lang: Language) -> None:
    for key, text in table(lang).items():
        facts = {name: SAMPLES[name] for name in placeholders(text)}
        assert digits(Words(lang).sentence(Point(key, facts))) <= digits(" ".join(facts.values())), key


def test_every_sentence_in_three_languages_is_the_one_of_the_snapshot() -> None:
    assert snapshot() == SNAPSHOT.read_text(encoding="utf-8"), "if it is meant: python -m tests.support.said"


@pytest.mark.parametrize(
    ("word", "pair", "expected"),
    [
        ("독자성", "을/를", "독자성을"), ("1차 단계평가", "이/가", "1차 단계평가가"), ("NC AI", "은/는", "NC AI는"),
        ("SK Telecom", "은/는", "SK Telecom은"), ("Upstage", "이/가", "Upstage가"), ("KAIST", "은/는", "KAIST는"),
        ("LG", "은/는", "LG는"), ("NVM", "은/는", "NVM은"), ("Google", "을/를", "Google을"), ("Samsung", "은/는", "Samsung은"),
        ("24.5", "을/를", "24.5를"), ("10", "을/를", "10을"), ("expert-07", "으로/로", "expert-07로"),
        ("3", "으로/로", "3으로"),
        ("서울", "으로/로", "서울로"), ("부산", "으로/로", "부산으로"), ("GitHub", "은/는", "GitHub은(는)"),
        ("Github", "으로/로", "Github(으)로"), ("‘독자성’", "을/를", "‘독자성’을"),
    ],
)  # fmt: skip
def test_a_korean_particle_follows_the_sound_that_the_word_ends_with(word: str, pair: str, expected: str) -> None:
    assert with_particle(word, pair) == expected


def test_french_has_its_spaces_commas_and_plurals() -> None:
    words = Words("fr")
    assert words.say("margin.behind", margin="0.8").startswith(f"Il a 0,8{NBSP}point de retard")
    assert words.say("margin.behind", margin="2").startswith(f"Il a 2{NBSP}points de retard")
    assert f"«{NBSP}p{NBSP}»" in words.say("status.final", phase="p")
    assert f"encore{THIN};" not in words.say("status.open", phase="p")
    assert f"décidée{THIN};" in words.say("status.decided", phase="p")
    assert f"Refusé{NBSP}:" in words.say("refused.late")


def test_english_counts_one_point_and_several_points() -> None:
    words = Words("en")
    assert f"1{NBSP}point " in words.say("margin.ahead", margin="1")
    assert f"0.8{NBSP}points " in words.say("margin.ahead", margin="0.8")


@pytest.mark.parametrize(
    ("lang", "expected"),
    [("ko", "2026년 3월 1일 06:00"), ("en", "1 March 2026, 06:00"), ("fr", "1er mars 2026, 06:00")],
)
def test_instants_are_written_as_dates_of_the_language(lang: Language, expected: str) -> None:
    assert writing.moment("2026-03-01T06:00:00.000Z", lang) == expected
    assert writing.moment("2026-03-01T06:00:01.000Z", lang).endswith("06:00:01")


def test_numbers_that_do_not_end_are_cut_for_people() -> None:
    assert writing.number("127/187", "en") == "0.679144"
    assert writing.number("-12.6", "fr") == "−12,6"
    assert writing.formula("(0.5 + 2) / 3 - 1 * 4", "fr") == "(0,5 + 2) ÷ 3 − 1 × 4"
