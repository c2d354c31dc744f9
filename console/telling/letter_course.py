"""The end of a letter: the path, what did not count, how to object, how it is proved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.telling import writing
from console.telling.letter_parts import Block, Context, code, item, note, paragraph, table
from console.telling.sentences import Words
from events.values import format_instant, parse_duration
from handlers.explanation import Explanation, Noted
from handlers.hearings import OFFICE
from handlers.state import Decision, PhaseState, State
from handlers.windows import is_complete, objections_deadline, objections_window

DAY_MS, HOUR_MS = 86_400_000, 3_600_000


def table_of_course(words: Words, rows: Sequence[Noted]) -> Iterator[Block]:
    """Entry, time and what happened; nothing where there is nothing."""
    if not rows:
        return
    head = (words.say(f"head.{name}") for name in ("entry", "received", "what"))
    yield table(head, [(_places(row), _moment(words, row), words.sentence(row)) for row in rows])


def _places(row: Noted) -> str:
    """The first entry of many: the sentence names the last."""
    return "-" if not row.indexes else str(row.indexes[0])


def _moment(words: Words, row: Noted) -> str:
    return writing.moment(row.received, words.lang) if row.received else ""


def objecting(context: Context, told: Explanation, phase: PhaseState) -> Iterator[Block]:
    """Whether, until when, on which grounds, before whom, and how."""
    words, rules = context.words, phase.rules.objections
    if told.decided is None or told.decided.superseded_by is not None:
        return
    if rules is None:
        yield paragraph(words.say("letter.objection.none"))
        return
    decision = phase.decisions[told.decided.id]
    last_ms = objections_deadline(phase, decision)
    is_over = last_ms is not None and _is_over(context.state, phase, decision, last_ms)
    if last_ms is not None:
        key = "letter.objection.over" if is_over else "letter.objection.until"
        yield paragraph(words.say(key, until=format_instant(last_ms)))
    else:
        yield paragraph(_lasting(words, parse_duration(rules.window)))
    if is_over:
        return
    if rules.grounds:
        yield item(words.say("letter.objection.grounds", grounds=", ".join(rules.grounds)))
    else:
        yield item(words.say("letter.objection.any"))
    yield item(words.say("letter.objection.heard", role=rules.heard_by or OFFICE))
    yield paragraph(words.say("letter.objection.how", decision=told.decided.id))
    grounds = rules.grounds[0] if rules.grounds else "GROUNDS"
    yield code(
        f"phasegate object {told.programme} {told.decided.id} \\",
        f"  --entrant {told.entrant} --grounds {grounds} --text '…' --key FILE",
    )


def _is_over(state: State, phase: PhaseState, decision: Decision, last_ms: int) -> bool:
    """The time is known to have passed: something was received after it, or its window is complete."""
    known_ms = max(state.order_ms.values(), default=0)
    return known_ms > last_ms or is_complete(state, phase.rules.id, objections_window(decision))


def _lasting(words: Words, window_ms: int) -> str:
    if window_ms % DAY_MS == 0:
        return words.say("letter.objection.days", days=str(window_ms // DAY_MS))
    return words.say("letter.objection.hours", hours=str(window_ms // HOUR_MS))


def proving(context: Context, told: Explanation) -> Iterator[Block]:
    """Which entries prove the letter, the files beside it, and how to check them."""
    words, proofs = context.words, context.proofs
    if told.decided is None:
        return
    basis = told.decided.basis
    entries = {name: str(index) for name, index in told.proved.items()} | {"log": str(basis["log"])}
    yield paragraph(words.say("proof.entries", **entries))
    yield paragraph(
        words.say("proof.basis", **{name: str(basis[name]) for name in ("size", "root", "rulebook", "engine")})
    )
    if proofs is None:
        yield paragraph(words.say("proof.no-checkpoint"))
        return
    size, root = str(proofs.checkpoint_size), proofs.checkpoint_root
    yield paragraph(words.say("proof.checkpoint", size=size, root=root, log=proofs.origin))
    yield paragraph(words.say("letter.proof.files", record=proofs.opening))
    yield paragraph(words.say("letter.proof.check"))
    yield code(*proofs.checks)
    yield note(words.headed(words.say("letter.proof.vkey"), proofs.vkey))


def closing(words: Words, told: Explanation) -> Iterator[str]:
    """From what the letter was made."""
    yield words.say("letter.as-of", size=str(told.size))
    yield words.say("letter.made")
