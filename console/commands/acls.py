"""`acls check` and `acls apply`: the cluster's rules of access against the one declaration (infra.kafka.access)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result

if TYPE_CHECKING:
    from rich.console import Console

    from infra.kafka.access import Rule
    from infra.kafka.acls import Compared

ATTENTION = 10
SIGNS = {"missing": "+", "surplus": "-", "beyond": "!"}
MEANS = {
    "missing": "declared, and not there",
    "surplus": "there, and not declared",
    "beyond": "for more than ours; never touched",
}


def run(options: argparse.Namespace, report: Report) -> Result:
    """`options.action` is check or apply."""
    from flows.wiring import cluster_of
    from infra.kafka.access import principals_of
    from infra.kafka.acls import apply, compare

    settings = settings_of(options, report)
    held = principals_of(settings.prefix, options.principal or settings.kafka_principals)
    is_done = options.action == "apply" and not options.dry_run
    with cluster_of(settings).administering() as admin:
        found = compare(admin, settings.prefix, held)
        if is_done:
            report.say(f"bringing the rules for {settings.prefix}.* to the declaration")
            apply(admin, found, prune=options.prune)
    data = _data(found, held, is_done=is_done, is_pruned=is_done and options.prune)
    render = partial(_show, found, data)
    if options.action == "check" and (found.missing or found.surplus):
        problem = f"{len(found.missing)} rules are missing, {len(found.surplus)} are not declared"
        return Result(
            data, render, ATTENTION, problem, "phasegate acls apply; with --prune it takes away what is not declared"
        )
    return Result(data, render)


def _data(found: Compared, held: Mapping[str, Sequence[str]], *, is_done: bool, is_pruned: bool) -> dict[str, Any]:
    parts = {"missing": found.missing, "surplus": found.surplus, "beyond": found.beyond}
    return {
        "principals": {role: list(names) for role, names in held.items()},
        "declared": found.declared,
        **{name: [_row(rule) for rule in rules] for name, rules in parts.items()},
        "added": len(found.missing) if is_done else 0,
        "removed": len(found.surplus) if is_pruned else 0,
    }


def _row(rule: Rule) -> dict[str, str]:
    return {
        "permission": rule.permission,
        "principal": rule.principal,
        "operation": rule.operation,
        "resource": rule.resource,
        "name": rule.name,
        "pattern": rule.pattern,
        "host": rule.host,
    }


def _show(found: Compared, data: Mapping[str, Any], console: Console) -> None:
    from console.tables import table

    rows = [
        (SIGNS[part], row["permission"], row["principal"], row["operation"], _place(row), row["host"], MEANS[part])
        for part in SIGNS
        for row in data[part]
    ]
    if rows:
        console.print(table(("", "rule", "principal", "may", "on", "from", ""), rows))
    if not found.missing and not found.surplus:
        console.print(f"all {found.declared} rules are there, and no others on what is ours alone")
    elif data["added"] or data["removed"]:
        console.print(f"{data['added']} rules added, {data['removed']} taken away")
    else:
        console.print(
            f"{len(found.missing)} rules to add, {len(found.surplus)} that --prune would take away; nothing changed"
        )


def _place(row: Mapping[str, str]) -> str:
    return f"{row['resource'].lower()} {row['name']}{'*' if row['pattern'] == 'PREFIXED' else ''}"
