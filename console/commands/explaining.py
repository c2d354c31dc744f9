"""`explain`: why an entrant stands where it stands, why a phase came out so, why a record was refused; or the letter."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result, Usage
from events.errors import NotFound

if TYPE_CHECKING:
    from rich.console import Console

    from console.telling.sentences import Words
    from flows.reading import Reading
    from handlers.explanation import Explanation, Noted, Point
    from handlers.state import State


def explain(options: argparse.Namespace, report: Report) -> Result:
    """One of three: a record, a letter, or the explanation of an entrant or a phase."""
    from console.telling.sentences import Words, names_of
    from flows.reading import open_reading

    _check(options)
    with open_reading(settings_of(options, report)) as reading:
        programme = reading.head(options.programme).programme
        state = reading.state(programme, options.at)
        words = Words(options.lang, names_of(state))
        if options.record is not None:
            return _record(reading, state, words, options)
        told = _explained(reading, programme, state, options)
        if options.letter:
            from console.commands.lettering import write_letter

            return write_letter(reading, state, told, words, options, report)
    data = {"programme": programme, "size": state.size, "lang": words.lang, **_told(words, told)}
    return Result(data, partial(_show, words=words, told=told))


def _check(options: argparse.Namespace) -> None:
    if options.letter and options.entrant is None:
        raise Usage("--letter is written to an entrant, and none is named", hint="explain PROGRAMME ENTRANT --letter")
    if options.letter and options.out is None:
        raise Usage("--letter needs a folder for the letter and its proofs", hint="--out DIR")
    if options.record is not None and (options.entrant or options.phase or options.letter):
        raise Usage("--record explains one record by itself", hint="explain PROGRAMME --record INDEX")


def _explained(reading: Reading, programme: str, state: State, options: argparse.Namespace) -> Explanation:
    from flows.explained import known_of
    from handlers.explaining import decision_to_explain, explain, find_entrant, phase_to_explain
    from handlers.explaining_fragility import fragility_of

    entrant = None if options.entrant is None else find_entrant(state, options.entrant)
    phase_id = phase_to_explain(state, entrant, options.phase)
    phase = state.phases.get(phase_id)
    if phase is None:
        raise NotFound(f"{phase_id!r} is not open, so nothing of it can be explained")
    decision = decision_to_explain(phase, options.decision)
    known = known_of(reading, programme, state, decision)
    fragility: tuple[Point, ...] = ()
    if known.at_cut is not None and not options.letter:
        fragility = fragility_of(known.at_cut, phase_id, entrant, smallest=options.smallest)
    return explain(known, phase_id, entrant, decision, fragility=fragility)


def _told(words: Words, told: Explanation) -> dict[str, Any]:
    """The explanation as JSON: codes and facts as they are, each with its sentence."""
    data = told.data()
    for name in ("points", "owed", "course", "left_out", "fragility"):
        data[name] = [words.told(one) for one in getattr(told, name)]
    for row, standing in zip(data["standings"], told.standings, strict=True):
        row["points"] = [words.told(one) for one in standing.points]
    del data["programme"], data["size"]
    return data


def _show(console: Console, words: Words, told: Explanation) -> None:
    from console.telling.terminal import show

    show(console, words, told)


def _record(reading: Reading, state: State, words: Words, options: argparse.Namespace) -> Result:
    from flows.explained import record_of
    from flows.sent_again import requeues_of
    from handlers.explaining_left_out import noted_record

    programme = state.programme
    row = record_of(reading, programme, options.record, options.at)
    noted = noted_record(row)
    again = [words.told(one) for one in requeues_of(reading, programme, state, row.index)]
    data: dict[str, Any] = {"programme": programme, "lang": words.lang, "verdict": row.verdict, "reason": row.reason}
    data |= {"detail": row.detail, "type": row.type, **words.told(noted), "sent_again": again}
    return Result(data, partial(_show_record, data=data, noted=noted))


def _show_record(console: Console, data: dict[str, Any], noted: Noted) -> None:
    places = ", ".join(map(str, noted.indexes))
    console.print(f"[{places}] {noted.received}  {data['type'] or '-'}", soft_wrap=True, markup=False)
    console.print(f"  {data['text']}", soft_wrap=True, markup=False)
    if data["detail"]:
        console.print(f"  {data['detail']}", soft_wrap=True, markup=False)
    for one in data["sent_again"]:
        entries = ", ".join(map(str, one["entries"]))
        console.print(f"  [{entries}] {one['text']}", soft_wrap=True, markup=False)
