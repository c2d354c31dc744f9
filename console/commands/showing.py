"""How phases, standings and outcomes are shown to people; `run`, `demo` and `decisions` share it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from console.tables import table

if TYPE_CHECKING:
    from rich.console import Console

    from flows.scenario import Scenario


RECONSTRUCTED = (
    "* reconstructed, never published: drawn so that the published figures come out exactly (see scenario.yaml)"
)

Figures = Container[tuple[str, str]]
"""Published figures: (entrant, criterion), or (`mean`, criterion)."""


def show_run(console: Console, scenario: Scenario, data: Mapping[str, Any]) -> None:
    """Everything that came of a run, phase by phase, and how it compares with what was expected."""
    console.print(f"\n{text_of(scenario.about.title)}\n")
    published = published_figures(scenario.about.published) if scenario.about.reconstructed else None
    for view in data["phases"]:
        title = scenario.rulebook.phase(view["phase"]).title
        show_phase(console, view, text_of(title or {"en": view["phase"]}), published)
    if published is not None:
        console.print(RECONSTRUCTED)
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


def published_figures(rows: Iterable[Mapping[str, str]] | None) -> Figures:
    """Which figures a scenario says were published."""
    return {(row.get("entrant", "mean"), row.get("criterion") or row.get("mean", "")) for row in rows or ()}


def show_phase(console: Console, view: Mapping[str, Any], title: str, published: Figures | None = None) -> None:
    """One phase: its state, and once decided its standings with every criterion. Where it is known which figures were
    published, every other one is marked as reconstructed.
    """
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
            *(_marked(row["scores"].get(path, "-"), row["entrant"], path, published) for path in criteria),
            _marked(row["total"] or "-", row["entrant"], "total", published),
            fate(fates.get(row["entrant"], {})),
        ]
        for row in view["standings"]
    ]
    means = (_marked(view["means"].get(path, "-"), "mean", path, published) for path in (*criteria, "total"))
    rows.append(["", "mean", *means, ""])
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


def _marked(value: str, whose: str, path: str, published: Figures | None) -> str:
    return value if published is None or (whose, path) in published or value == "-" else f"{value}*"


def fate(outcome: Mapping[str, Any]) -> str:
    """What became of an entrant, with the codes of why."""
    if not outcome:
        return "-"
    codes = ", ".join(
        " ".join(filter(None, (r["code"], r.get("gate") or r.get("criterion")))) for r in outcome["reasons"]
    )
    return f"{outcome['outcome']}: {codes}"
