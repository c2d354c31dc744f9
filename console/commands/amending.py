"""`amend`: other rules for phases that are not open yet, and what they would have made of the marks that there are."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from console.acts import Act
from console.commands.acting import announced, composed, sent
from console.commands.composing import moment, validated
from console.commands.previewing import show_preview
from console.commands.sending import announceable
from console.options import settings_of
from console.output import Report, Result, Usage

if TYPE_CHECKING:
    from rich.console import Console

    from events.envelope import Envelope
    from events.rulebook import Rulebook
    from handlers.state import State

AMENDED = Act("rulebook.amended", "", ())
WITHOUT_REASON = "not said"
"""Stands for the reason in a dry run, which needs none."""


def amend(options: argparse.Namespace, report: Report) -> Result:
    """Publishes the new rules, and waits until they are recorded; with `--dry-run` shows how they differ and what they
    would do, and writes nothing.
    """
    from events.rulebook import digest
    from flows.reading import open_reading
    from handlers.engines import find_engine

    if options.reason is None and not options.dry_run:
        raise Usage("--reason is not said: why do the rules change?", hint="only --dry-run needs none")
    rulebook, document = announceable(options.rulebook)
    settings = settings_of(options, report)
    with open_reading(settings) as reading:
        state = announced(reading.state(rulebook.programme))
        at_ms = moment(state, options.now, is_needed=not options.dry_run)
        data: dict[str, Any] = {
            "rulebook": dict(document),
            "digest": digest(document),
            "from_phase": options.from_phase,
            "reason": options.reason or WITHOUT_REASON,
            "consents": options.consents or [],
        }
        if options.engine is not None:
            data["engine"] = find_engine(state.engines, options.engine).id
        event = composed(state, AMENDED, validated(AMENDED.type, data), options.source, at_ms, is_dry=options.dry_run)
        if not options.dry_run:
            return sent(settings, reading.ledger, state, event, options, report)
        return _dry_run(state, rulebook, event, at_ms, report)


def _dry_run(state: State, rulebook: Rulebook, event: Envelope, at_ms: int, report: Report) -> Result:
    """That the recorder would refuse it is only warned of: what the rules would do may be asked of phases long over."""
    from handlers.preview import preview, preview_rules
    from handlers.rule_changes import rule_changes

    _, unaccepted = preview(state, [event], at_ms)
    for row in unaccepted:
        report.warn(f"it would be {row['verdict']} as {row['reason']}: {row['detail']}")
    present = rules_in_force(state)
    data = {
        "programme": state.programme,
        "size": state.size,
        "sent": False,
        "from_phase": event.data["from_phase"],
        "rules": [change.data() for change in rule_changes(present, event.data["rulebook"])],
        "phases": [phase.data() for phase in preview_rules(state, rulebook)],
        "unaccepted": unaccepted,
    }
    return Result(data, partial(_show, data))


def rules_in_force(state: State) -> Mapping[str, Any]:
    """The rulebook's document, as it was announced or last amended."""
    last = state.amended[-1] if state.amended else state.announced
    document: Mapping[str, Any] = {} if last is None else last.data["rulebook"]
    return document


def _show(data: Mapping[str, Any], console: Console) -> None:
    console.print(f"{data['programme']}: {len(data['rules'])} rules differ")
    for row in data["rules"]:
        console.print(f"  {row['path']}: {_text(row['before'])} -> {_text(row['after'])}", soft_wrap=True)
    console.print("")
    for phase in data["phases"]:
        show_preview(phase, console)
    if not data["phases"]:
        console.print("no phase has marks yet that the new rules could be tried on")
    console.print("nothing was sent")


def _text(value: object) -> str:
    import json

    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
