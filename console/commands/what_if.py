"""`what-if`: what would have come of a programme under other rules, marks, rulings or events. Nothing is written."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result, Usage

if TYPE_CHECKING:
    from handlers.levers import Levers


def what_if(options: argparse.Namespace, report: Report) -> Result:
    """The changed world, and how it differs from the record. Exit code 0 whatever is different."""
    from console.commands.what_if_shown import show
    from flows.reading import open_reading
    from flows.what_if import save
    from flows.what_if import what_if as run

    levers = levers_of(options)
    with open_reading(settings_of(options, report)) as reading:
        programme = reading.head(options.programme).programme
        report.say(f"running {programme} again")
        data = run(reading, programme, options.at, levers)
    if options.save is not None:
        save(levers, options.save)
        report.say(f"saved the levers in {options.save}")
    return Result(data, partial(show, data))


def levers_of(options: argparse.Namespace) -> Levers:
    """The levers of the command line with those of files. Raises Usage."""
    from flows.what_if import read_saved
    from handlers.levers import LeversInvalid, read_levers, together

    try:
        found = read_levers(_document(options), "the command line")
        for path in options.levers or ():
            found = together(read_saved(path), found)
    except LeversInvalid as error:
        raise Usage(error.message, hint=error.hint) from None
    return found


_LISTS = ("without_gate", "drop_criterion", "drop_evaluator", "annul", "added", "without")
_MAPS = ("set", "correct", "rule")
_FLAGS = ("refill", "sign")


def _document(options: argparse.Namespace) -> dict[str, Any]:
    """The levers as a document; those that are not given are left out."""
    told: dict[str, Any] = {name: getattr(options, name) for name in (*_LISTS, *_FLAGS) if getattr(options, name)}
    for name in _MAPS:
        rows = [(key, parsed(value) if name == "set" else value) for key, value in getattr(options, name) or ()]
        if len(found := dict(rows)) < len({(key, str(value)) for key, value in rows}):
            raise Usage(f"--{name} says two values of one thing", hint="say one")
        if found:
            told[name] = found
    if options.rulebook is not None:
        told["rulebook"] = options.rulebook
    if options.until is not None:
        told["until"] = options.until
    return told


def parsed(text: str) -> Any:
    """A value as a rulebook would write it: `3`, `half-even`, `{expert: 17.5}`."""
    from infra.rulebook_file import loads

    return loads(text, "--set").document if text else ""
