"""What each command takes on its line. Only argparse and plain parsing here: `--help` must come at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from console.output import Usage
from events.values import parse_duration, parse_instant

Add = Callable[[argparse.ArgumentParser], None]
"""Adds what a command takes to its parser."""


@dataclass(frozen=True, slots=True)
class At:
    """A prefix of the log: its size, or all that was received up to a time (Unix milliseconds). One of the two."""

    size: int | None = None
    time_ms: int | None = None


def at(text: str) -> At:
    """`--at 1041`, or `--at 2026-01-14T09:00:00Z`."""
    if text.isascii() and text.isdigit():
        return At(size=int(text))
    try:
        return At(time_ms=parse_instant(text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a log size such as 1041 nor a UTC time such as 2026-01-14T09:00:00Z"
        ) from None


class Parser(argparse.ArgumentParser):
    """Raises Usage where argparse would print and leave; so `--json` gets a document in every case."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **settings})

    def error(self, message: str) -> NoReturn:
        raise Usage(message, hint=f"{self.prog} --help", usage=" ".join(self.format_usage().split()))


def global_options() -> Parser:
    """Options of every command, before or after its name. Defaults are set by the caller, so neither place wins."""
    options = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = options.add_argument_group("options of every command")
    group.add_argument("--json", action="store_true", help="print one JSON document")
    group.add_argument("--database", metavar="URL", help="the ledger, as a SQLAlchemy URL")
    group.add_argument("--home", type=Path, metavar="DIR", help="folder of this deployment (default .phasegate)")
    group.add_argument("--at", type=at, metavar="SIZE|TIME", help="as the log was then (commands that read it)")
    group.add_argument("-q", "--quiet", action="store_true", help="no progress")
    group.add_argument("-v", "--verbose", action="count", help="more on standard error")
    group.add_argument("--debug", action="store_true", help="show the trace of an unexpected error")
    return options


GLOBAL_DEFAULTS: Mapping[str, Any] = {
    "json": False, "database": None, "home": None, "at": None, "quiet": False, "verbose": 0, "debug": False,
}  # fmt: skip


def nothing(parser: argparse.ArgumentParser) -> None:
    """For commands that take no more than the options of every command."""


def actions(parser: argparse.ArgumentParser, table: Mapping[str, tuple[str, Add]]) -> None:
    """`phasegate keys new`: the second word, found in `options.action`."""
    second = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    for name, (summary, add) in table.items():
        add(second.add_parser(name, help=summary, description=summary + ".", parents=[global_options()]))


def programme(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("programme", metavar="PROGRAMME", help="the programme's id")


def announce(parser: argparse.ArgumentParser) -> None:
    check(parser)
    parser.add_argument(
        "--clock", choices=("broker", "scenario"), help="who stamps records (default: as the topics say)"
    )


def publish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.ndjson", help="CloudEvents, one JSON object a line")
    parser.add_argument("--key", type=Path, metavar="FILE", help="sign each event with the key in this file")
    parser.add_argument("--wait", action="store_true", help="wait until all are recorded, and show each verdict")


def progress(parser: argparse.ArgumentParser) -> None:
    programme(parser)
    scenario_time(parser)


def scenario_time(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--now", metavar="T", help="the time of a programme that runs in its own time")


def number(text: str) -> int:
    """A count or an index: plain decimal digits."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 50")
    return int(text)


def check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rulebook", type=Path, metavar="RULEBOOK", help="a YAML file")


def score(parser: argparse.ArgumentParser) -> None:
    check(parser)
    parser.add_argument(
        "marks", type=Path, metavar="MARKS.csv", help="columns team, criterion, item, evaluator, value, reference"
    )
    parser.add_argument("--phase", metavar="P", help="the phase's id; needed when the rulebook has several")


def run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", type=Path, metavar="SCENARIO", help="a scenario directory")
    parser.add_argument("--until", metavar="TIME", help="stop before anything later than this instant")
    _bus(parser)


def demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", type=Path, nargs="?", metavar="SCENARIO", help="default: examples/k-ai-2026")
    _bus(parser)


def _bus(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bus", choices=("kafka", "memory"), default="kafka", help="a real Kafka (default), or one in this process"
    )


def prove(parser: argparse.ArgumentParser) -> None:
    programme(parser)
    parser.add_argument("index", type=number, metavar="INDEX", help="the entry's index")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the proof to this file")


def export(parser: argparse.ArgumentParser) -> None:
    programme(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", required=True, help="where the bundle goes; nothing is there yet"
    )
    parser.add_argument("--zip", action="store_true", help="one zip instead of a directory")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--profile", metavar="P", help="only what the public may see, with the figures of this profile")
    part.add_argument("--for", dest="entrant", metavar="ENTRANT", help="only what is public, and this entrant's own")


def rebuild(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "programme", nargs="?", metavar="PROGRAMME", help="compare this programme's log alone; all without one"
    )
    parser.add_argument(
        "--into", metavar="URL", required=True, help="the new ledger, as a SQLAlchemy URL; nothing is there yet"
    )


def verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "bundles",
        type=Path,
        nargs="+",
        metavar="BUNDLE",
        help="what export made, one of each log, a .tlog-proof file, or a .receipt of the HTTP intake",
    )
    parser.add_argument(
        "--vkey", metavar="K", action="append", required=True, help="each log's public key, from somewhere else"
    )
    _trust(parser)


def attest(parser: argparse.ArgumentParser) -> None:
    """Of a programme in the ledger, or with `--vkey` of a bundle."""
    parser.add_argument("target", metavar="PROGRAMME|BUNDLE", help="the programme's id; with --vkey a bundle")
    parser.add_argument("--again", action="store_true", help="attest every decision anew, at the present size")
    bundle = parser.add_argument_group("an auditor's attestations of a bundle")
    bundle.add_argument("--vkey", metavar="K", help="the log's public key, from somewhere else")
    bundle.add_argument("--key", type=Path, metavar="FILE", help="the auditor's key file, which signs")
    bundle.add_argument("--source", metavar="S", help="as whom the rulebook names the auditor")
    bundle.add_argument(
        "--out", type=Path, metavar="FILE", help="where the signed attestations go; nothing is there yet"
    )
    _trust(bundle)


def _trust(parser: argparse._ActionsContainer) -> None:
    """What else whoever verifies a bundle brings."""
    parser.add_argument(
        "--office", metavar="K", action="append", default=[], help="a public key of the office (repeatable)"
    )
    parser.add_argument("--entry", type=Path, metavar="FILE", help="of a proof: the bytes of its entry")
    parser.add_argument("--opening", type=Path, metavar="FILE", help="of a proof: what the entry commits to")
    parser.add_argument(
        "--since", type=Path, metavar="FILE", action="append", default=[],
        help="an older checkpoint that a bundle must extend (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--witness", metavar="K", action="append", default=[], help="a witness's public key (repeatable)"
    )
    parser.add_argument("--quorum", type=number, metavar="N", help="how many witnesses must have signed (default: all)")
    parser.add_argument("--max-age", type=duration, metavar="D", help="how old their signatures may be, such as P1D")


def duration(text: str) -> int:
    """Milliseconds of an ISO 8601 duration."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def kafka(parser: argparse.ArgumentParser) -> None:
    actions(
        parser,
        {
            "up": ("start the local broker, if it is not running", nothing),
            "down": ("stop the local broker; its data stays", nothing),
            "status": ("say whether a broker answers, and where", nothing),
        },
    )
