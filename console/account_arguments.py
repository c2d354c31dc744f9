"""What `accounts` takes on its line."""

from __future__ import annotations

import argparse
import re

from console import arguments
from events.values import parse_duration


def accounts(parser: argparse.ArgumentParser) -> None:
    arguments.actions(
        parser,
        {
            "new": ("make an account; asks for its password", _name),
            "list": ("list the accounts and what they may", arguments.nothing),
            "grant": ("give an account a role", _grant),
            "revoke": ("take a role from an account", _role),
            "password": ("set another password; asks for it", _name),
            "end": ("end an account for good", _name),
        },
    )


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the account's name, such as kim or kim@office.example")


def _role(parser: argparse.ArgumentParser) -> None:
    from infra.access.rows import ROLES

    _name(parser)
    parser.add_argument("--role", required=True, choices=ROLES, help="what it is there")
    parser.add_argument("--programme", required=True, metavar="ID", help="in which programme; '*': in all")


def _grant(parser: argparse.ArgumentParser) -> None:
    _role(parser)
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--entrant", metavar="ID", help="which entrant it is there, with --role entrant")
    who.add_argument("--evaluator", metavar="ID", help="which evaluator it is there, with --role evaluator")


def access_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--programme", metavar="ID", help="only what was about this programme")
    parser.add_argument("--visitor", metavar="NAME", help="only what this account did")
    parser.add_argument("--last", type=count, default=50, metavar="N", help="so many lines (default 50)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--verify", action="store_true", help="hash every line again, and say where the log stands")
    what.add_argument("--cut", type=duration, metavar="P", help="delete what is older than this, such as P365D")
    parser.add_argument(
        "--against", type=place, metavar="N:HASH", help="with --verify: the log goes on from this place, noted earlier"
    )


def count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:10]) <= 1_000_000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def duration(text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def place(text: str) -> tuple[int, bytes]:
    """`812:9f…`, as --verify shows it."""
    number, _, chain = text.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 16 and re.fullmatch(r"[0-9a-f]{64}", chain)):
        raise argparse.ArgumentTypeError(f"{text[:90]!r} is no place such as --verify shows")
    return int(number), bytes.fromhex(chain)
