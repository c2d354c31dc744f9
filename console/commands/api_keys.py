"""`api-keys`: who may send events over HTTP, and which."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never

from console.options import settings_of
from console.output import Report, Result, Usage

if TYPE_CHECKING:
    from rich.console import Console

    from infra.api_key import ApiKey
    from infra.ledger import IntakeStore


def run(options: argparse.Namespace, report: Report) -> Result:
    """`options.action` says which."""
    from flows.reading import open_ledger

    with open_ledger(settings_of(options, report)) as ledger:
        store = ledger.intake()
        match options.action:
            case "new":
                return _new(store, options)
            case "list":
                return _listed(store)
            case "revoke":
                return _revoked(store, options)
            case never:
                assert_never(never)


def _new(store: IntakeStore, options: argparse.Namespace) -> Result:
    from infra.api_key import ApiKey, Scope, draw, hashed
    from infra.clock import now_ms

    now = now_ms()
    scope = Scope(tuple(options.source), tuple(options.types), tuple(options.programmes))
    key_id, whole = draw()
    burst = options.burst or options.per_minute
    key = ApiKey(
        key_id, options.label, hashed(whole), scope, options.per_minute, burst, now, _expires(options.expires, now)
    )
    store.add_key(key)
    data = _told(key) | {"key": whole}
    return Result(data, partial(_show_new, data=data))


def _expires(said: tuple[str, int] | None, now: int) -> int | None:
    if said is None:
        return None
    kind, ms = said
    at_ms = ms if kind == "at" else now + ms
    if at_ms <= now:
        raise Usage("--expires: the key would have expired before it was made")
    return at_ms


def _listed(store: IntakeStore) -> Result:
    keys = [_told(key) for key in store.all_keys()]
    return Result({"keys": keys}, partial(_show_list, keys=keys))


def _revoked(store: IntakeStore, options: argparse.Namespace) -> Result:
    from infra.clock import now_ms

    store.revoke_key(options.id, now_ms(), options.reason)
    return Result({"id": options.id}, lambda console: console.print(f"{options.id} opens nothing any more"))


def _told(key: ApiKey) -> dict[str, Any]:
    """Everything but the secret, of which nothing is known."""
    from events.values import format_instant

    def instant(ms: int | None) -> str | None:
        return None if ms is None else format_instant(ms)

    return {
        "id": key.id, "label": key.label, "sources": list(key.scope.sources), "types": list(key.scope.types),
        "programmes": list(key.scope.programmes), "per_minute": key.per_minute, "burst": key.burst,
        "created": instant(key.created_ms), "expires": instant(key.expires_ms), "revoked": instant(key.revoked_ms),
    }  # fmt: skip


def _show_new(console: Console, data: dict[str, Any]) -> None:
    console.print(f"id   {data['id']}", soft_wrap=True)
    console.print(f"key  {data['key']}", soft_wrap=True, highlight=False)
    console.print("shown once: only its hash is kept", soft_wrap=True)


def _show_list(console: Console, keys: list[dict[str, Any]]) -> None:
    from console.tables import table

    if not keys:
        console.print("no API keys; phasegate api-keys new makes one")
        return
    columns = ("id", "label", "sources", "types", "programmes", "per_minute", "expires", "revoked")
    rows = [tuple(_cell(key[column]) for column in columns) for key in keys]
    console.print(table(columns, rows))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return " ".join(value) if isinstance(value, list) else str(value)
