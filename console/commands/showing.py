"""How phases, standings and outcomes are shown to people; `run`, `demo` and `decisions` share it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from console.commands.course import difference
from console.tables import table

if TYPE_CHECKING:
    from rich.console import Console

    from flows.comparison import Compared
    from flows.scenario import Scenario

RECONSTRUCTED = (
    "* reconstructed, never published: drawn so that the published figures come out exactly (see scenario.yaml)"
)
PROJECTED = "~ projection: lies ahead of the record, and foretells nothing (see scenario.yaml)"

Figures = Container[tuple[str, str]]
"""Published figures: (entrant, criterion), or (`mean`, criterion)."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How the figures of a phase are marked: those that are not `known` get the mark. None: nothing is known of it."""

    known: Figures | None = None
    mark: str = "*"

    def __call__(self, value: str | None, whose: str, path: str) -> str:
        if value is None:
            return "-"
        return value if self.known is None or (whose, path) in self.known else f"{value}{self.mark}"


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the figures of a scenario come from: which are published, and which phases are a projection."""

    published: Sequence[Compared] = ()
    is_reconstructed: bool = False
    projected: Container[str] = field(default_factory=frozenset)

    def labels(self, phase: str) -> Labels:
        """How to mark the figures of a phase."""
        if phase in self.projected:
            return Labels(frozenset(), "~")
        known = frozenset((row.whose, row.criterion) for row in self.published if row.phase == phase)
        return Labels(known if self.is_reconstructed else None)


def show_run(console: Console, scenario: Scenario, data: Mapping[str, Any]) -> None:
    """Everything that came of a run, phase by phase, and how it compares with what was published and expected."""
    from flows.comparison import compared

    about = scenario.about
    projected = frozenset(row.phase for row in about.projected)
    origins = Origins(compared(about.published, data["phases"]), bool(about.reconstructed), projected)
    console.print(f"\n{text_of(about.title)}\n")
    for view in data["phases"]:
        title = scenario.rulebook.phase(view["phase"]).title
        if view["phase"] in projected:
            console.print("--- PROJECTION: what follows is not on record ---\n")
        show_phase(console, view, text_of(title or {"en": view["phase"]}), origins.labels(view["phase"]))
        _show_published(console, [row for row in origins.published if row.phase == view["phase"]])
    if data["finalists"] is not None:
        console.print(f"The programme is concluded: {', '.join(data['finalists'])}{' ~' if projected else ''}\n")
    if origins.is_reconstructed:
        console.print(RECONSTRUCTED)
    if projected:
        console.print(PROJECTED)
    _show_end(console, data)


def _show_end(console: Console, data: Mapping[str, Any]) -> None:
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


NO_LABELS = Labels()


def show_phase(console: Console, view: Mapping[str, Any], title: str, labels: Labels = NO_LABELS) -> None:
    """One phase: its state, and once decided its standings with every criterion, marked by where they come from."""
    console.print(f"{title} ({view['phase']}): {view['status']}")
    for row in view.get("missing", ()):
        console.print(f"  missing: {row['code']}, owed by {row['who']}: {row['what']}")
    if view["standings"]:
        console.print(_standings(view, labels))
        console.print(table(["outcome", "entrants", "why"], _fates(view), is_dense=True))
        for line in _course(view):
            console.print(indented(line))
    console.print("")


def indented(line: str) -> Any:
    """A line that stays indented where it is folded."""
    from rich.padding import Padding
    from rich.text import Text

    return Padding(Text(line), (0, 0, 0, 2), expand=False)


def _standings(view: Mapping[str, Any], labels: Labels) -> Any:
    criteria = [path for path in view["means"] if path != "total"]
    rows = [
        [
            "-" if row["rank"] is None else str(row["rank"]),
            row["entrant"],
            *(labels(row["scores"].get(path), row["entrant"], path) for path in criteria),
            labels(row["total"], row["entrant"], "total"),
        ]
        for row in view["standings"]
    ]
    rows.append(["", "mean", *(labels(view["means"].get(path), "mean", path) for path in (*criteria, "total"))])
    return table(["rank", "entrant", *map(short, criteria), "total"], rows, is_dense=True)


def short(path: str) -> str:
    """The last part of a criterion's path."""
    return path.rpartition(".")[2]


def _fates(view: Mapping[str, Any]) -> list[list[str]]:
    """Who met with the same fate for the same reasons, together; those who advance first."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in view["outcomes"]:
        found.setdefault((row["outcome"], why(row)), []).append(row["entrant"])
    return [[outcome, ", ".join(names), reasons] for (outcome, reasons), names in sorted(found.items())]


def why(outcome: Mapping[str, Any]) -> str:
    """The codes of an outcome's reasons, with what they are about."""
    parts = (" ".join(filter(None, (r["code"], r.get("gate") or r.get("criterion")))) for r in outcome["reasons"])
    return ", ".join(parts)


def _course(view: Mapping[str, Any]) -> Iterator[str]:
    """What followed from the decision, a line each."""
    advanced = sum(row["outcome"] == "advanced" for row in view["outcomes"])
    signed = f"signed by {', '.join(view['signed'])}" if view["signed"] else "not signed"
    vacancies = f"{view['vacancies']} vacant" if view["vacancies"] else "no vacancy"
    yield f"{advanced} advance, {vacancies}; {signed}; {'final' if view['final'] else 'provisional'}"
    for row in view.get("changes", ()):
        changed = "; ".join(difference(one) for one in row["entrants"]) or "nothing else came out"
        yield f"supersedes an earlier decision: {changed}"
    for outcome, count in _counted(row["outcome"] for row in view["objections"]):
        yield f"objections {outcome}: {count}"
    if view["published"]:
        yield f"published: {', '.join(view['published'])}"
    if call := view.get("call"):
        selected = "not decided" if call["selected"] is None else ", ".join(call["selected"]) or "nobody"
        applied = ", ".join(call["applicants"]) or "nobody"
        yield f"call for {call['places']} place of {call['fills']}: applied {applied}; selected {selected}"
    yield from _awards(view.get("awards", ()))
    basis = view["basis"]
    yield f"decided from {basis['log']} at size {basis['size']}, root {basis['root'][:16]}…, engine {basis['engine']}"


def _counted(names: Iterable[str]) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return sorted(found.items())


def _awards(awards: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Who received the same, together."""
    found: dict[str, list[str]] = {}
    for row in awards:
        parts = [f"{part['kind']} {part['quantity']} ({part['unit']})" for part in row["resources"]]
        found.setdefault(", ".join([*parts, *filter(None, [row.get("title")])]), []).append(row["entrant"])
    for what, names in found.items():
        yield f"awarded to {', '.join(names)}: {what}"


def _show_published(console: Console, figures: Sequence[Compared]) -> None:
    """The published figures of a phase beside the computed ones, by criterion."""
    if not figures:
        return
    by_criterion: dict[str, list[Compared]] = {}
    for row in figures:
        by_criterion.setdefault(row.criterion, []).append(row)
    rows = [
        [
            short(criterion),
            "; ".join(f"{row.whose} {row.published}" for row in found),
            "; ".join(f"{row.computed or '-'}{'' if row.is_same else ' DIFFERS'}" for row in found),
        ]
        for criterion, found in by_criterion.items()
    ]
    same = sum(row.is_same for row in figures)
    console.print(table(["criterion", "published", "computed"], rows, is_dense=True))
    console.print(f"  {same} of {len(figures)} published figures come out\n")
