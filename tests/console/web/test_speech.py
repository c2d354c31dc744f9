"""Every sentence of the pages, in every language; and every code that a page may have to name."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import console.web
from console.web.frame import TABS
from console.web.speech import LANGS, preferred, sentences
from handlers.reasons import HOLDS, REASONS

FOLDER = Path(console.web.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
STATUSES = ("planned", "open", "intake-closed", "held", "decided", "final")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(sentences()))
def test_a_sentence_is_there_in_every_language_with_the_same_facts(key: str) -> None:
    said = sentences()[key]
    assert set(said) == set(LANGS)
    assert all(said.values())
    assert len({frozenset(fields(text)) for text in said.values()}) == 1


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_by_itself(path: Path) -> None:
    """What stands between tags is a sentence from the table, a fact, or no letter at all."""
    text = re.sub(
        r"\{#.*?#}|\{%.*?%}|\{\{.*?}}|<script.*?</script>|<code>.*?</code>",
        "",
        path.read_text("utf-8"),
        flags=re.DOTALL,
    )
    words = re.sub(r"<[^>]*>", " ", text)
    assert set(re.findall(r"[^\W\d_]{2,}", words)) <= {"phase", "gate", "phasegate", "UTC"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_asks_for_sentences_that_there_are(path: Path) -> None:
    asked = set(re.findall(r"\bt\('([a-z.-]+)'", path.read_text("utf-8")))
    assert {key for key in asked if not key.endswith("-")} <= sentences().keys()


def test_codes_that_a_page_may_have_to_name_are_named() -> None:
    wanted = {f"reason.{code}" for code in REASONS} | {f"owed.{code}" for code in HOLDS}
    wanted |= {f"status.{name}" for name in STATUSES} | {f"site.tab-{name}" for name in TABS}
    wanted |= {f"outcome.{name}" for name in ("advanced", "eliminated", "withdrawn")}
    wanted |= {f"verdict.{name}" for name in ("accepted", "refused", "duplicate", "pending")}
    assert wanted <= sentences().keys()


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "en"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8", "ko"),
        ("de,fr;q=0.5,en;q=0.7", "en"),
        ("fr;q=0", "en"),
        ("fr;q=x, ko;q=0.1", "ko"),
        (";;;,,,", "en"),
    ],
)
def test_the_language_that_a_browser_prefers_is_taken(header: str, lang: str) -> None:
    assert preferred(header) == lang
