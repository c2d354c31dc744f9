"""What an auditor brings to an audit, and what an audit says at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from events.cosignature import Cosignature
from events.errors import Tampered
from events.note import Checkpoint, VerifierKey


@dataclass(frozen=True, slots=True)
class Trust:
    """What the auditor brings: the log's key, and if wanted the office's, an older checkpoint, witnesses and how many of
    them must have signed since `fresh_since_s` (Unix seconds).
    """

    log: VerifierKey
    office: tuple[VerifierKey, ...] = ()
    since: bytes | None = None
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0
    fresh_since_s: int | None = None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Trust that went on from one key of the log to the next: both signed the head of this size, under which the log names
    the next.
    """

    size: int
    before: VerifierKey
    after: VerifierKey


@dataclass(slots=True)
class Findings:
    """What was checked, with counts, and what was not, in sentences."""

    checkpoint: Checkpoint
    checked: dict[str, int] = field(default_factory=dict)
    not_checked: list[str] = field(default_factory=list)
    since: int | None = None
    cosigned: list[Cosignature] = field(default_factory=list)
    handed_over: list[HandedOver] = field(default_factory=list)


class located:  # noqa: N801 - reads as a word in `with`
    """Adds file and index to what is raised inside, where it does not say them itself."""

    def __init__(self, file: str, index: int | None = None) -> None:
        self._where: dict[str, Any] = {"file": file} if index is None else {"file": file, "index": index}

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: object) -> None:
        if isinstance(error, Tampered):
            place(error, **self._where)


def place(error: Tampered, file: str, index: int | None = None) -> Tampered:
    """The error with file and index, where it does not say them itself."""
    error.details = {"file": file, **({} if index is None else {"index": index}), **error.details}
    if file not in error.message:
        error.message = f"{file}: {error.message}"
    return error
