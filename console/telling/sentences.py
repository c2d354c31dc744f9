"""Sentences from codes: one table for each language, and the names that stand in them."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from console.telling import writing
from console.telling.korean import with_particle
from console.telling.writing import Language
from events.rulebook import Phase
from handlers.explanation import Facts, Noted, Point
from handlers.hearings import OFFICE
from handlers.scoring import TOTAL
from handlers.state import State

_FOLDER = Path(__file__).parent
_INSTANTS = frozenset({"until", "when"})
_LISTS = frozenset({"dropped", "gaps"})
_OTHERS_FIRST = ("en", "ko", "fr")


def capitalised(text: str) -> str:
    """With a capital at its beginning, where the writing has capitals."""
    return text[:1].upper() + text[1:]


@cache
def table(lang: Language) -> Mapping[str, str]:
    """Every sentence of a language by its key."""
    loaded: dict[str, str] = yaml.safe_load((_FOLDER / f"{lang}.yaml").read_text(encoding="utf-8"))
    return loaded


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called, by kind (`entrant`, `phase`, `criterion`, `gate`) and id: a text for all languages or by one."""

    titles: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)

    def of(self, kind: str, name: str, lang: Language) -> str:
        """In the language, else in English, else in any; the id itself where it is called nothing."""
        titles = self.titles.get((kind, name), {})
        found = titles.get(lang) or next((titles[other] for other in _OTHERS_FIRST if titles.get(other)), None)
        return found or next(iter(titles.values()), name)


def names_of(state: State) -> Names:
    """The names that registrations and rules give, and those of the phases as they were opened."""
    titles: dict[tuple[str, str], Mapping[str, str]] = {}
    for rules in state.rulebook.phases if state.rulebook else ():
        titles[("phase", rules.id)] = rules.title or {}
    for phase in state.phases.values():
        titles |= _of_rules(phase.rules)
    for entrant, fact in state.entrants.items():
        titles[("entrant", entrant)] = {"en": fact.data["name"]}
    return Names(titles)


def _of_rules(rules: Phase) -> dict[tuple[str, str], Mapping[str, str]]:
    found: dict[tuple[str, str], Mapping[str, str]] = {("phase", rules.id): rules.title or {}}
    found |= {("criterion", path): node.title or {} for path, node in rules.tree.items()}
    return found | {("gate", gate.id): gate.title or {} for gate in rules.gates}


@dataclass(frozen=True, slots=True)
class Words:
    """Says things in one language."""

    lang: Language
    names: Names = field(default_factory=Names)

    def say(self, key: str, **facts: str) -> str:
        return self.sentence(Point(key, facts))

    def sentence(self, said: Point | Noted) -> str:
        """The sentence of a code with its facts. Raises KeyError for a code without one."""
        parts = []
        for text, name, spec, _ in string.Formatter().parse(table(self.lang)[said.code]):
            parts.append(text)
            if name is not None:
                parts.append(self._filled(name, spec or "", said.facts))
        return writing.spaced("".join(parts), self.lang)

    def _filled(self, name: str, spec: str, facts: Facts) -> str:
        if spec.startswith("one="):
            return writing.counted(facts[name], spec, self.lang)
        written = self.written(name, facts[name])
        return with_particle(written, spec) if spec else written

    def written(self, name: str, value: str) -> str:
        """A fact as it is written in the language, by what it is the name of."""
        if name in _INSTANTS:
            return writing.moment(value, self.lang)
        if name in _LISTS:
            return writing.numbers_within(value, self.lang)
        if name == "outcomes":
            return (" ; " if self.lang == "fr" else "; ").join(
                self._turned(*part.split("=")) for part in value.split(",")
            )
        if value == OFFICE:
            return table(self.lang)["name.office"]
        if name == "criterion":
            return self.criterion(value)
        if name in ("entrant", "phase", "gate"):
            return self.names.of(name, value, self.lang)
        return writing.number(value, self.lang)

    def _turned(self, entrant: str, fate: str) -> str:
        return self.headed(self.names.of("entrant", entrant, self.lang), table(self.lang)[f"fate.{fate}"])

    def headed(self, what: str, text: str) -> str:
        """`what: text`, spaced as the language wants it."""
        return writing.spaced(f"{what} : {text}", self.lang) if self.lang == "fr" else f"{what}: {text}"

    def criterion(self, path: str) -> str:
        """A criterion by its own title; of the total and of what ranks there is a word for it."""
        if path == TOTAL:
            return table(self.lang)["name.total"]
        if path == "rank-by":
            return table(self.lang)["branch.ranked-by"]
        return self.names.of("criterion", path, self.lang)

    def told(self, said: Point | Noted) -> dict[str, Any]:
        """The code, its facts and the sentence, as JSON has them."""
        shown: dict[str, Any] = {"code": said.code, "facts": dict(said.facts), "text": self.sentence(said)}
        if isinstance(said, Noted):
            shown |= {"entries": list(said.indexes), "received": said.received}
        return shown
