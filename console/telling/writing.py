"""How numbers, instants and formulas are written in each language, and French spacing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

from events.values import parse_exact, parse_instant
from handlers.formulas import shortened

Language = Literal["ko", "en", "fr"]
LANGUAGES: tuple[Language, ...] = ("ko", "en", "fr")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:/\d+)?")
_MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
}
_NBSP, _THIN = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"


def number(text: str, lang: Language) -> str:
    """A canonical number, cut to six places where it does not end; with the language's decimal sign and a real minus."""
    if NUMBER.fullmatch(text) is None:
        return text
    return _signs(shortened(text) if "/" in text else text, lang)


def _signs(text: str, lang: Language) -> str:
    text = text.replace("-", "\N{MINUS SIGN}")
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text) if lang == "fr" else text


def numbers_within(text: str, lang: Language) -> str:
    """A list such as `expert-09 23.2, expert-07 27.1`: in French its decimals get their comma, its parts a semicolon."""
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text.replace(", ", " ; ")) if lang == "fr" else text


def formula(text: str, lang: Language) -> str:
    """For reading and for a calculator's keys."""
    spaced = text.replace(" * ", " × ").replace(" / ", " ÷ ").replace(" - ", " \N{MINUS SIGN} ")
    return _signs(spaced, lang)


def moment(text: str, lang: Language) -> str:
    """An instant in words, in UTC; seconds only where there are any."""
    when = datetime.fromtimestamp(parse_instant(text) / 1000, UTC)
    clock = when.strftime("%H:%M:%S" if when.second else "%H:%M")
    if lang == "ko":
        return f"{when.year}년 {when.month}월 {when.day}일 {clock}"
    day = "1er" if lang == "fr" and when.day == 1 else str(when.day)
    return f"{day} {_MONTHS[lang][when.month - 1]} {when.year}, {clock}"


def spaced(text: str, lang: Language) -> str:
    """French has a space before high punctuation and within its quotation marks, where a line must not break."""
    if lang != "fr":
        return text
    text = text.replace("« ", f"«{_NBSP}").replace(" »", f"{_NBSP}»").replace(" :", f"{_NBSP}:")
    return re.sub(r" (?=[;!?])", _THIN, text)


def counted(value: str, forms: str, lang: Language) -> str:
    """A number with its unit: `one=point|other=points`. In French anything below two is singular."""
    one, other = (part.partition("=")[2] for part in forms.split("|"))
    is_one = abs(parse_exact(value)) < 2 if lang == "fr" else value == "1"
    return f"{number(value, lang)}{_NBSP}{one if is_one else other}"
