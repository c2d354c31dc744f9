"""What `accounts` takes on its line."""

from __future__ import annotations

import argparse

from console import arguments


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
