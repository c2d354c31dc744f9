"""The ledger's database: `db upgrade`, `db roles`."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from console.commands.setup import without_password
from console.options import settings_of
from console.output import Report, Result, Usage

if TYPE_CHECKING:
    from rich.console import Console

    from infra.ledger.roles import Role


def run(options: argparse.Namespace, report: Report) -> Result:
    return {"upgrade": _upgrade, "roles": _roles}[options.action](options, report)


def _upgrade(options: argparse.Namespace, report: Report) -> Result:
    """Make or update the tables. The folder of a SQLite file is made with them."""
    from infra.ledger.database import upgrade

    settings = settings_of(options, report)
    url = without_password(settings.database)
    report.say(f"updating the tables of {url}")
    found, present = upgrade(settings.database)
    way = f"{present} as before" if found == present else f"{found or 'nothing'} to {present}"
    return Result(
        {"database": url, "from": found, "to": present},
        lambda console: console.print(f"the tables of {url} are current ({way})", soft_wrap=True),
    )


def _roles(options: argparse.Namespace, report: Report) -> Result:
    """Grants from the table of rights; with `--dry-run` only what would be run."""
    from infra.ledger.database import connect, require_schema
    from infra.ledger.roles import RIGHTS, grant, plan

    settings = settings_of(options, report)
    named: dict[Role, str] = {role: name for role in RIGHTS if (name := vars(options)[role]) is not None}
    if not named:
        raise Usage("no role is named", hint="such as --recorder phasegate_recorder --reader phasegate_reader")
    engine = connect(settings.database)
    try:
        require_schema(engine)
        ran = plan(engine, named) if options.dry_run else grant(engine, named)
    finally:
        engine.dispose()
    data = {
        "database": without_password(settings.database),
        "roles": named,
        "statements": ran,
        "dry_run": options.dry_run,
    }
    return Result(data, partial(_show_roles, named, ran, dry_run=options.dry_run))


def _show_roles(named: dict[Role, str], ran: list[str], console: Console, *, dry_run: bool) -> None:
    if dry_run:
        for statement in ran:
            console.print(f"{statement};", soft_wrap=True, markup=False, highlight=False)
        return
    for role, name in named.items():
        console.print(f"{name} has the rights of the {role}, and no others", soft_wrap=True, markup=False)
    if any(statement.startswith("CREATE ROLE") for statement in ran):
        console.print("a new role has no password yet: psql, and there \\password NAME", markup=False)
