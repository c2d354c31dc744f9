"""What a letter is made of: sections of blocks, and what is known around the explanation that it is written from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from console.telling.sentences import Words, capitalised
from handlers.state import State


@dataclass(frozen=True, slots=True)
class Block:
    """One thing on the page. `numeric` are the columns of a table that are set to the right."""

    kind: Literal["paragraph", "outcome", "item", "note", "subheading", "table", "calculation", "code"]
    text: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numeric: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it; one without blocks is left out."""

    heading: str
    blocks: tuple[Block, ...]


def paragraph(text: str) -> Block:
    return Block("paragraph", text)


def item(text: str) -> Block:
    return Block("item", text)


def note(text: str) -> Block:
    return Block("note", text)


def subheading(text: str) -> Block:
    return Block("subheading", text)


def code(*lines: str) -> Block:
    return Block("code", "\n".join(lines))


def table(head: Iterable[str], rows: Iterable[tuple[str, ...]], numeric: tuple[int, ...] = ()) -> Block:
    return Block("table", head=tuple(head), rows=tuple(rows), numeric=numeric)


@dataclass(frozen=True, slots=True)
class Proofs:
    """The files beside the letter, by name, and the key that verifies them."""

    checkpoint_size: int
    checkpoint_root: str
    origin: str
    vkey: str
    files: Mapping[str, bytes]
    checks: tuple[str, ...]
    opening: str


Label = Callable[[str, str, str], str]
"""Marks a figure by where it comes from: (as written, whose, criterion)."""


@dataclass(frozen=True, slots=True)
class Context:
    """`figures` are those published of the decision, by what a profile shows; `profiles` the names of these."""

    words: Words
    state: State
    programme: str
    profiles: tuple[str, ...]
    figures: Mapping[str, Any]
    label: Label
    notices: tuple[str, ...]
    proofs: Proofs | None

    def shows(self, *names: str) -> bool:
        """Figures of at least one of these kinds are published."""
        return any(name in self.figures for name in names)

    def title(self, path: str) -> str:
        """A criterion as a heading."""
        return capitalised(self.words.criterion(path))
