"""`requeue`: a refused record is sent again after a fix, and that is put on record first.

Killed between the two it goes on when it is called again: the act on record names the id that is sent, and the record is not
there yet.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from console.acts import Act
from console.commands.acting import announced, composed, key_of
from console.commands.composing import content, moment, validated
from console.options import settings_of
from console.output import Report, Result, Usage
from events.errors import Refused

if TYPE_CHECKING:
    from rich.console import Console

    from events.bus import Bus, Message
    from events.entry import Entry
    from flows.reading import Reading
    from flows.refused import RefusedRecord
    from handlers.state import State
    from handlers.verdicts import Verdict
    from infra.settings import Settings

REFUSED = 6
ACT = Act("record.requeued", "", ())


@dataclass(frozen=True, slots=True)
class _Call:
    """What sending needs; `at_ms` is when it happens (Unix milliseconds)."""

    settings: Settings
    reading: Reading
    state: State
    row: RefusedRecord
    options: argparse.Namespace
    at_ms: int

    @property
    def stamp_ms(self) -> int | None:
        """The broker stamps, but in a programme's own time."""
        return self.at_ms if self.state.clock == "scenario" else None


def requeue(options: argparse.Namespace, report: Report) -> Result:
    """Says which verdict the record would get now; where that is not a refusal, puts the act on record and sends it."""
    from flows.reading import open_reading
    from flows.refused import refused_record
    from flows.requeueing import id_of, verdict_now

    settings = settings_of(options, report)
    with open_reading(settings) as reading:
        head = reading.head(options.programme)
        if head.programme.startswith("unrouted/"):
            raise Refused(
                f"a record of {head.programme} has no usable key, so it belongs to no programme that could say anything of it",
                hint="publish it with the programme's id as its key: phasegate publish FILE",
            )
        state = announced(reading.state(head.programme))
        row = refused_record(reading, head.programme, options.index, head.size)
        at_ms = moment(state, options.now, is_needed=not options.dry_run)
        sent = _message(head.programme, row, options)
        said = said_before(reading, state, row, id_of(sent))
        would = would_be(verdict_now(reading, head.programme, sent, at_ms))
        data = {
            "programme": head.programme, "index": row.begun.index, "as": id_of(sent), "topic": sent.topic,
            "same_bytes": row.opening is not None and row.opening.value == sent.value,
            "would_be": would, "sent": False, "said": said, "record": None,
        }  # fmt: skip
        if options.dry_run or (would["verdict"] in ("refused", "duplicate") and not options.anyway):
            return _previewed(data, options)
        report.say(f"it would be {would['verdict']}; sending it again, and waiting until it is recorded")
        call = _Call(settings, reading, state, row, options, at_ms)
        return _send(call, replace(sent, timestamp_ms=call.stamp_ms), data)


def _message(programme: str, row: RefusedRecord, options: argparse.Namespace) -> Message:
    from flows.requeueing import corrected, same_again
    from infra.keys import load_key

    if options.value is None:
        if options.value_key is not None:
            raise Usage("--value-key signs corrected bytes, and none are given", hint="--value FILE")
        return same_again(row)
    key = None if options.value_key is None else load_key(options.value_key)
    return corrected(programme, row, content(options.value), key)


def said_before(reading: Reading, state: State, row: RefusedRecord, event_id: str) -> int | None:
    """The entry of the act, where it is on record and the record itself is not. Raises Refused where both are."""
    from flows.sent_again import successor

    said = state.requeued.get(row.place)
    if said is None:
        return None
    found = successor(reading, state.programme, state, row)
    if found is not None:
        raise Refused(
            f"it was sent again already, as {said.as_id}: entry {found.index}, {found.verdict}",
            hint=f"if that was refused, phasegate requeue {state.programme} {found.index}",
        )
    if said.as_id != event_id:
        raise Refused(
            f"on record it is sent again as {said.as_id} (entry {said.index}), not as {event_id}",
            hint=f"send the event with the id {said.as_id}",
        )
    return said.index


def would_be(verdict: Verdict) -> dict[str, Any]:
    from handlers.recording import WRITTEN
    from handlers.verdicts import Pending, Refusal

    refusal = verdict if isinstance(verdict, Refusal) else None
    return {
        "verdict": WRITTEN[type(verdict)],
        "reason": refusal and refusal.reason,
        "detail": refusal and refusal.detail,
        "waits_for": [" ".join(key) for key in verdict.keys] if isinstance(verdict, Pending) else [],
    }


def _previewed(data: Mapping[str, Any], options: argparse.Namespace) -> Result:
    """Nothing is sent: because that was asked for, or because it would be refused again, or is there already."""
    would, render = data["would_be"], partial(_show, data)
    if would["verdict"] not in ("refused", "duplicate"):
        return Result(data, render)
    why = f" as {would['reason']}: {would['detail']}" if would["reason"] else ": an equal record counts already"
    if options.value is not None or would["reason"] in (None, "late", "phase-closed"):
        hint = "nothing was sent; --anyway sends it nonetheless"
    else:
        hint = "nothing was sent; a corrected record goes with --value FILE, and --anyway sends this one nonetheless"
    if would["reason"] == "late":
        hint += ". It moves no deadline: extend the window, or reopen the phase"
    return Result(data, render, REFUSED, f"it would be {would['verdict']}{why}", hint)


def _send(call: _Call, sent: Message, data: dict[str, Any]) -> Result:
    from flows.acting import send_one
    from flows.wiring import open_bus

    ledger, programme = call.reading.ledger, call.state.programme
    with closing(open_bus(call.settings, ledger)) as bus:
        if data["said"] is None:
            data["said"] = _say(call, bus, data["as"]).index
        recorded = send_one(bus, ledger, programme, sent)
    entry = recorded.entry
    data |= {"sent": True, "record": _row(entry) | {"detail": recorded.detail}}
    render = partial(_show, data)
    if entry.verdict != "refused":
        return Result(data, render)
    problem = f"refused as {entry.reason}, at entry {entry.index}: {recorded.detail}"
    return Result(data, render, REFUSED, problem, f"phasegate refused {programme} {entry.index} shows why")


def _say(call: _Call, bus: Bus, as_id: str) -> Entry:
    """The entry of the act. Raises Refused where it is not accepted: then the record is not sent."""
    from flows.acting import perform

    state, options = call.state, call.options
    topic, partition, offset = call.row.place
    record = {"topic": topic, "partition": partition, "offset": offset}
    said = validated(ACT.type, {"record": record, "as": as_id, "reason": options.reason})
    event = composed(state, ACT, said, options.source, call.at_ms, is_dry=False)
    key = key_of(call.settings, state, event, options)
    recorded = perform(bus, call.reading.ledger, event, key, call.stamp_ms)
    entry = recorded.entry
    if entry.verdict != "accepted":
        raise Refused(
            f"the act is {entry.verdict} at entry {entry.index}, {entry.reason or ''}: {recorded.detail or 'it waits'}",
            hint=f"the record was not sent; phasegate log {state.programme} {entry.index} shows the entry",
        )
    return entry


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "index": entry.index, "topic": entry.topic, "partition": entry.partition, "offset": entry.offset,
        "verdict": entry.verdict, "reason": entry.reason,
    }  # fmt: skip


def _show(data: Mapping[str, Any], console: Console) -> None:
    record, would = data["record"], data["would_be"]
    bytes_ = "the same bytes" if data["same_bytes"] else "corrected bytes"
    console.print(f"entry {data['index']} of {data['programme']}, as {data['as']}: {bytes_}", soft_wrap=True)
    if record is None:
        reason = f", {would['reason']}" if would["reason"] else ""
        waits = f", waiting for {' or '.join(would['waits_for'])}" if would["waits_for"] else ""
        console.print(f"  received now it would be {would['verdict']}{reason}{waits}; nothing was sent", soft_wrap=True)
        return
    reason = f", {record['reason']}" if record["reason"] else ""
    console.print(f"  on record at entry {data['said']}")
    console.print(f"  sent again: entry {record['index']}, {record['verdict']}{reason}")
