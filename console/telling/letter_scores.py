"""The scores in a letter: the entrant's own in full, and of others what is published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from console.telling import writing
from console.telling.letter_parts import Block, Context, note, table
from events.rulebook import Phase
from events.rulebook_criteria import BranchRule, CriterionRule
from events.values import format_number
from handlers.explanation import Explanation
from handlers.scoring import TOTAL


def scores_table(context: Context, told: Explanation, rules: Phase) -> Block:
    """Every criterion as the rulebook has them, branches before their parts, and the total. Of others the best published
    score with whose it is, and the published mean.
    """
    words, own = context.words, {one.criterion: one.value for one in told.worked}
    extra = [name for name in ("first", "means") if name in context.figures]
    points = dict(points_of(rules.criteria)) | {TOTAL: _whole(rules)}
    rows = []
    for path in [path for path in points if path in own]:
        most = points[path]
        row = ["\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}" * path.count(".") + context.title(path)]
        row.append("" if most is None else writing.number(format_number(most), words.lang))
        row.append(_labelled(context, own[path], told.entrant or "", path))
        row += [_of_others(context, name, path) for name in extra]
        rows.append(tuple(row))
    names = {"first": "head.first", "means": "head.mean"}
    heads = ["head.criterion", "head.points", "head.own", *(names[name] for name in extra)]
    return table(
        (words.say(name) for name in heads),
        rows,
        numeric=tuple(place for place in range(1, len(heads)) if heads[place] != "head.first"),
    )


def points_of(criteria: Iterable[CriterionRule], prefix: str = "") -> Iterator[tuple[str, Fraction | None]]:
    for rule in criteria:
        yield prefix + rule.id, rule.points
        if isinstance(rule, BranchRule):
            yield from points_of(rule.parts, f"{prefix}{rule.id}.")


def _whole(rules: Phase) -> Fraction | None:
    parts = [rule.points for rule in rules.criteria if rule.counts]
    known = [part for part in parts if part is not None]
    return sum(known, Fraction(0)) if len(known) == len(parts) else None


def _labelled(context: Context, value: str | None, whose: str, path: str) -> str:
    return "-" if value is None else context.label(writing.number(value, context.words.lang), whose, path)


def _of_others(context: Context, name: str, path: str) -> str:
    found = context.figures[name].get(path)
    if found is None:
        return ""
    if name == "means":
        return _labelled(context, found, "mean", path)
    whose = ", ".join(context.words.written("entrant", one) for one in found["entrants"])
    return f"{_labelled(context, found['score'], found['entrants'][0], path)} ({whose})"


def published_blocks(context: Context) -> Iterator[Block]:
    """Everybody's outcome, and ranks and totals where they are published; the gaps between first and last."""
    words, figures = context.words, context.figures
    columns = [name for name in ("ranks", "totals", "margins") if name in figures]
    heads = {"ranks": "head.rank", "totals": "head.total", "margins": "head.margin"}
    rows = [
        (
            words.written("entrant", row["entrant"]),
            words.say(f"fate.{row['outcome']}"),
            *(_cell(context, figures[name], row["entrant"]) for name in columns),
        )
        for row in context.figures["outcomes"]
    ]
    names = ["head.entrant", "head.outcome", *(heads[name] for name in columns)]
    yield table((words.say(name) for name in names), rows, numeric=tuple(range(2, len(names))))
    if "gaps" in figures:
        gaps = (f"{context.title(path)} {writing.number(text, words.lang)}" for path, text in figures["gaps"].items())
        yield note(words.say("letter.gaps", gaps="; ".join(gaps)))


def _cell(context: Context, column: Mapping[str, Any], entrant: str) -> str:
    value = column.get(entrant)
    if value is None:
        return "-"
    if isinstance(value, int):
        return str(value)
    return _labelled(context, value, entrant, TOTAL)
