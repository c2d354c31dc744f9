"""Every sentence that `explain` can say, in three languages, filled with samples. `python -m tests.support.said` writes the
snapshot that test_telling.py compares.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path

from console.telling.sentences import Names, Words, table
from console.telling.writing import LANGUAGES
from handlers.explanation import Point

SNAPSHOT = Path(__file__).parents[1] / "console" / "sentences.txt"
SAMPLES = {
    "reason": "jury-exchanged",
    "entrant": "nc-ai", "phase": "phase-1", "criterion": "expert", "gate": "independence", "item": "strategy",
    "count": "technical", "evaluator": "expert-07", "who": "ministry", "role": "programme-director", "panel": "experts",
    "counts": "policy, technical",
    "total": "66.9", "rank": "5", "scored": "5", "place": "5", "places": "4", "observed": "16.4", "required": "17.5",
    "short": "1.1", "margin": "12.6", "vacancies": "2", "have": "7", "need": "8", "round": "2", "size": "787", "last": "726",
    "entries": "30", "before": "24.4625", "after": "24.5", "reference": "72", "cap": "1", "less": "3", "floor": "0",
    "dropped": "expert-09 23.2, expert-07 27.1", "until": "2026-01-25T06:00:00.000Z", "when": "2026-01-15T06:00:00.000Z",
    "days": "10", "hours": "36", "decision": "860d9ec6", "assessment": "793", "finding": "ebb6ae82", "objection": "019bd921",
    "grounds": "evaluator-error, misreading", "profile": "k-ai-public", "log": "phasegate.example/k-ai-2026",
    "root": "405756b6", "rulebook": "04cf36e4", "engine": "1", "command": "phasegate replay k-ai-2026",
    "record": "nc-ai-phase-1-assessment.opening.json", "tried": "94", "value": "31",
    "instead": "18.5", "outcomes": "nc-ai=advanced,naver-cloud=open", "gaps": "Benchmarks 4.0; Experts 2.4",
}  # fmt: skip
NAMES = Names({
    ("entrant", "nc-ai"): {"en": "NC AI"},
    ("phase", "phase-1"): {"ko": "1차 단계평가", "en": "Phase 1", "fr": "Phase 1"},
    ("criterion", "expert"): {"ko": "전문가 평가", "en": "Expert evaluation", "fr": "Évaluation des experts"},
    ("gate", "independence"): {"ko": "독자성", "en": "Independence", "fr": "Indépendance"},
})  # fmt: skip


def placeholders(template: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]


def sentences() -> Iterator[str]:
    """A block for each key: the key, and a line for each language."""
    for key in sorted(table("en")):
        yield key
        for lang in LANGUAGES:
            facts = {name: SAMPLES[name] for name in placeholders(table(lang)[key])}
            yield f"  {lang}  {Words(lang, NAMES).sentence(Point(key, facts))}"


def snapshot() -> str:
    return "\n".join(sentences()) + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(snapshot(), encoding="utf-8")
