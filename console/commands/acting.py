"""A person's act: words become one event, which is sent and seen recorded. `console.acts` has the table of them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

from console.acts import ACTS, Act
from console.commands.composing import data_of, moment, validated
from console.options import settings_of
from console.output import Report, Result, Usage
from events.errors import Refused

if TYPE_CHECKING:
    from rich.console import Console

    from events.envelope import Envelope
    from flows.acting import Recorded
    from handlers.state import State
    from infra.keys import SigningKey
    from infra.ledger import Ledger
    from infra.settings import Settings

REFUSED = 6


def act(options: argparse.Namespace, report: Report) -> Result:
    """Says one event and waits for its verdict; with `--dry-run` only shows what it would change."""
    from flows.entries import place_of_entry
    from flows.reading import open_reading
    from handlers.completing import completed

    chosen = ACTS[" ".join(filter(None, (options.command, getattr(options, "action", None))))]
    settings = settings_of(options, report)
    with open_reading(settings) as reading:
        head = reading.head(options.programme)
        state = announced(reading.state(head.programme))
        place = partial(place_of_entry, reading, head)
        is_dry = getattr(options, "dry_run", False)
        at_ms = moment(state, options.now, is_needed=not is_dry)
        data = validated(chosen.type, completed(state, chosen.type, data_of(chosen, options, state, place)))
        event = composed(state, chosen, data, options.source, at_ms, is_dry=is_dry)
        if is_dry:
            from console.commands.previewing import result_of

            return result_of(state, [event], at_ms)
        return sent(settings, reading.ledger, state, event, options, report)


def announced(state: State) -> State:
    """The same, if there are rules in it."""
    if state.rulebook is None:
        raise Refused(f"{state.programme} is not announced", hint="phasegate announce RULEBOOK begins it")
    return state


def composed(
    state: State, chosen: Act, data: dict[str, Any], source: str | None, at_ms: int, *, is_dry: bool
) -> Envelope:
    """The event of an act, with a new id, said by the source that was named or the only one that may; where nothing is sent,
    by the first that may.
    """
    from events.envelope import Envelope
    from events.values import format_instant
    from flows.sending import uuid7

    speaker = source or _speaker(state, chosen.type, data, is_dry=is_dry)
    name = f"phasegate.{chosen.type}.v1"
    return Envelope(uuid7(at_ms), speaker, name, state.programme, format_instant(at_ms), data)


def _speaker(state: State, name: str, data: Mapping[str, Any], *, is_dry: bool) -> str:
    from handlers.concerns import speakers

    found = [source.source for source in speakers(state, name, data)]
    if len(found) == 1 or (found and is_dry):
        return found[0]
    if not found:
        raise Usage(f"the rulebook names no source that may send {name} here", hint="say who says it: --as SOURCE")
    names = ", ".join(found)
    raise Usage(f"{len(found)} sources may send {name} here: {names}", hint="choose one: --as SOURCE", candidates=found)


def sent(
    settings: Settings, ledger: Ledger, state: State, event: Envelope, options: argparse.Namespace, report: Report
) -> Result:
    """What became of an event that is sent now; exit code 6 when it is refused."""
    from events.values import parse_instant
    from flows.acting import perform
    from flows.wiring import open_bus

    key = key_of(settings, state, event, options)
    stamp_ms = parse_instant(event.time) if state.clock == "scenario" else None
    with closing(open_bus(settings, ledger)) as bus:
        report.say(f"sending {event.type} as {event.source}; waiting until it is recorded")
        recorded = perform(bus, ledger, event, key, stamp_ms)
    data = _row(event, recorded, key)
    render = partial(_show, data)
    if data["verdict"] != "refused":
        return Result(data, render)
    problem = f"refused as {data['reason']}, at entry {data['index']}: {data['detail']}"
    hint = f"phasegate log {state.programme} {data['index']} shows the entry; nothing was changed by it"
    return Result(data, render, REFUSED, problem, hint)


def key_of(settings: Settings, state: State, event: Envelope, options: argparse.Namespace) -> SigningKey | None:
    """The key that was named; the office's where it must be that one."""
    from handlers.concerns import signs_with_office
    from infra.keys import load_key

    source = state.sources.get(event.source)
    if options.key is not None:
        return load_key(options.key)
    if signs_with_office(source, event.type):
        return load_key(settings.office_key)
    if source is not None and source.signs:
        raise Usage(f"{event.source} signs with a key of its own", hint="name it: --key FILE", keys=list(source.keys))
    return None


def _row(event: Envelope, recorded: Recorded, key: SigningKey | None) -> dict[str, Any]:
    entry = recorded.entry
    return {
        "programme": event.subject,
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "data": event.data,
        "signed": None if key is None else key.kid,
        "topic": entry.topic,
        "partition": entry.partition,
        "offset": entry.offset,
        "index": entry.index,
        "verdict": entry.verdict,
        "reason": entry.reason,
        "detail": recorded.detail,
    }


def _show(data: Mapping[str, Any], console: Console) -> None:
    console.print(f"entry {data['index']}: {data['verdict']}" + (f", {data['reason']}" if data["reason"] else ""))
    if data["detail"]:
        console.print(f"  {data['detail']}", soft_wrap=True)
    if data["verdict"] == "pending":
        console.print(
            f"  it waits for something else; phasegate log {data['programme']} {data['index']} shows what settles it"
        )
    console.print(f"  {data['type']} {data['id']}", soft_wrap=True)
    console.print(
        f"  said by {data['source']}" + (f", signed {data['signed']}" if data["signed"] else ""), soft_wrap=True
    )
