"""What `db` takes on its line."""

from __future__ import annotations

import argparse

from console import arguments


def db(parser: argparse.ArgumentParser) -> None:
    arguments.actions(
        parser,
        {
            "upgrade": ("make or update the tables of the ledger", arguments.nothing),
            "roles": ("give the roles of PostgreSQL their rights, and no others", _roles),
        },
    )


def _roles(parser: argparse.ArgumentParser) -> None:
    for role, about in (
        ("recorder", "records, signs and erases"),
        ("reader", "flows and people who look: reads everything"),
        ("auditor", "reads what an audit needs"),
        ("intake", "the HTTP intake"),
    ):
        parser.add_argument(f"--{role}", metavar="NAME", help=f"{about}; made if it is not there")
    parser.add_argument("--dry-run", action="store_true", help="print the statements, run nothing")
