"""How the answer of `what-if` is told to people: what is different, phase by phase, and which events do not apply there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from console.commands.showing import why
from console.tables import table

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]

INDEXES_AT_MOST = 4


def show(data: Row, console: Console) -> None:
    """The levers, every phase that comes out differently, and the events that fare otherwise."""
    console.print(f"{data['programme']} at {data['size']} entries, run again to {data['until']}; nothing is written")
    for line in levers(data["levers"]):
        console.print(f"  what if: {line}", soft_wrap=True)
    console.print("")
    for row in data["changes"]:
        _show_phase(row, console)
    changed = [row["phase"] for row in data["changes"]]
    same = [view["phase"] for view in data["phases"] if view["phase"] not in changed]
    if same:
        console.print(f"not different: {', '.join(same)}", soft_wrap=True)
    for line in _finalists(data["finalists"]):
        console.print(line, soft_wrap=True)
    _show_events(data["events"], console)


def levers(written: Row) -> Iterator[str]:
    """Each lever on a line, as it is written in a file."""
    rows = [(name, value) for name, value in written.items() if name != "schema"]
    if not rows:
        yield "nothing is changed"
    for name, value in rows:
        match value:
            case dict():
                yield from (f"{name} {key}={part}" for key, part in value.items())
            case list():
                yield from (f"{name} {part}" for part in value)
            case True:
                yield name
            case _:
                yield f"{name} {value}"


def _show_phase(row: Row, console: Console) -> None:
    is_reached = not row["entrants"] or any(one["after"] is not None for one in row["entrants"])
    console.print(f"{row['phase']}: {_status(row) if is_reached else _stands(row)}", soft_wrap=True)
    if row["entrants"] and is_reached:
        heads = ("entrant", "rank", "total", "outcome", "why")
        console.print(table(heads, map(_entrant, row["entrants"])))
    for line in (*(_scores(row) if is_reached else ()), *_whole(row), *_awaits(row)):
        console.print(f"  {line}", soft_wrap=True)
    console.print("")


def _status(row: Row) -> str:
    """In words: who advances and did not, who does not any more, and where the phase stands instead."""
    gained = [one["entrant"] for one in row["entrants"] if _advances(one["after"]) and not _advances(one["before"])]
    lost = [one["entrant"] for one in row["entrants"] if _advances(one["before"]) and not _advances(one["after"])]
    said = [f"{_names(gained)} advance{'s' if len(gained) == 1 else ''}"] if gained else []
    said += [f"{_names(lost)} advance{'s' if len(lost) == 1 else ''} no longer"] if lost else []
    said += [_stands(row)] if "status" in row else []
    return "; ".join(said) or "the same advance"


def _stands(row: Row) -> str:
    before, after = (row["status"][name] or "not in the rules" for name in ("before", "after"))
    return f"{after} instead of {before}"


def _advances(row: Row | None) -> bool:
    return row is not None and row["outcome"] == "advanced"


def _entrant(row: Row) -> list[str]:
    before, after = row["before"], row["after"]
    cells = [_arrow(_of(before, name), _of(after, name)) for name in ("rank", "total", "outcome")]
    return [row["entrant"], *cells, why(after) if after is not None else ""]


def _of(row: Row | None, name: str) -> str:
    if row is None:
        return "not there" if name == "outcome" else "-"
    return "-" if row[name] is None else str(row[name])


def _arrow(before: str, after: str) -> str:
    return after if before == after else f"{before} -> {after}"


def _scores(row: Row) -> Iterator[str]:
    """Scores and means that are different, one line for each entrant."""
    for one in row["entrants"]:
        if one["scores"]:
            yield f"{one['entrant']}: {_figures(one['scores'])}"
    if row["means"]:
        yield f"means: {_figures(row['means'])}"


def _figures(rows: Row) -> str:
    return ", ".join(f"{path} {_arrow(_text(pair['before']), _text(pair['after']))}" for path, pair in rows.items())


def _text(value: object) -> str:
    return "-" if value is None else str(value)


def _whole(row: Row) -> Iterator[str]:
    if "vacancies" in row:
        yield f"vacant places: {row['vacancies']['before']} -> {row['vacancies']['after']}"
    for name, what in (("selected", "the call selects"), ("awarded", "awarded to")):
        if name in row:
            yield f"{what} {_names(row[name]['after'])} instead of {_names(row[name]['before'])}"
    if "rounds" in row:
        before, after = (", ".join(row["rounds"][name]) or "nothing" for name in ("before", "after"))
        yield f"computed anew because of {after}; on record because of {before}"


def _names(names: Sequence[str] | None) -> str:
    return ", ".join(names or ()) or "nobody"


def _awaits(row: Row) -> Iterator[str]:
    """Signatures one by one; what is missing by its code, with some of those who owe it."""
    owed: dict[str, list[Row]] = {}
    for one in row["awaits"]:
        if one["code"] == "unsigned":
            yield f"waits for {one['who']}, who has not signed {one['what']} (--sign supposes it)"
        else:
            owed.setdefault(one["code"], []).append(one)
    for code, rows in owed.items():
        who = list(dict.fromkeys(one["who"] for one in rows))
        more = f" and {len(who) - INDEXES_AT_MOST} more" if len(who) > INDEXES_AT_MOST else ""
        first = rows[0]["what"] + (f", and {len(rows) - 1} more" if len(rows) > 1 else "")
        yield f"missing: {code}, owed by {', '.join(who[:INDEXES_AT_MOST])}{more}: {first}"


def _finalists(row: Row) -> Iterator[str]:
    if row["before"] != row["after"]:
        before, after = ("not concluded" if names is None else _names(names) for names in (row["before"], row["after"]))
        yield f"finalists: {after} instead of {before}"


_TITLES = {
    "left_out": "left out by a lever",
    "added": "added",
    "no_longer": "on record, and not accepted here",
    "now": "accepted here, and not on record",
}


def _show_events(events: Mapping[str, Sequence[Row]], console: Console) -> None:
    for name, title in _TITLES.items():
        if rows := events[name]:
            console.print(f"\n{len(rows)} events {title}:")
            console.print(table(("entries", "type", "verdict", "why, of the first"), _grouped(rows)))


def _grouped(rows: Sequence[Row]) -> Iterator[list[str]]:
    """Events of one type that fare alike, together; --json lists each."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        said = " ".join(filter(None, (row["verdict"], row["reason"])))
        found.setdefault((row["type"] or "-", said), []).append(row)
    for (name, said), same in found.items():
        yield [_indexes(same), name, said, same[0]["detail"] or same[0]["about"]]


def _indexes(rows: Sequence[Row]) -> str:
    shown = [str(row["index"]) if row["index"] is not None else str(row["id"]) for row in rows[:INDEXES_AT_MOST]]
    rest = len(rows) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
