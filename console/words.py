"""The words of a command that is an act: which members of an event's data they become, and how argparse reads them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "text", "instant", "file", "document", "unless", "entry",
    "decision", "finding", "score", "objection", "submission", "act", "reopening",
]  # fmt: skip
"""How a word becomes a value. `file`: its name, SHA-256 and size; `document`: the JSON in it; `unless`: an option that
makes the member false; `entry`: where the record of the entry with that index stands; the others from `decision` on: a unique
prefix of the id of such an event.
"""


@dataclass(frozen=True, slots=True)
class Word:
    """A member of the data. `entrant/gate/count` is three, written in one word with slashes, as reports print them. With
    `parts` it is a list of objects, each given as that many values.
    """

    member: str
    help: str
    kind: Kind = "text"
    option: str = ""
    needed: bool = True
    many: bool = False
    choices: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def dest(self) -> str:
        return self.member.replace("/", "_")

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(self.member.split("/"))

    @property
    def metavar(self) -> Any:
        if self.parts:
            return tuple(part.upper() for part in self.parts)
        if self.kind == "entry":
            return "INDEX"
        name = self.option.lstrip("-") if self.option else self.member.removesuffix("s" if self.many else "")
        return name.upper().replace("_", "-")

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """As a positional word, or as an option where it has one."""
        settings: dict[str, Any] = {"help": self.help}
        if self.kind == "unless":
            parser.add_argument(self.option, dest=self.dest, action="store_false", **settings)
            return
        if not self.choices:
            settings["metavar"] = self.metavar
        settings |= {"choices": self.choices} if self.choices else {}
        if not self.option:
            settings |= {"nargs": "+"} if self.many else {}
            parser.add_argument(self.dest, **settings)
            return
        settings |= {"nargs": len(self.parts)} if self.parts else {}
        settings |= {"action": "append"} if self.many or self.parts else {}
        parser.add_argument(self.option, dest=self.dest, required=self.needed, **settings)


def word(member: str, help_: str, kind: Kind = "text", *, many: bool = False, choices: tuple[str, ...] = ()) -> Word:
    """A positional word."""
    return Word(member, help_, kind, many=many, choices=choices)


def option(
    member: str, name: str, help_: str, kind: Kind = "text", *, needed: bool = False, many: bool = False
) -> Word:
    """An option; `needed` ones are asked for."""
    return Word(member, help_, kind, name, needed, many)


def objects(member: str, name: str, help_: str, parts: tuple[str, ...]) -> Word:
    """An option that may be repeated, each time with one value for each of `parts`."""
    return Word(member, help_, "text", name, needed=False, parts=parts)
