"""All marks of an entrant, set so that they can be found again: a grid, or by mark where there are many evaluators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.telling import writing
from console.telling.letter_parts import Block, paragraph, subheading, table
from console.telling.sentences import Words, capitalised
from events.values import parse_exact
from handlers.explanation import Given, Worked

COLUMNS = 6
"""With more items than this a grid is too wide for a page; each mark then has a row of its own."""
CROWD = 15
"""From this many evaluators on one item they are listed by the mark that they gave."""


def marks_blocks(words: Words, worked: Sequence[Worked]) -> Iterator[Block]:
    """A table for each criterion that receives marks."""
    yield paragraph(words.say("letter.own-marks"))
    for one in worked:
        if not one.marks:
            continue
        yield subheading(capitalised(words.criterion(one.criterion)))
        items = list(dict.fromkeys(row.item for row in one.marks))
        judges = list(dict.fromkeys(row.evaluator for row in one.marks))
        if len(items) == 1 and len(judges) >= CROWD:
            yield _by_mark(words, one.marks)
        elif 1 < len(items) <= COLUMNS and len(judges) > 1 and not any(row.reference for row in one.marks):
            yield _grid(words, one.marks, items, judges)
        else:
            yield _listed(words, one.marks)


def _by_mark(words: Words, marks: Sequence[Given]) -> Block:
    found: dict[str, list[str]] = {}
    for row in marks:
        found.setdefault(row.value, []).append(row.evaluator)
    rows = [
        (writing.number(value, words.lang), str(len(who)), ", ".join(who))
        for value, who in sorted(found.items(), key=lambda pair: parse_exact(pair[0]), reverse=True)
    ]
    return table((words.say(f"head.{name}") for name in ("mark", "count", "evaluator")), rows, numeric=(0, 1))


def _grid(words: Words, marks: Sequence[Given], items: Sequence[str], judges: Sequence[str]) -> Block:
    given = {(row.item, row.evaluator): writing.number(row.value, words.lang) for row in marks}
    rows = [(who, *(given.get((name, who), "-") for name in items)) for who in judges]
    return table((words.say("head.evaluator"), *items), rows, numeric=tuple(range(1, len(items) + 1)))


def _listed(words: Words, marks: Sequence[Given]) -> Block:
    has_reference = any(row.reference for row in marks)
    names = ["item", "evaluator", "mark", *(["reference"] if has_reference else [])]
    rows = [
        (
            *(row.item, row.evaluator, writing.number(row.value, words.lang)),
            *([writing.number(row.reference or "-", words.lang)] if has_reference else []),
        )
        for row in marks
    ]
    return table((words.say(f"head.{name}") for name in names), rows, numeric=(2, 3))
