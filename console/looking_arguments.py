"""What the commands take that look at a programme: where it stands, why, how stable it is."""

from __future__ import annotations

import argparse
from pathlib import Path

from console.arguments import number, programme
from events.reasons import REFUSALS
from events.traceparent import id_of


def status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("programme", nargs="?", metavar="PROGRAMME", help="the programme's id; all logs without one")
    parser.add_argument(
        "--check", action="store_true", help="for monitors: a line for each problem, exit code 10 if there is one"
    )


def figures(parser: argparse.ArgumentParser) -> None:
    programme(parser)
    parser.add_argument("--phase", metavar="P", help="the phase's id; every open one without it")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write each figure there as an SVG file")
    parser.add_argument("--stability", action="store_true", help="draw what would change the outcome as well")


def report(parser: argparse.ArgumentParser) -> None:
    programme(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="an empty folder, or a new one")
    parser.add_argument("--profile", metavar="P", help="for the public, as this profile shows it; in full without it")
    parser.add_argument("--seed", type=number, default=1, metavar="N", help="of the panels drawn anew (default 1)")
    parser.add_argument("--resamples", type=number, default=1000, metavar="N", help="how many panels (default 1000)")


def log(parser: argparse.ArgumentParser) -> None:
    programme(parser)
    parser.add_argument("index", nargs="?", type=number, metavar="N", help="one entry, with all that is kept of it")
    verdicts = ("accepted", "refused", "duplicate", "pending", "waiting")
    parser.add_argument("--verdict", choices=verdicts, help="only entries of this verdict; waiting: pending still")
    parser.add_argument("--type", metavar="T", help="only entries of this type, such as score.recorded")
    parser.add_argument("--limit", type=number, metavar="N", help="the last N (default 50; all with --json)")
    parser.add_argument(
        "--trace", type=trace, metavar="ID", help="only records of this trace, with the decisions that rest on them"
    )


def trace(text: str) -> str:
    """The id of a trace, alone or in a traceparent."""
    try:
        return id_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def refused(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("programme", nargs="?", metavar="PROGRAMME", help="the programme's id; all logs without one")
    parser.add_argument("index", nargs="?", type=number, metavar="INDEX", help="one record, by the index of its entry")
    parser.add_argument(
        "--reason", metavar="CODE", choices=sorted(REFUSALS), help="only what was refused for this reason"
    )
    parser.add_argument("--source", metavar="S", help="only what says that it is from this source")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="of one record: write its bytes there, to correct them"
    )


def explain(parser: argparse.ArgumentParser) -> None:
    programme(parser)
    parser.add_argument("entrant", nargs="?", metavar="ENTRANT", help="the entrant's id; the whole phase without one")
    parser.add_argument("--phase", metavar="P", help="the phase's id (default: the last that it is in)")
    parser.add_argument("--decision", metavar="ID", help="a decision of the phase (default: the one in force)")
    parser.add_argument("--record", type=number, metavar="INDEX", help="instead: what became of a record, and why")
    parser.add_argument("--smallest", action="store_true", help="also the smallest change of a mark that turns it")
    parser.add_argument("--lang", choices=("ko", "en", "fr"), default="en", help="in which language (default en)")
    parser.add_argument("--letter", action="store_true", help="write the entrant's letter of decision, with its proofs")
    parser.add_argument("--format", choices=("html", "md"), default="html", help="of the letter (default html)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the letter goes")
    parser.add_argument("--scenario", type=Path, metavar="DIR", help="a scenario, whose unpublished figures are marked")


def order(parser: argparse.ArgumentParser) -> None:
    programme(parser)
    parser.add_argument("phase", metavar="PHASE", help="the phase's id")
    parser.add_argument("evaluator", nargs="?", metavar="EVALUATOR", help="only of this one, by pseudonym")


def robustness(parser: argparse.ArgumentParser) -> None:
    programme(parser)
    parser.add_argument("--phase", metavar="P", required=True, help="the phase's id")
    parser.add_argument("--seed", type=number, metavar="N", default=1, help="what panels are drawn from (default 1)")
    parser.add_argument(
        "--resamples", type=number, metavar="N", default=1000, help="how often panels are drawn anew (default 1000)"
    )
