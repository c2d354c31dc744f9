"""`access-log`: who saw or did what in the console."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result, Usage

if TYPE_CHECKING:
    from rich.console import Console

    from infra.access import AccessLog


def run(options: argparse.Namespace, report: Report) -> Result:
    """The last lines; or with `--verify` the whole of it, with `--cut` less of it."""
    from infra.access import AccessStore

    if options.against and not options.verify:
        raise Usage("--against is compared by --verify", hint="name both")
    with AccessStore.open(settings_of(options, report).database) as store:
        if options.verify:
            return _verified(store.log, options)
        if options.cut is not None:
            return _cut(store.log, options.cut)
        lines = [_told(line) for line in store.log.last(options.last, options.programme, options.visitor)]
    return Result({"lines": lines}, partial(_show, lines=lines))


def _verified(log: AccessLog, options: argparse.Namespace) -> Result:
    from infra.access import Place

    stands = log.verify(None if options.against is None else Place(*options.against))
    data = {"lines": stands.index, "place": str(stands)}
    return Result(data, lambda console: console.print(f"whole; it stands at {stands}", soft_wrap=True))


def _cut(log: AccessLog, older_ms: int) -> Result:
    from infra.clock import now_ms

    now = now_ms()
    gone = log.cut(now - older_ms, now)
    return Result({"deleted": gone}, lambda console: console.print(f"{gone} lines deleted"))


def _told(line: dict[str, Any]) -> dict[str, Any]:
    from events.values import format_instant

    return {"index": line["index"], "at": format_instant(line.pop("at_ms")), **line}


def _show(console: Console, lines: list[dict[str, Any]]) -> None:
    from console.tables import table

    if not lines:
        console.print("no lines")
        return
    columns = ("index", "at", "visitor", "right", "programme", "method", "path", "status", "address")
    console.print(table(columns, [tuple(_cell(line[column]) for column in columns) for line in lines]))


def _cell(value: object) -> str:
    return "" if value is None else str(value)
