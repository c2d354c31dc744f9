"""What a replay found: how much came out the same, the first thing that did not, and what could not be looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from events.entry import Entry


@dataclass(slots=True)
class Tally:
    """How many were checked, how many came out the same, byte for byte, and the entries of those that could not be checked
    because they rest on a record that is not there.
    """

    checked: int = 0
    identical: int = 0
    unchecked: list[int] = field(default_factory=list)

    @property
    def different(self) -> int:
        return self.checked - self.identical

    def data(self) -> dict[str, int]:
        return {
            "checked": self.checked,
            "identical": self.identical,
            "different": self.different,
            "unchecked": len(self.unchecked),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that came out differently: at which entry, which member, and both values."""

    index: int
    what: str
    member: str
    recorded: str
    replayed: str
    type: str = ""
    reason: str = ""
    """Why the replay refuses, where it does."""

    def data(self) -> dict[str, Any]:
        names = ("index", "what", "member", "recorded", "replayed")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class Report:
    """What a replay found."""

    size: int = 0
    root: bytes = b""
    verdicts: Tally = field(default_factory=Tally)
    decisions: Tally = field(default_factory=Tally)
    earlier: int = 0
    """How many of the identical decisions name size and root of a log before this one, which was made again from Kafka."""
    first_difference: Difference | None = None
    hidden: list[int] = field(default_factory=list)
    """First entries whose record is not there."""

    @property
    def is_identical(self) -> bool:
        return self.verdicts.different == 0 and self.decisions.different == 0


def entry_difference(recorded: Entry, replayed: Entry, detail: str | None, redetail: str | None) -> Difference:
    for name in ("verdict", "reason", "of", "type", "commitment", "index"):
        before, after = getattr(recorded, name), getattr(replayed, name)
        if before != after:
            reason = replayed.reason or ""
            return Difference(recorded.index, "verdict", name, str(before), str(after), recorded.type or "", reason)
    return Difference(recorded.index, "verdict", "detail", str(detail), str(redetail))


def first_member(recorded: Any, replayed: Any, path: str = "") -> tuple[str, str, str]:
    """The first member, by sorted path, in which two JSON documents differ, with both values."""
    if isinstance(recorded, dict) and isinstance(replayed, dict):
        for name in sorted(recorded.keys() | replayed.keys()):
            if recorded.get(name) != replayed.get(name):
                return first_member(recorded.get(name), replayed.get(name), f"{path}.{name}".lstrip("."))
    if isinstance(recorded, list) and isinstance(replayed, list) and len(recorded) == len(replayed):
        for place, (before, after) in enumerate(zip(recorded, replayed, strict=True)):
            if before != after:
                return first_member(before, after, f"{path}[{place}]")
    return path, str(recorded)[:200], str(replayed)[:200]
