"""What pages say, in three languages. `sentences/<area>.yaml` has every sentence of an area by its key, in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import yaml

Lang = Literal["ko", "en", "fr"]
LANGS: tuple[Lang, ...] = get_args(Lang)
NAMES: Mapping[Lang, str] = {"ko": "한국어", "en": "English", "fr": "Français"}

_FOLDER = Path(__file__).parent / "sentences"


@cache
def sentences() -> Mapping[str, Mapping[Lang, str]]:
    """Every sentence by `<area>.<key>`, in every language."""
    found: dict[str, Mapping[Lang, str]] = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        for key, said in yaml.safe_load(path.read_text("utf-8")).items():
            found[f"{path.stem}.{key}"] = said
    return found


def say(lang: Lang, key: str, /, **facts: object) -> str:
    """A sentence, with its facts in place of their names in braces. A KeyError is a defect, which tests find."""
    return sentences()[key][lang].format(**facts)


def named(lang: Lang, area: str, code: str) -> str:
    """The name of a code (a status, a verdict, an outcome); the code itself where nobody has named it."""
    said = sentences().get(f"{area}.{code}")
    return code if said is None else said[lang]


def preferred(header: str) -> Lang:
    """The language that an Accept-Language header prefers among ours; English where it names none."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        ranked.append((-weight, place, tag.split("-")[0].lower()))
    for weight, _, tag in sorted(ranked):
        for lang in LANGS:
            if tag == lang and weight < 0:
                return lang
    return "en"
