"""A fault of a rulebook: where, which, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

Path = tuple[str | int, ...]
"""A place in the document: member names and list indexes from the top."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`path` leads to the member, or to where it is missing; the message says what, which value and what to do."""

    path: Path
    code: str
    message: str

    @property
    def place(self) -> str:
        """The path as people write it: `phases[0].criteria[1].panel`."""
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return text.removeprefix(".")
