"""`report`: a programme as pages to read, print and hand on, in full or as a publication profile shows it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result, Usage

if TYPE_CHECKING:
    from rich.console import Console

    from console.reporting.pages import Pages
    from flows.reading import Reading
    from handlers.state import State

_CHECKING = (
    "Nothing here has to be believed: phasegate export gives a bundle of the same log, which phasegate verify checks.",
    "The key for that must come from somewhere else (docs/verification.md).",
    "Numbers of entries are indexes in the log; phasegate prove makes a proof of any of them.",
)


def report(options: argparse.Namespace, report: Report) -> Result:
    """Writes the pages into an empty folder. With `--profile` nothing is in them that was not published."""
    from console.reporting.pages import write_entries, write_index
    from flows.reading import open_reading

    _check(options.out)
    with open_reading(settings_of(options, report)) as reading:
        programme = reading.head(options.programme).programme
        state = reading.state(programme, options.at)
        pages = _pages(reading, state, options, report)
        options.out.mkdir(parents=True, exist_ok=True)
        index = write_index(options.out, pages)
        is_full = options.profile is None
        entries = _entries(reading, programme, state.size, is_full=is_full)
        count = write_entries(options.out, pages, entries, state.size, is_full=is_full)
    data = {
        "programme": programme,
        "size": state.size,
        "profile": options.profile,
        "path": str(index),
        "entries": count,
        "phases": [chapter.phase for chapter in pages.chapters],
    }
    return Result(data, partial(_show, data))


def _check(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Usage(f"{out} is there already and not an empty folder", hint="name a folder that is not there yet")


def _pages(reading: Reading, state: State, options: argparse.Namespace, report: Report) -> Pages:
    from console.commands.showing import text_of
    from console.reporting.assembling import Order, full_chapters, public_chapters
    from console.reporting.pages import Pages
    from console.telling.sentences import Words, names_of

    titles = state.announced.data.get("title") if state.announced is not None else None
    title = text_of(titles) if titles else state.programme
    words = Words("en", names_of(state))
    about = title if titles else ""
    if options.profile is not None:
        chapters = tuple(public_chapters(state, options.profile, words, about))
        kind = f"Report for the public, as the profile {options.profile} shows it"
    else:
        order = Order(words, about, options.seed, options.resamples, report.say)
        chapters = tuple(full_chapters(reading, state, options.at, order))
        kind = "Report in full, with marks and personal data: not for the public"
    return Pages(kind, title, tuple(_facts(reading, state)), chapters, _CHECKING)


def _facts(reading: Reading, state: State) -> Iterator[tuple[str, str]]:
    yield "programme", state.programme
    yield "log", f"{state.size} entries"
    checkpoints = [row for row in reading.ledger.checkpoints(state.programme) if row.size <= state.size]
    if checkpoints:
        yield "last checkpoint", f"of {checkpoints[-1].size} entries"
    if state.concluded is not None:
        yield "concluded", ", ".join(state.concluded.data["finalists"]) or "nobody is left"


def _entries(reading: Reading, programme: str, size: int, *, is_full: bool) -> Iterator[Mapping[str, Any]]:
    """The leaves; in full with the record of each first entry as it came, where the ledger still has it."""
    from events.entry import decode_entry
    from flows.entries import row

    for stored in reading.ledger.read(programme, 0, size, with_openings=is_full):
        opening = stored.opening
        value = None if opening is None or opening.value is None else opening.value.decode("utf-8", "backslashreplace")
        yield row(decode_entry(stored.entry)) | {"record": value}


def _show(data: Mapping[str, Any], console: Console) -> None:
    console.print(f"{data['path']}: {len(data['phases'])} phases, {data['size']} entries", soft_wrap=True)
    if data["profile"] is None:
        console.print("It is in full, with marks and personal data. For the public: --profile P")
