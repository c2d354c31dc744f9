"""`verify A B …`: bundles of several logs of one bus, each checked by itself, then what they say of each other's offsets.

Imports neither Prefect nor Kafka nor SQLAlchemy (tests/console/test_evidence.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.commands.verifying import audited, data_of, show
from console.output import Report, Result, Usage
from events.errors import Tampered

if TYPE_CHECKING:
    from rich.console import Console

    from events.note import VerifierKey
    from flows.audit_attribution import Attribution, Closed
    from flows.audit_report import Trust

INCOMPLETE = 8


def verify_together(
    bundles: Sequence[Path], keys: Sequence[VerifierKey], since: Sequence[bytes], common: Trust, report: Report
) -> Result:
    """Exit code 3 at the first contradiction, within a bundle or between two; 8 where a bundle ends too early for another."""
    from flows.audit_attribution import close_attribution

    old = {_origin(note): note for note in since}
    checked: list[dict[str, Any]] = []
    said: list[Attribution] = []
    for path in bundles:
        report.say(f"verifying {path}")
        data, attribution = _verified(path, keys, old, common)
        checked.append(data)
        said.append(attribution)
    _require_one_of_each(checked, keys, old)
    closed = close_attribution(said)
    whole = {"bundles": checked, "attribution": closed.data(), "not_checked": _remaining(closed)}
    shown = partial(_show, data=whole)
    if not closed.beyond:
        return Result(whole, shown)
    name, count = next(iter(sorted(closed.beyond.items())))
    problem = f"{count} offsets are attributed to {name}, whose bundle ends before them"
    return Result(
        whole, shown, INCOMPLETE, problem, f"ask for a newer bundle of {name}: it has them, or the other lies"
    )


def _verified(
    path: Path, keys: Sequence[VerifierKey], old: Mapping[str, bytes], common: Trust
) -> tuple[dict[str, Any], Attribution]:
    try:
        findings, attribution = audited(
            path, keys, lambda key: replace(common, log=key, since=old.get(key.name)), is_alone=False
        )
    except Tampered as error:
        error.message = f"{path}: {error.message}"
        error.details["bundle"] = path
        raise
    return data_of(path, findings), attribution


def _origin(note: bytes) -> str:
    return note.partition(b"\n")[0].decode("utf-8", "replace")


def _require_one_of_each(
    checked: Sequence[Mapping[str, Any]], keys: Sequence[VerifierKey], old: Mapping[str, bytes]
) -> None:
    """One bundle of each log, all of one bus; nothing was given that is about none of them."""
    origins = [str(data["origin"]) for data in checked]
    if twice := next((origin for origin in origins if origins.count(origin) > 1), None):
        raise Usage(
            f"two bundles are of {twice}", hint="give the newer one, and the older one's checkpoint with --since"
        )
    if len(kept := {_kept_by(origin) for origin in origins}) > 1:
        raise Usage(
            f"these are logs of several ledgers: {', '.join(sorted(kept))}", hint="verify those of each together"
        )
    for option, names in (("--vkey", [key.name for key in keys]), ("--since", list(old))):
        if strange := sorted(set(names) - set(origins)):
            raise Usage(
                f"{option} of {strange[0]}, but no bundle is of it", hint=f"the bundles are of {', '.join(origins)}"
            )


def _kept_by(origin: str) -> str:
    """Who keeps a log: what stands before the programme, or before the name of an unrouted one."""
    return origin.partition("/unrouted/")[0] if "/unrouted/" in origin else origin.rpartition("/")[0]


def _remaining(closed: Closed) -> list[str]:
    """What closing the attribution could not show, in sentences."""
    told = [f"{count} offsets of {name}: its log was not given" for name, count in sorted(closed.not_given.items())]
    told += [f"{count} offsets of {name}: its bundle ends before them" for name, count in sorted(closed.beyond.items())]
    if closed.control:
        told.append(f"that {closed.control} offsets hold no record: Kafka's own, as the logs say")
    if closed.unsealed:
        told.append(f"of those, {closed.unsealed} came after every closed intake: no entry vouches for whose they are")
    return told


def _show(console: Console, data: Mapping[str, Any]) -> None:
    for one in data["bundles"]:
        show(console, one)
        console.print("")
    console.print(
        f"together: {data['attribution']['found']} offsets that one log attributes to another are in the other"
    )
    for sentence in data["not_checked"]:
        console.print(f"  - {sentence}", soft_wrap=True)
