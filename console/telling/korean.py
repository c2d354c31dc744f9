"""Korean particles: which of a pair follows a word, by the sound that the word ends with."""

from __future__ import annotations

import re

_HANGUL, _HANGUL_END, _FINALS, _RIEUL = 0xAC00, 0xD7A3, 28, 8
_DIGITS = dict.fromkeys("036", "other") | dict.fromkeys("178", "rieul") | dict.fromkeys("2459", "")
"""영 일 이 삼 사 오 육 칠 팔 구; tens, hundreds and thousands (십, 백, 천) end like 영: with a consonant."""
_LETTERS = {"L": "rieul", "R": "rieul", "M": "other", "N": "other"}
"""엘, 알, 엠, 엔; the names of all other letters end with a vowel."""
_SILENT_E = {"le": "rieul", "me": "other", "ne": "other"}
_SOUNDS = {"l": "rieul", "m": "other", "n": "other"} | dict.fromkeys("adefhijorsuvwxyz", "")
"""How a loanword ends in Korean by its last letter; b, c, k, p, q, t and g go either way."""


def final_of(word: str) -> str | None:
    """`""`: it ends with a vowel; `rieul`: with ㄹ; `other`: with another consonant; None: it cannot be told from writing."""
    tail = re.sub(r"[\s)\]”’\"'»*~.]+$", "", word)
    if not tail:
        return None
    last = tail[-1]
    if _HANGUL <= ord(last) <= _HANGUL_END:
        final = (ord(last) - _HANGUL) % _FINALS
        return "" if final == 0 else "rieul" if final == _RIEUL else "other"
    if last in _DIGITS:
        return _DIGITS[last]
    return _of_latin(re.split(r"[\s\-]", tail)[-1])


def _of_latin(word: str) -> str | None:
    if not word.isascii() or not word.isalpha():
        return None
    if word.isupper():
        return _LETTERS.get(word[-1], "")
    low = word.lower()
    if low.endswith("ng"):
        return "other"
    return _SILENT_E.get(low[-2:], _SOUNDS.get(low[-1]))


def with_particle(word: str, pair: str) -> str:
    """The word with the one of `은/는`, `이/가`, `을/를`, `과/와` or `으로/로` that follows it. Where that cannot be told
    it has both, as official papers write them: `은(는)`.
    """
    closed, opened = pair.split("/")
    final = final_of(word)
    if final is None:
        return f"{word}{closed}({opened})" if closed != "으로" else f"{word}(으)로"
    if closed == "으로" and final == "rieul":
        return f"{word}{opened}"
    return f"{word}{closed if final else opened}"
