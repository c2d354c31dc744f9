"""`accounts`: who may sign in to the console, and as what."""

from __future__ import annotations

import argparse
import getpass
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result, Usage

if TYPE_CHECKING:
    from rich.console import Console

    from infra.access import AccessStore, Account


def run(options: argparse.Namespace, report: Report) -> Result:
    """`options.action` says which."""
    from infra.access import AccessStore

    with AccessStore.open(settings_of(options, report).database) as store:
        if options.action == "list":
            return _listed(store)
        said = _ACTIONS[options.action](store, options)
        _note(store, options)
        return Result({"account": _told(_found(store, options.name))}, lambda console: console.print(said))


def _note(store: AccessStore, options: argparse.Namespace) -> None:
    """Who has what is looked up later in the access log: a change is a line of it, by the user of this machine."""
    from infra.access import Access
    from infra.clock import now_ms

    parts = (options.action, options.name, *(getattr(options, name, None) for name in ("role", "entrant", "evaluator")))
    said = " ".join(part for part in parts if part)
    programme = getattr(options, "programme", None)
    store.log.append(
        [Access(now_ms(), f"user:{getpass.getuser()}", "accounts", programme, "COMMAND", f"accounts {said}", 0, "")]
    )


def _new(store: AccessStore, options: argparse.Namespace) -> str:
    from infra.access.passwords import hash_password
    from infra.clock import now_ms

    store.accounts.require_free(options.name)
    store.accounts.add(options.name, hash_password(_asked(), options.name), now_ms())
    return f"{options.name} may sign in; phasegate accounts grant gives it a role"


def _grant(store: AccessStore, options: argparse.Namespace) -> str:
    from infra.access import Given
    from infra.clock import now_ms

    who = options.entrant or options.evaluator
    store.accounts.give(options.name, Given(options.programme, options.role, who), now_ms())
    as_whom = f" as {who}" if who else ""
    return f"{options.name} is {options.role}{as_whom} in {options.programme}"


def _revoke(store: AccessStore, options: argparse.Namespace) -> str:
    store.accounts.take(options.name, options.programme, options.role)
    return f"{options.name} is no longer {options.role} in {options.programme}"


def _password(store: AccessStore, options: argparse.Namespace) -> str:
    from infra.access.passwords import hash_password

    _found(store, options.name)
    store.accounts.set_password(options.name, hash_password(_asked(), options.name))
    return f"{options.name} has another password, and is signed in nowhere"


def _end(store: AccessStore, options: argparse.Namespace) -> str:
    from infra.clock import now_ms

    store.accounts.end(options.name, now_ms())
    return f"{options.name} has ended"


_ACTIONS = {"new": _new, "grant": _grant, "revoke": _revoke, "password": _password, "end": _end}


def _found(store: AccessStore, name: str) -> Account:
    from events.errors import NotFound

    account = store.accounts.find(name)
    if account is None:
        raise NotFound(f"there is no account {name[:80]!r}", hint="phasegate accounts list")
    return account


def _asked() -> str:
    """A password: asked for twice where somebody types, else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("password: ")
    if getpass.getpass("once more: ") != first:
        raise Usage("the two passwords differ", hint="try again; nothing was changed")
    return first


def _told(account: Account) -> dict[str, Any]:
    from events.values import format_instant

    return {
        "name": account.name,
        "created": format_instant(account.created_ms),
        "ended": None if account.ended_ms is None else format_instant(account.ended_ms),
        "roles": [{"programme": one.programme, "role": one.role, "who": one.who} for one in account.given],
    }


def _listed(store: AccessStore) -> Result:
    accounts = [_told(account) for account in store.accounts.all()]
    return Result({"accounts": accounts}, partial(_show_list, accounts=accounts))


def _show_list(console: Console, accounts: list[dict[str, Any]]) -> None:
    from console.tables import table

    if not accounts:
        console.print("no accounts; phasegate accounts new makes one")
        return
    rows = [
        (one["name"], ", ".join(_role(role) for role in one["roles"]), one["created"], one["ended"] or "")
        for one in accounts
    ]
    console.print(table(("name", "roles", "created", "ended"), rows))


def _role(role: dict[str, Any]) -> str:
    as_whom = f" {role['who']}" if role["who"] else ""
    return f"{role['role']}{as_whom} in {role['programme']}"
