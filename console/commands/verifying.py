"""`verify`: the audit of a bundle, by somebody who has the bundle and a key from elsewhere.

Imports neither Prefect nor Kafka nor SQLAlchemy (tests/console/test_evidence.py).
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.output import Report, Result, Usage
from events.errors import NotFound, Refused, Tampered, Unavailable

if TYPE_CHECKING:
    from rich.console import Console

    from events.note import VerifierKey
    from flows.audit_report import Findings, Trust

_NOTE_BYTES = 1_000_000


def verify(options: argparse.Namespace, report: Report) -> Result:
    """Exit code 3 at the first contradiction, with file, index, and what was expected and found."""
    from events.proof_file import SUFFIX

    if options.bundle.name.endswith(SUFFIX):
        from console.commands.proof_checking import verify_file

        return verify_file(options, _key(options.vkey, "--vkey"), _read)
    trust = trust_of(options)
    report.say(f"verifying {options.bundle}")
    findings = _audited(options.bundle, trust)
    for one in findings.attested:
        if not one.is_of_this_log:
            report.warn(f"entry {one.index}: {one.source} attests a log of {one.size} entries that is not this one")
    data = _data(options.bundle, findings)
    return Result(data, partial(_show, data=data))


def _audited(bundle: Path, trust: Trust) -> Findings:
    from flows.audit_faults import named
    from flows.auditing import Audit
    from infra.bundle.reading import open_bundle

    try:
        with open_bundle(bundle) as files:
            return Audit(files, trust).run()
    except Tampered as error:
        raise named(error) from error.__cause__


def trust_of(options: argparse.Namespace) -> Trust:
    """What the options of `verify` say of whom to trust. Raises Usage."""
    from flows.audit_report import Trust
    from infra.clock import now_ms

    witnesses = tuple(_key(text, "--witness") for text in options.witness)
    quorum = len(witnesses) if options.quorum is None else options.quorum
    if quorum > len(witnesses):
        raise Usage(f"--quorum {quorum} asks for more witnesses than the {len(witnesses)} given", hint="give --witness")
    if options.max_age is not None and not (witnesses and quorum):
        raise Usage("--max-age needs --witness: a checkpoint has no time, only what a witness adds to it")
    fresh = None if options.max_age is None else (now_ms() - options.max_age) // 1000
    office = tuple(_key(text, "--office") for text in options.office)
    since = None if options.since is None else _read(options.since)
    return Trust(_key(options.vkey, "--vkey"), office, since, witnesses, quorum, fresh)


def _key(text: str, option: str) -> VerifierKey:
    from events.note import parse_vkey

    try:
        return parse_vkey(text)
    except Refused as error:
        raise Usage(f"{option}: {error.message}", hint=error.hint) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_NOTE_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFound(
            f"there is no checkpoint {path}", hint="give the file `checkpoint` of an older bundle"
        ) from error
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from error


def _data(bundle: Path, findings: Findings) -> dict[str, Any]:
    from events.note import format_vkey
    from events.values import format_instant

    return {
        "bundle": str(bundle),
        "origin": findings.checkpoint.origin,
        "size": findings.checkpoint.size,
        "root": findings.checkpoint.root.hex(),
        "since": findings.since,
        "handed_over": [
            {"size": one.size, "from": format_vkey(one.before), "to": format_vkey(one.after)}
            for one in findings.handed_over
        ],
        "cosigned": [
            {"witness": one.witness.name, "time": format_instant(one.time_s * 1000)} for one in findings.cosigned
        ],
        "attested": [
            {
                "decision": one.decision,
                "source": one.source,
                "size": one.size,
                "result": one.result,
                "same_log": one.is_of_this_log,
            }
            for one in findings.attested
        ],
        "checked": findings.checked,
        "not_checked": findings.not_checked,
    }


def _show(console: Console, data: dict[str, Any]) -> None:
    console.print(f"{data['origin']}: {data['size']} entries, root {data['root']}", soft_wrap=True)
    console.print("checked, and found right:")
    for name, count in data["checked"].items():
        console.print(f"  {name:<13} {count}")
    for one in data["handed_over"]:
        console.print(f"  trusts {one['to']}", soft_wrap=True)
        console.print(f"    because {one['from']} signed with it at size {one['size']}", soft_wrap=True)
    if data["since"] is not None:
        console.print(f"  extends the checkpoint of {data['since']} entries")
    for one in data["cosigned"]:
        console.print(f"  cosigned by {one['witness']} at {one['time']}", soft_wrap=True)
    for one in data["attested"]:
        of_another = "" if one["same_log"] else ", of another log than this"
        said = f"{one['source']} attests {one['decision']} {one['result']} at {one['size']} entries{of_another}"
        console.print(f"  {said}", soft_wrap=True)
    console.print("not checked:")
    for sentence in data["not_checked"]:
        console.print(f"  - {sentence}", soft_wrap=True)
