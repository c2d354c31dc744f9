"""`attest`: says on record how decisions come out when they are replayed; of a programme in the ledger for its own attestor,
of a bundle for an auditor outside. The latter imports neither Prefect nor Kafka nor SQLAlchemy
(tests/console/test_attest_bundle.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.output import Report, Result, Usage

if TYPE_CHECKING:
    from rich.console import Console

DIFFERENT = 4
_OF_A_BUNDLE = ("vkey", "key", "source", "out")


def attest(options: argparse.Namespace, report: Report) -> Result:
    """Exit code 3 when what is there contradicts itself, and nothing is attested; 4 when something came out differently,
    and that is attested.
    """
    given = [name for name in _OF_A_BUNDLE if getattr(options, name) is not None]
    if not given:
        return _of_programme(options, report)
    if absent := [f"--{name}" for name in _OF_A_BUNDLE if name not in given]:
        raise Usage(f"to attest a bundle {', '.join(absent)} is needed too", hint="without all of them: a programme")
    if options.again:
        raise Usage("--again is for a programme: a bundle is attested as it is", hint="leave --again out")
    return _of_bundle(options, report)


def _of_programme(options: argparse.Namespace, report: Report) -> Result:
    from console.options import settings_of
    from flows.attesting import ReplayDiffers
    from flows.newest_copy import require_newest
    from flows.prefect_server import PrefectServer
    from flows.reading import open_reading

    settings = settings_of(options, report)
    with open_reading(settings) as reading:
        programme = reading.head(options.target).programme
        require_newest(reading.ledger, settings)
    with PrefectServer(settings.cache, report.say) as server:
        server.ready()
        report.say(f"replaying and attesting {programme}, flows at {server.api_url}")
        from flows.nightly import run_attest

        try:
            data = run_attest(settings, programme, again=options.again)
        except ReplayDiffers as error:
            return Result(
                error.details, partial(_show, error.details, "published"), DIFFERENT, error.message, error.hint
            )
    return Result(data, partial(_show, data, "published"))


def _of_bundle(options: argparse.Namespace, report: Report) -> Result:
    from console.commands.verifying import trust_of_one
    from flows.attesting_bundle import audited, doubts, write_signed
    from infra.bundle.reading import open_bundle
    from infra.keys import load_key

    trust, key = trust_of_one(options), load_key(options.key)
    with open_bundle(Path(options.target)) as files:
        report.say(f"verifying {options.target}")
        found = audited(files, trust, options.source)
    if (doubt := doubts(found, options.source, key)) is not None:
        report.warn(doubt)
    write_signed(options.out, found.attestations, key)
    checkpoint, first = found.findings.checkpoint, found.difference
    data = {
        "programme": found.attestations[0].subject,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "source": options.source,
        "kid": key.kid,
        "out": str(options.out),
        "decisions": [_row(event.data, event.id, event.correlationid) for event in found.attestations],
        "first_difference": None if first is None else first.data(),
        "checked": found.findings.checked,
        "not_checked": found.findings.not_checked,
    }
    render = partial(_show, data, "written")
    if first is None:
        return Result(data, render)
    problem = f"{data['programme']} differs from its replay, first at entry {first.index}: {first.what}"
    return Result(data, render, DIFFERENT, problem, f"{options.out} attests it; the office publishes it as it is")


def _row(said: Mapping[str, Any], event_id: str, run: str | None) -> dict[str, Any]:
    return {
        "decision": said["decision"],
        "phase": (run or "").rpartition("/")[2],
        "result": said["result"],
        "size": said["size"],
        "attestation": event_id,
    }


def _show(data: Mapping[str, Any], done: str, console: Console) -> None:
    console.print(f"{data['programme']}: {data['size']} entries, root {data['root']}", soft_wrap=True)
    for row in data["decisions"]:
        said = "attested before" if row["attestation"] is None else f"{done} as {row['attestation']}"
        console.print(f"  {row['phase']:<12} {row['decision']} {row['result']}; {said}", soft_wrap=True)
    if not data["decisions"]:
        console.print("  no decision yet")
    if (first := data["first_difference"]) is not None:
        text = f"{first['what']}: {first['member'] or 'the event'}"
        recorded, replayed = first["recorded"], first["replayed"]
        console.print(
            f"  first difference at entry {first['index']}: {text}: {recorded!r}, {replayed!r}", soft_wrap=True
        )
    if "out" in data:
        console.print(f"signed by {data['kid']}: {data['out']}", soft_wrap=True)
