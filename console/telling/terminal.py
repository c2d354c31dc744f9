"""An explanation in a terminal: why, the arithmetic, the path, what did not count, how to prove it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from console.telling import writing
from console.telling.calculations import rows
from console.telling.sentences import Words
from handlers.explanation import Explanation, Noted, Standing

if TYPE_CHECKING:
    from rich.console import Console


def show(console: Console, words: Words, told: Explanation) -> None:
    """The whole of it, a heading for each part that has something."""
    for heading, lines in _parts(words, told):
        if not (kept := list(lines)):
            continue
        console.print(f"{heading}", style="bold")
        for line in kept:
            console.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)
        console.print("")


def _parts(words: Words, told: Explanation) -> Iterator[tuple[str, Iterable[str]]]:
    own = told.standing
    yield words.say("head.decision"), (words.sentence(point) for point in told.points)
    yield words.say("head.owed"), (words.sentence(point) for point in told.owed)
    if own is not None:
        yield words.say("head.why"), (words.sentence(point) for point in own.points)
    else:
        yield words.say("head.standings"), (line for row in told.standings for line in _standing(words, row))
    yield words.say("head.arithmetic"), _arithmetic(words, told)
    yield words.say("head.fragility"), (words.sentence(point) for point in told.fragility)
    yield words.say("head.course"), (_noted(words, row) for row in told.course)
    yield words.say("head.left-out"), (_noted(words, row) for row in told.left_out)
    yield words.say("head.proof"), proof_lines(words, told)


def _standing(words: Words, row: Standing) -> Iterator[str]:
    yield " ".join(words.sentence(point) for point in row.points)


def _arithmetic(words: Words, told: Explanation) -> Iterator[str]:
    for one in told.worked:
        value = "-" if one.value is None else writing.number(one.value, words.lang)
        yield f"{words.criterion(one.criterion)} ({one.criterion}): {value}"
        yield from (f"    {row.text}  · {row.what}" for row in rows(words, one))


def _noted(words: Words, row: Noted) -> str:
    place = ", ".join(map(str, row.indexes[:3])) + ("…" if len(row.indexes) > 3 else "")
    return f"[{place or '-'}] {row.received}  {words.sentence(row)}"


def proof_lines(words: Words, told: Explanation) -> Iterator[str]:
    """Which entries prove it, from what the decision was computed, and the commands that show it."""
    if told.decided is None:
        return
    basis = told.decided.basis
    entries = {name: str(index) for name, index in told.proved.items()} | {"log": str(basis["log"])}
    yield words.say("proof.entries" if "assessment" in entries else "proof.decision", **entries)
    facts = {name: str(basis[name]) for name in ("size", "root", "rulebook", "engine")}
    yield words.say("proof.basis", **facts)
    for index in told.proved.values():
        yield words.say("proof.prove", command=f"phasegate prove {told.programme} {index}")
    yield words.say("proof.replay", command=f"phasegate replay {told.programme}")
