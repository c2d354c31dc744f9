"""Signing keys: those of this home (`new`, `list`), and changes of keys in a programme (`rotate`, `revoke`)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from console.options import settings_of
from console.output import Report, Result, Usage
from events.errors import Conflict, Refused

if TYPE_CHECKING:
    from rich.console import Console

    from events.note import VerifierKey
    from infra.settings import Settings

NOTICE_MS = 60_000
"""How far ahead a rotation begins unless it is said: senders change in step, and the four records arrive before."""


def run(options: argparse.Namespace, report: Report) -> Result:
    """`options.action` says which."""
    settings = settings_of(options, report)
    folder = settings.home / "keys"
    match options.action:
        case "new":
            return _new(folder, options.name)
        case "list":
            return _listed(folder)
        case "rotate" | "revoke":
            return _changed(settings, options, report)
        case never:
            assert_never(never)


def _new(folder: Path, name: str) -> Result:
    from infra.keys import key_path, new_key

    path = key_path(folder, name)
    try:
        key = new_key(folder, name)
    except Conflict as error:  # asking again would not help: the answer is no
        raise Refused(error.message, hint=error.hint, file=path) from error

    def render(console: Console) -> None:
        console.print(f"vkey  {key.vkey}", soft_wrap=True)
        console.print(f"kid   {key.kid}", soft_wrap=True)
        console.print(f"file  {path} (mode 0600; keep it secret, hand out the vkey)", soft_wrap=True)

    return Result({"name": key.name, "vkey": key.vkey, "kid": key.kid, "file": str(path)}, render)


def _listed(folder: Path) -> Result:
    from infra.keys import key_path, list_keys

    keys = [
        {"name": key.name, "vkey": key.vkey, "kid": key.kid, "file": str(key_path(folder, key.name))}
        for key in list_keys(folder)
    ]

    def render(console: Console) -> None:
        from console.tables import table

        if keys:
            console.print(table(("name", "kid", "vkey"), [(key["name"], key["kid"], key["vkey"]) for key in keys]))
        else:
            console.print(f"no keys in {folder}; phasegate keys new NAME makes one")

    return Result({"keys": keys}, render)


def _changed(settings: Settings, options: argparse.Namespace, report: Report) -> Result:
    """Publishes the change on every topic, and waits until it is recorded."""
    from contextlib import closing

    from flows.key_changes import about_log, change_key
    from flows.reading import open_reading
    from flows.wiring import open_parts

    key = _key(settings.home / "keys", options.key)
    from_ms = _start(options)
    with open_reading(settings) as reading:
        programme = reading.head(options.programme).programme
    with closing(open_parts(settings)) as parts:
        source = about_log(programme) if options.log else options.source
        state = parts.reader().state(programme)
        report.say(f"telling {programme} on every topic; waiting until it is recorded")
        done = change_key(parts.office(), state, options.action, key, from_ms, reason=options.reason, source=source)
    data = {"programme": programme, "id": done.event.id, **done.event.data}
    data["entries"] = [
        {"topic": entry.topic, "offset": entry.offset, "index": entry.index, "verdict": entry.verdict}
        for entry in done.entries
    ]
    verb = "signs with" if options.action == "rotate" else "signs no more with"

    def render(console: Console) -> None:
        console.print(f"from {data['from']} on {data['source']} {verb} {data['key']}", soft_wrap=True)
        for entry in data["entries"]:
            console.print(f"  {entry['topic']}: {entry['verdict']} as entry {entry['index']}")
        if options.action == "rotate" and options.source is None:
            console.print(_next("LOG" if options.log else "OFFICE"), soft_wrap=True)

    return Result(data, render)


def _next(whose: str) -> str:
    if whose == "LOG":
        return (
            "next: PHASEGATE_LOG_KEY names the new file, PHASEGATE_LOG_KEY_BEFORE the old one; start the recorder again"
        )
    return (
        "next: at that instant PHASEGATE_OFFICE_KEY names the new file; PHASEGATE_OFFICE_VKEYS keeps the old vkey, with "
        "which earlier records are verified"
    )


def _key(folder: Path, said: str) -> VerifierKey:
    from events.note import ED25519, parse_vkey
    from infra.keys import key_path, load_key

    key = parse_vkey(said) if "+" in said else load_key(key_path(folder, said)).verifier
    if key.algorithm != ED25519:
        raise Refused(f"{said!r} is a witness's key; records and checkpoints are signed with type 01")
    return key


def _start(options: argparse.Namespace) -> int:
    from events.values import parse_instant
    from infra.clock import now_ms

    if options.start is None:
        return now_ms() + (NOTICE_MS if options.action == "rotate" else 0)
    try:
        return parse_instant(options.start)
    except ValueError as error:
        raise Usage(f"--from: {error}") from None
