"""Looking: `status`, `decisions`, `log`. Each as it is now, or as it was at an earlier size or time."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result

if TYPE_CHECKING:
    from rich.console import Console


def decisions(options: argparse.Namespace, report: Report) -> Result:
    """Every phase, and once decided its standings with every criterion, outcomes, means, vacancies and basis."""
    from flows.reading import open_reading
    from handlers.views import phases_view

    with open_reading(settings_of(options, report)) as reading:
        programme = reading.head(options.programme).programme
        state = reading.state(programme, options.at)
    titles = {rules.id: rules.title or {} for rules in (state.rulebook.phases if state.rulebook else ())}
    data = {"programme": programme, "size": state.size, "phases": phases_view(state)}
    return Result(data, partial(_show_decisions, data, titles))


def _show_decisions(data: dict[str, Any], titles: dict[str, dict[str, str]], console: Console) -> None:
    from console.commands.showing import show_phase, text_of

    console.print(f"{data['programme']} at {data['size']} entries\n")
    for view in data["phases"]:
        show_phase(console, view, text_of(titles[view["phase"]] or {"en": view["phase"]}))
    if not data["phases"]:
        console.print("no programme is announced in this log")
