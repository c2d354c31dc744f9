"""How phases, standings and outcomes are shown to people; `run`, `demo` and `decisions` share it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from console.tables import table

if TYPE_CHECKING:
    from rich.console import Console

    from flows.scenario import Scenario


def show_run(console: Console, scenario: Scenario, data: Mapping[str, Any]) -> None:
    """Everything that came of a run, phase by phase, and how it compares with what was expected."""
    console.print(f"\n{text_of(scenario.about.title)}\n")
    for view in data["phases"]:
        title = scenario.rulebook.phase(view["phase"]).title
        show_phase(console, view, text_of(title or {"en": view["phase"]}))
    if data["expected"]:
        said = "all as expected" if not data["unexpected"] else f"{len(data['unexpected'])} NOT as expected"
        console.print(f"Figures: {data['expected']} compared with scenario.yaml, {said}")
    for line in data["unexpected"]:
        console.print(f"  {line}")
    parts = ", ".join(f"{name} {spent:.1f}" for name, spent in data["seconds"].items() if name != "total")
    console.print(f"Log:     {data['size']} entries. Time: {data['seconds']['total']:.1f} s ({parts})\n")


def text_of(texts: Mapping[str, str]) -> str:
    """The English text, else the first there is."""
    return texts.get("en") or next(iter(texts.values()))


def show_phase(console: Console, view: Mapping[str, Any], title: str) -> None:
    """One phase: its state, and once decided its standings with every criterion."""
    console.print(f"{title} ({view['phase']}): {view['status']}")
    for row in view.get("missing", ()):
        console.print(f"  missing: {row['code']}, owed by {row['who']}: {row['what']}")
    if not view["standings"]:
        console.print("")
        return
    criteria = list(view["means"])
    criteria = [path for path in criteria if path != "total"]
    fates = {row["entrant"]: row for row in view["outcomes"]}
    rows = [
        [
            "-" if row["rank"] is None else str(row["rank"]),
            row["entrant"],
            *(row["scores"].get(path, "-") for path in criteria),
            row["total"] or "-",
            fate(fates.get(row["entrant"], {})),
        ]
        for row in view["standings"]
    ]
    rows.append(["", "mean", *(view["means"][path] for path in criteria), view["means"].get("total", "-"), ""])
    heads = ["rank", "entrant", *(path.rpartition(".")[2] for path in criteria), "total", "outcome and reasons"]
    console.print(table(heads, rows))
    advanced = sum(row["outcome"] == "advanced" for row in view["outcomes"])
    signed = f"signed by {', '.join(view['signed'])}" if view["signed"] else "not signed"
    vacancies = f"{view['vacancies']} vacant" if view["vacancies"] else "no vacancy"
    console.print(f"  {advanced} advance, {vacancies}; {signed}; {'final' if view['final'] else 'provisional'}")
    basis = view["basis"]
    console.print(
        f"  decided from {basis['log']} at size {basis['size']}, root {basis['root'][:16]}…, engine {basis['engine']}\n"
    )


def fate(outcome: Mapping[str, Any]) -> str:
    """What became of an entrant, with the codes of why."""
    if not outcome:
        return "-"
    codes = ", ".join(
        " ".join(filter(None, (r["code"], r.get("gate") or r.get("criterion")))) for r in outcome["reasons"]
    )
    return f"{outcome['outcome']}: {codes}"
