"""Signing keys of this home: `keys new NAME`, `keys list`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from console.options import settings_of
from console.output import Report, Result
from events.errors import Conflict, Refused

if TYPE_CHECKING:
    from rich.console import Console


def run(options: argparse.Namespace, report: Report) -> Result:
    """`options.action` says which."""
    folder = settings_of(options, report).home / "keys"
    match options.action:
        case "new":
            return _new(folder, options.name)
        case "list":
            return _listed(folder)
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
