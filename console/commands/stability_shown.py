"""How `robustness` shows what it found: a table for each question, and in words where nothing would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Data = Mapping[str, Any]
Rows = Sequence[tuple[str, ...]]


def show(data: Data, console: Console) -> None:
    """Everything, one question after the other."""
    console.print(f"{data['programme']} {data['phase']} ({data['status']}), computed from {data['size']} entries\n")
    rows = [(r["entrant"], _word(r["rank"]), _word(r["total"]), r["outcome"]) for r in data["standings"]]
    _table(console, "as decided", ("entrant", "rank", "total", "outcome"), rows)
    _margins(console, data["margins"])
    for kind in ("evaluator", "item", "criterion"):
        _left_out(console, kind, [row for row in data["leave_one_out"] if row["kind"] == kind])
    _variants(console, "other roundings", data["roundings"])
    _variants(console, "plain or trimmed means", data["reductions"])
    _weights(console, data["weights"])
    _flips(console, data)
    _bootstrap(console, data["bootstrap"])
    _agreement(console, data["agreement"])


def _table(console: Console, title: str, heads: Sequence[str], rows: Rows) -> None:
    from console.tables import table

    console.print(title, soft_wrap=True)
    console.print(table(heads, rows))
    console.print("")


def _margins(console: Console, found: Data) -> None:
    if found["last_in"] is None or found["first_out"] is None:
        console.print("at the cut: nobody stands on the other side")
    else:
        console.print(f"at the cut: {found['last_in']} is {found['margin']} ahead of {found['first_out']}")
    for reason in found["broken_by"]:
        console.print(f"  the tie was broken by {reason['criterion']}: {_pair(reason)}")
    if found["tied"]:
        console.print(f"  tied across the cut: {', '.join(found['tied'])}")
    for row in found["floors"]:
        console.print(
            f"  {row['entrant']}: {row['criterion']} {row['observed']}, floor {row['required']}: {row['margin']}"
        )
    console.print("")


def _pair(reason: Data) -> str:
    return f"{reason.get('observed', '-')} against {reason.get('required', '-')}"


def _changes(row: Data) -> list[str]:
    """`LG: advanced -> eliminated`; ranks of whoever keeps its outcome."""
    told = [f"{name}: {both['before']} -> {both['after']}" for name, both in row["outcomes"].items()]
    ranks = [(name, both) for name, both in row["ranks"].items() if name not in row["outcomes"]]
    return told + [f"{name}: rank {_word(both['before'])} -> {_word(both['after'])}" for name, both in ranks]


def _left_out(console: Console, kind: str, rows: Sequence[Data]) -> None:
    """Only what makes a difference gets a line."""
    possible = [row for row in rows if "not_possible" not in row]
    differing: Rows = [(row["what"], "; ".join(_changes(row))) for row in possible if _changes(row)]
    flips = sum(1 for row in possible if row["outcomes"])
    title = f"without one {kind}: {len(possible)} tried, {flips} change an outcome"
    if differing:
        _table(console, title, ("without", "changes"), differing)
    else:
        console.print(f"{title}, ranks neither\n")
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if "not_possible" in row:
            reasons.setdefault(row["not_possible"], []).append(row["what"])
    for why, names in reasons.items():
        console.print(f"  not without {', '.join(names)}: {why}")
    if reasons:
        console.print("")


def _variants(console: Console, title: str, rows: Sequence[Data]) -> None:
    told: list[tuple[str, ...]] = []
    for row in rows:
        figures = [
            f"{f['entrant'] or 'mean'} {f['criterion']} {f['published']} -> {f['instead']}" for f in row["figures"]
        ]
        told.append((row["what"], "; ".join(_changes(row)) or "none", str(len(figures)), "; ".join(figures[:4])))
    if told:
        _table(console, title, ("with", "ranks and outcomes", "figures", "such as"), told)


def _weights(console: Console, rows: Sequence[Data]) -> None:
    if not rows:
        console.print("weights: the rules do not say what every criterion weighs\n")
        return
    told = [line for row in rows for line in _weight(row)]
    heads = ("criterion", "weighs", "by", "from", "to", "outcomes")
    _table(console, "other weights, the others in proportion", heads, told)


def _weight(row: Data) -> Iterator[tuple[str, ...]]:
    own = (row["criterion"], f"{row['weight']} of {row['of']}", row["reading"])
    yield (*own, *_ends(row["stays"]), "as decided")
    for span in row["changes"]:
        outcomes = "; ".join(f"{name} {fate}" for name, fate in span["outcomes"].items())
        yield ("", "", "", *_ends(span), outcomes)


def _ends(span: Data) -> tuple[str, str]:
    low, high = span["from"], span["to"]
    return (
        f"{'' if low['included'] else 'above '}{low['about']}",
        f"{'' if high['included'] else 'below '}{high['about']}",
    )


def _flips(console: Console, data: Data) -> None:
    found = data["smallest_by_entrant"]
    told: list[tuple[str, ...]] = []
    for name, row in sorted(found.items(), key=lambda pair: _size(pair[1])):
        mark = "/".join(row["mark"].values())
        told.append(
            (name, f"{row['before']} -> {row['after']}", mark, f"{row['value']} -> {row['instead']}", row["change"])
        )
    if told:
        _table(console, "the smallest change of one mark", ("entrant", "outcome", "mark", "value", "by"), told)
    keeps = [row["entrant"] for row in data["standings"] if row["entrant"] not in found]
    if keeps:
        console.print(f"no change of one mark gives another outcome to {', '.join(keeps)}\n")


def _size(row: Data) -> Any:
    from events.values import parse_exact

    return abs(parse_exact(row["change"]))


def _bootstrap(console: Console, found: Data) -> None:
    panels = ", ".join(found["panels"]) or "none"
    title = f"panels drawn anew ({panels}), {found['resamples']} times, seed {found['seed']}"
    rows = [(name, str(r["advances"]), str(r["open"]), r["about"]) for name, r in found["entrants"].items()]
    _table(console, title, ("entrant", "advances", "open", "share"), rows)


def _agreement(console: Console, rows: Sequence[Data]) -> None:
    told = [
        (row["criterion"], row["item"] or "", str(row["evaluators"]), str(row["units"]), row["about"] or "-")
        for row in rows
    ]
    heads = ("criterion", "item", "evaluators", "units", "alpha")
    _table(console, "agreement (Krippendorff's alpha, interval)", heads, told)


def _word(value: object) -> str:
    return "-" if value is None else str(value)
