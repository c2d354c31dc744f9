"""What somebody supposes in a what-if, as it stands in an address: `places.phase-1=3&without-gate=phase-1/independence`.

Most names are those of the command's levers. The others are short for members of the rulebook: `places`, `least`, `weight` and
`mode`, each with a phase behind it. Levers that name files are not taken: they would be files of this machine.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from console.commands.what_if import parsed
from console.web.members_supposed import SHORT, members
from events.errors import Refused
from events.rulebook import Rulebook
from handlers.levers import Levers, read_levers
from handlers.nearest import not_found

MOST = 60
"""Suppositions at once."""

LONGEST = 300
"""Characters of one."""

FLAGS = ("refill", "sign")
LISTS = ("without-gate", "drop-criterion", "drop-evaluator", "annul", "without")
MAPS = ("set", "correct", "rule")
PLAIN = (*MAPS, *LISTS, *FLAGS, "until")

_NOT_ASKED = frozenset({"at", "lang"})


@dataclass(frozen=True, slots=True)
class Supposed:
    """`given`: each name with one value, as asked; `options`: the same as options of the command; `levers`: what they are."""

    given: tuple[tuple[str, str], ...]
    options: tuple[str, ...]
    levers: Levers

    def command(self, programme: str, size: int) -> str:
        """The command that runs the same world elsewhere."""
        return shlex.join(["phasegate", "what-if", programme, "--at", str(size), *self.options])


def given(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """What is asked, one value each: of a text of several lines each line. Raises Refused for what nobody can ask."""
    found = []
    for name, text in pairs:
        if name not in _NOT_ASKED:
            found += [(name, line.strip()) for line in text.splitlines() if line.strip()]
    if len(found) > MOST:
        raise Refused(f"these are {len(found)} suppositions; at most {MOST} are taken at once")
    for name, value in found:
        if name not in PLAIN and name.partition(".")[0] not in SHORT:
            raise not_found("supposition", name[:LONGEST], (*PLAIN, *SHORT), "this form")
        if len(value) > LONGEST:
            raise Refused(f"{name}: {len(value)} characters; at most {LONGEST} are taken")
    return tuple(dict.fromkeys(found))


def supposed(rulebook: Rulebook, asked: Sequence[tuple[str, str]]) -> Supposed:
    """The levers of what is asked. Raises Refused where it cannot be, NotFound where it names what the rules do not have."""
    short = [(name, value) for name, value in asked if name not in PLAIN]
    sets = [("set", f"{path}={value}") for path, value in members(rulebook, short)]
    plain = [*sets, *((name, value) for name, value in asked if name in PLAIN)]
    return Supposed(tuple(asked), tuple(map(_option, plain)), _levers(plain))


def _option(pair: tuple[str, str]) -> str:
    name, value = pair
    return f"--{name}" if name in FLAGS else f"--{name}={value}"


def _levers(plain: Sequence[tuple[str, str]]) -> Levers:
    told: dict[str, Any] = {}
    for name, value in plain:
        if name in FLAGS:
            told[name] = value
        elif name in LISTS:
            told.setdefault(name, []).append(value)
        elif name in MAPS:
            key, said = _assigned(name, value)
            known = told.setdefault(name, {})
            if known.get(key, said) != said:
                raise Refused(f"{name}: two values of {key}", hint="say one")
            known[key] = said
        elif told.setdefault(name, value) != value:
            raise Refused(f"{name} is said to be {told[name]} and {value}", hint="say one")
    return read_levers(told, "this form")


def _assigned(name: str, text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise Refused(f"{name}: {text!r} has no name and value", hint="write NAME=VALUE, one a line")
    return key.strip(), parsed(value.strip()) if name == "set" else value.strip()
