"""What an auditor brings to an audit, and what an audit says at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from events.bundle import DEPLOYMENT, DeploymentFile
from events.cosignature import Cosignature
from events.errors import Tampered
from events.note import Checkpoint, VerifierKey
from handlers.judge import Deployment


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
class Attestation:
    """What a source says, in entry `index`, of having replayed a decision in a log of this size. `is_of_this_log`: this log
    had the root that it names.
    """

    index: int
    decision: str
    source: str
    size: int
    result: str
    is_of_this_log: bool


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
    attested: list[Attestation] = field(default_factory=list)
    handed_over: list[HandedOver] = field(default_factory=list)


def judging(said: DeploymentFile, trust: Trust, findings: Findings) -> Deployment:
    """What judging again needs. The office's keys are the auditor's, else those that the bundle names, which the findings
    then say.
    """
    if not trust.office:
        names = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in said.office) or "none"
        findings.not_checked.append(
            f"that the office's keys are the office's: taken from {DEPLOYMENT} ({names}); give them with --office"
        )
    keys = trust.office or said.office
    return Deployment(said.partitions, {f"{key.name}+{key.key_id.hex()}": key.public for key in keys})


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
