"""What a licence lets a licensee do: does it limit the field of use or the user? From SPDX ids, expressions and names.

It knows lists, not law: what it does not know is `unknown`, and people look at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

FREE_LICENCES = frozenset(
    {
        *("0BSD", "AFL-3.0", "Apache-2.0", "Artistic-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause"),
        *("BSD-3-Clause-Clear", "BSL-1.0", "CC0-1.0", "CDLA-Permissive-1.0"),
        *("CDLA-Permissive-2.0", "CDLA-Sharing-1.0", "ECL-2.0", "EPL-2.0", "EUPL-1.2", "ISC", "MIT", "MIT-0"),
        *("MPL-2.0", "MS-PL", "MulanPSL-2.0", "NCSA", "ODC-By-1.0", "ODbL-1.0", "OFL-1.1", "OSL-3.0", "PDDL-1.0"),
        *("PostgreSQL", "PSF-2.0", "Python-2.0", "UPL-1.0", "Unlicense", "X11", "Zlib"),
        *(f"{kind}-{version}{end}" for kind, version in (
            ("GPL", "2.0"), ("GPL", "3.0"), ("LGPL", "2.1"), ("LGPL", "3.0"), ("AGPL", "3.0"),
        ) for end in ("", "-only", "-or-later")),
    }
)  # fmt: skip
"""SPDX ids of licences that limit neither field of use nor user, as the Open Source and the Open Data definitions ask.
Copyleft is no such limit. `CC-BY` and `CC-BY-SA` of any version are such as well.
"""

LIMITED_LICENCES = frozenset(
    {
        *("Aladdin", "BUSL-1.1", "BSD-3-Clause-No-Military-License", "BSD-3-Clause-No-Nuclear-License"),
        *("BSD-3-Clause-No-Nuclear-License-2014", "Elastic-2.0", "FSL-1.1-ALv2", "FSL-1.1-MIT", "Hippocratic-2.1"),
        *("JSON", "MS-LPL", "NCGL-UK-2.0", "PolyForm-Noncommercial-1.0.0", "PolyForm-Small-Business-1.0.0"),
        *("SSPL-1.0", "SUL-1.0"),
    }
)
"""SPDX ids of licences that limit who may use something, or for what. `CC-…-NC` and `CC-…-ND` are such as well."""

_NAMES = {
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "mit license": "MIT",
    "the mit license": "MIT",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 2-clause": "BSD-2-Clause",
}
"""Names that people write for a licence which has an id."""

_LIMITING_NAME = re.compile(
    r"non-?commercial|\bacademic|research[- ](use|only|purposes)|\bresearch license|no[- ]military|business source"
    r"|\bllama\b.*\blicen[cs]e|\bgemma\b.*\b(terms|licen[cs]e)|\brail(-[a-z])?\b|openrail|community licen[cs]e"
)
"""Names of licences for models that are known to limit user or field: responsible-AI and community licences among them."""

_LONGEST = 2000
"""Characters of a licence that is read; nobody's name or expression is longer."""

_UNDISCLOSED = frozenset({"none", "noassertion", ""})
_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_CLASS = {"OR": 1, "AND": 2, "WITH": 3}


class Freedom(IntEnum):
    """From the worst: a limit of field or user; nobody knows; no such limit."""

    LIMITED = 0
    UNKNOWN = 1
    FREE = 2


def freedom(disclosed: Iterable[str]) -> Freedom:
    """Of something under several licences at once: the least of them."""
    return min((freedom_of(text) for text in disclosed), default=Freedom.UNKNOWN)


def is_disclosed(text: str) -> bool:
    """A licence is said; SPDX's NONE and NOASSERTION say none."""
    return text.strip().casefold() not in _UNDISCLOSED


def freedom_of(text: str) -> Freedom:
    """Of one licence by its id or name, or of an SPDX expression: of alternatives (OR) the best, of what applies together
    (AND) the least. An exception (WITH) of SPDX only ever grants; one of somebody's own is unknown.
    """
    if len(text) > _LONGEST:
        return Freedom.UNKNOWN
    known = _known(text)
    return known if known is not Freedom.UNKNOWN else _expression(text)


def _known(text: str) -> Freedom:
    plain = " ".join(text.split())
    name = _NAMES.get(plain.casefold(), plain).removesuffix("+")
    kind, *terms = name.split("-") if " " not in name else ("",)
    is_limited = name in LIMITED_LICENCES or (kind == "CC" and bool({"NC", "ND"} & set(terms)))
    if not is_limited and (name in FREE_LICENCES or (kind, *terms[:1]) == ("CC", "BY")):
        return Freedom.FREE
    if is_limited or (" OR " not in plain and _LIMITING_NAME.search(plain.casefold())):
        return Freedom.LIMITED
    return Freedom.UNKNOWN


def _expression(text: str) -> Freedom:
    """By two stacks and not by recursion, so that no depth of brackets can stop it; what is no expression is unknown."""
    values: list[Freedom] = []
    operators: list[str] = []
    expects_value = True
    for part in _TOKEN.findall(text):
        is_value = part not in _CLASS and part != ")"
        if is_value != expects_value:
            return Freedom.UNKNOWN
        if part == "(":
            operators.append(part)
        elif part == ")":
            while operators and operators[-1] != "(":
                _reduce(values, operators)
            if not operators:
                return Freedom.UNKNOWN
            operators.pop()
        elif part in _CLASS:
            while operators and _CLASS.get(operators[-1], 0) >= _CLASS[part]:
                _reduce(values, operators)
            operators.append(part)
            expects_value = True
        else:
            values.append(_exception(part) if operators[-1:] == ["WITH"] else _known(part))
            expects_value = False
    if expects_value or "(" in operators:
        return Freedom.UNKNOWN
    while operators:
        _reduce(values, operators)
    return values[0]


def _reduce(values: list[Freedom], operators: list[str]) -> None:
    """The last operator on the last two values."""
    right, left = values.pop(), values.pop()
    values.append(max(left, right) if operators.pop() == "OR" else min(left, right))


def _exception(name: str) -> Freedom:
    return Freedom.UNKNOWN if name.startswith(("AdditionRef-", "DocumentRef-")) else Freedom.FREE
