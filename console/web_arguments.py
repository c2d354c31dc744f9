"""What `console` and `api-keys` take on their lines."""

from __future__ import annotations

import argparse

from console import arguments
from console.key_arguments import listen
from events.values import parse_duration, parse_instant


def console(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen", type=listen, default=("127.0.0.1", 8000), metavar="HOST:PORT", help="default 127.0.0.1:8000"
    )
    parser.add_argument(
        "--metrics", type=listen, metavar="HOST:PORT", help="where Prometheus may read what the intake counts"
    )


def api_keys(parser: argparse.ArgumentParser) -> None:
    arguments.actions(
        parser,
        {
            "new": ("make a key, which is shown once", _new),
            "list": ("list the keys, without their secrets", arguments.nothing),
            "revoke": ("make a key open nothing from now on", _revoke),
        },
    )


def _new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("label", metavar="LABEL", help="whose key it is, for the list and the log")
    parser.add_argument(
        "--source", action="append", required=True, metavar="URI",
        help="a source it speaks for, repeatable; a last * stands for any rest",
    )  # fmt: skip
    parser.add_argument(
        "--types", nargs="+", required=True, metavar="TYPE",
        help="the types it may send, such as score.recorded; '*': all but those that only the office may say",
    )  # fmt: skip
    parser.add_argument(
        "--programmes", nargs="+", required=True, metavar="PROGRAMME", help="the programmes it is for; '*': all"
    )
    parser.add_argument("--per-minute", type=_count, default=600, metavar="N", help="events a minute (default 600)")
    parser.add_argument("--burst", type=_count, metavar="N", help="events at once (default: those of a minute)")
    parser.add_argument(
        "--expires", type=_expiry, metavar="T", help="a UTC time, or a duration such as P90D; default: never"
    )


def _revoke(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the key's id, as the list shows it")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why; it is kept with the key")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:10]) <= 1_000_000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def _expiry(text: str) -> tuple[str, int]:
    """(`at`, Unix milliseconds) or (`after`, milliseconds)."""
    try:
        return ("after", parse_duration(text)) if text.startswith("P") else ("at", parse_instant(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
