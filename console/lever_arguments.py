"""What `what-if` takes: a programme, and levers. As in `arguments`: only argparse and plain parsing here."""

from __future__ import annotations

import argparse
from pathlib import Path

from console.arguments import number, programme


def assignment(text: str) -> tuple[str, str]:
    """`NAME=VALUE`; the value may be empty."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} has no name and value, such as phases.phase-1.advance.places=3")
    return name, value


def what_if(parser: argparse.ArgumentParser) -> None:
    programme(parser)
    _rules(parser.add_argument_group("rules"))
    _marks(parser.add_argument_group("marks and rulings"))
    _events(parser.add_argument_group("events and time"))
    files = parser.add_argument_group("levers in files")
    files.add_argument("--levers", action="append", type=Path, metavar="FILE", help="levers that were saved, and these")
    files.add_argument("--save", type=Path, metavar="FILE", help="save all of them (YAML; JSON where so named)")


def _rules(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--set", action="append", type=assignment, metavar="PATH=VALUE",
        help="a member of the rulebook, by ids: phases.phase-1.advance.places=3; empty takes it out",
    )  # fmt: skip
    group.add_argument("--rulebook", metavar="FILE", help="another rulebook in place of all that are on record")
    group.add_argument("--without-gate", action="append", metavar="[PHASE/]GATE", help="no such gate")
    group.add_argument("--refill", action="store_true", help="a place lost at a gate goes to the next in the ranking")
    group.add_argument("--drop-criterion", action="append", metavar="[PHASE/]CRITERION", help="no such criterion")


def _marks(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--correct", action="append", type=assignment, metavar="MARK=VALUE",
        help="another mark: by id, entry, or ENTRANT/CRITERION/ITEM/EVALUATOR, the phase in front where needed",
    )  # fmt: skip
    group.add_argument("--drop-evaluator", action="append", metavar="EVALUATOR", help="never appointed")
    group.add_argument("--annul", action="append", metavar="EVALUATOR[:ENTRANT]", help="the marks annulled in time")
    group.add_argument(
        "--rule", action="append", type=assignment, metavar="FINDING=VERDICT",
        help="another ruling: met, not-met or undetermined; by id, entry, or ENTRANT/GATE/COUNT",
    )  # fmt: skip


def _events(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--with", dest="added", action="append", metavar="FILE.ndjson", help="events more, received at their own time"
    )
    group.add_argument("--without", action="append", type=number, metavar="INDEX", help="a record less, by its entry")
    group.add_argument("--sign", action="store_true", help="whoever must sign a decision and nowhere does, signs it")
    group.add_argument(
        "--until", "--now", dest="until", metavar="TIME", help="to this time instead of the last receipt"
    )
