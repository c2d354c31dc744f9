"""Evidence out of a ledger: `checkpoint`, `prove`, `export`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result
from events.errors import Conflict, NotFound, Refused, Unavailable

if TYPE_CHECKING:
    from rich.console import Console

    from events.note import Checkpoint, VerifierKey
    from flows.exporting import View
    from flows.reading import Reading
    from infra.ledger import Head
    from infra.settings import Settings


def checkpoint(options: argparse.Namespace, report: Report) -> Result:
    """Signs the head of a log; the latest checkpoint where nothing is new."""
    from flows.exporting import latest_checkpoint
    from flows.reading import open_reading
    from flows.witnessed import given_out
    from infra.keys import load_key

    settings = settings_of(options, report)
    key = load_key(settings.log_key)
    before = None if settings.log_key_before is None else load_key(settings.log_key_before)
    with open_reading(settings) as reading:
        head = reading.head(options.programme)
        reading.ledger.require_durable()
        memory = given_out(reading.ledger, settings)
        left = None if memory is None else memory.latest(head.origin)
        signed = reading.ledger.sign(head.programme, key, _trusted(reading, head), before, left)
        stored = latest_checkpoint(reading.ledger, head).note
        note = cosigned(settings, reading, report)(head.programme, stored, key.named(head.origin).verifier)
    data = _about(signed, key.named(head.origin).verifier) | {"programme": head.programme, "note": note.decode()}
    return Result(data, partial(_show_checkpoint, data=data))


def prove(options: argparse.Namespace, report: Report) -> Result:
    """The proof that one entry stands in the log, as a file that other people's tools read."""
    from flows.proving import prove_entry
    from flows.reading import open_reading

    settings = settings_of(options, report)
    with open_reading(settings) as reading:
        head = reading.head(options.programme)
        found = prove_entry(reading, head, options.index, cosigned(settings, reading, report))
    path = _written(options.out, found.proof) if options.out else None
    data = _about(found.checkpoint, found.key) | {
        "programme": head.programme, "index": found.index, "entry": found.entry.decode(),
        "proof": found.proof.decode(), "path": path,
    }  # fmt: skip
    return Result(data, partial(_show_proof, data=data))


def export(options: argparse.Namespace, report: Report) -> Result:
    """A bundle of all that the latest checkpoint covers."""
    from flows.exporting import Exporter
    from flows.reading import open_reading
    from infra.bundle.writing import DirectoryWriter, ZipWriter

    settings = settings_of(options, report)
    with open_reading(settings) as reading:
        head = reading.head(options.programme)
        office = reading.deployment().office_keys
        exporter = Exporter(
            reading.ledger, reading.partitions, office, reading.log_keys, cosigned(settings, reading, report)
        )
        place = options.out
        view = _view(reading, head.programme, options)
        try:
            writer = ZipWriter(place) if options.zip else DirectoryWriter(place)
        except Conflict as error:  # asking again would not help: the answer is no
            raise Refused(error.message, hint=error.hint, file=place) from error
        report.say(f"exporting {head.programme}")
        done = exporter.export(head, writer, view)
    if head.size > done.checkpoint.size:
        report.warn(f"{head.size - done.checkpoint.size} entries after the latest checkpoint are not in the bundle")
    data = _about(done.checkpoint, done.vkey) | {"programme": head.programme, "path": str(done.path)}
    data |= {"view": view.name if view else "everything", "withheld": done.without_opening - done.erased}
    data["erased"] = done.erased
    return Result(data, partial(_show_export, data=data))


def _view(reading: Reading, programme: str, options: argparse.Namespace) -> View | None:
    """What is asked for, if it is there: figures that nobody has published are not published by an export."""
    from flows.exporting import View
    from handlers.disclosure import to_entrant, to_everybody

    if options.profile is None and options.entrant is None:
        return None
    state = reading.state(programme)
    if options.entrant is not None:
        took_part = {name for phase in state.phases.values() for name in phase.entrants}
        if options.entrant not in state.entrants.keys() | took_part:  # A registration may be erased.
            known = ", ".join(sorted(state.entrants.keys() | took_part)) or "none"
            raise NotFound(f"{programme!r} has no entrant {options.entrant!r}; it has: {known}")
        return View(f"what is public, and what is {options.entrant}'s", to_entrant(options.entrant))
    published = sorted(
        {name for phase in state.phases.values() for one in phase.decisions.values() for name in one.published}
    )
    if options.profile not in published:
        raise NotFound(
            f"no figures of profile {options.profile!r} are published; published are: {', '.join(published) or 'none'}",
            hint="widening what is public is an act of the office: figures.published",
        )
    return View(f"what is public, with the figures of profile {options.profile}", to_everybody(options.profile))


def cosigned(settings: Settings, reading: Reading, report: Report) -> Callable[[str, bytes, VerifierKey], bytes]:
    """Asks the witnesses of the settings for their cosignatures under a note that is about to be published."""

    def ask(programme: str, note: bytes, key: VerifierKey) -> bytes:
        from flows.witnessed import witnessed

        found = witnessed(reading.ledger, programme, note, key, settings)
        for reply in found.replies:
            if reply.is_cosigned:
                report.say(f"{reply.witness}: {reply.said}")
            else:
                report.warn(f"the witness {reply.witness} did not cosign: {reply.said}")
        return found.note

    return ask


def _trusted(reading: Reading, head: Head) -> list[VerifierKey]:
    from events.note import verifier_key

    return [verifier_key(head.origin, key.public) for key in reading.log_keys]


def _about(signed: Checkpoint, key: VerifierKey) -> dict[str, Any]:
    from events.note import format_vkey

    return {"origin": signed.origin, "size": signed.size, "root": signed.root.hex(), "vkey": format_vkey(key)}


def _written(path: Path, data: bytes) -> str:
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise Refused(f"{path} exists", hint="name another file with --out") from error
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}") from error
    return str(path)


def _show_checkpoint(console: Console, data: dict[str, Any]) -> None:
    console.print(data["note"], end="", soft_wrap=True)


def _show_proof(console: Console, data: dict[str, Any]) -> None:
    if data["path"] is None:
        console.print(data["proof"], end="", soft_wrap=True)
        return
    console.print(f"entry {data['index']} of {data['size']} is proved in {data['path']}", soft_wrap=True)
    console.print(f"  entry  {data['entry']}", soft_wrap=True)
    console.print(f"  vkey   {data['vkey']}", soft_wrap=True)


def _show_export(console: Console, data: dict[str, Any]) -> None:
    console.print(f"{data['programme']}: {data['size']} entries are in {data['path']}", soft_wrap=True)
    console.print(
        f"  view  {data['view']}; {data['withheld']} records withheld, {data['erased']} erased", soft_wrap=True
    )
    console.print(f"  root  {data['root']}")
    console.print(f"  vkey  {data['vkey']}", soft_wrap=True)
    console.print(f"next: phasegate verify {data['path']} --vkey '{data['vkey']}'", soft_wrap=True)
