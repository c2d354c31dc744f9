"""The letter of decision to one entrant: what is said, in which order, as blocks that a template prints.

Everything of the entrant's own is in it; of others nothing but the outcomes, which are public, and the figures that were
published up to the moment that is asked about (docs/decisions/0030).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from console.telling import writing
from console.telling.calculations import rows
from console.telling.letter_course import closing, objecting, proving, table_of_course
from console.telling.letter_marks import marks_blocks
from console.telling.letter_parts import Block, Context, Section, item, note, paragraph, subheading
from console.telling.letter_scores import published_blocks, scores_table
from events.rulebook import Phase
from events.values import format_instant
from handlers.explanation import Explanation, Point
from handlers.state import PhaseState


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter, in one language. `facts` are the lines of its head; `notices` what a reader must know of its figures."""

    lang: writing.Language
    title: str
    subject: str
    facts: tuple[tuple[str, str], ...]
    notices: tuple[str, ...]
    sections: tuple[Section, ...]
    ending: tuple[str, ...]


def write(context: Context, told: Explanation, phase: PhaseState) -> Letter:
    """The letter to the entrant that is explained."""
    words, entrant = context.words, told.entrant or ""
    sections = [_decision(context, told, phase), _why(context, told)]
    if told.worked:
        sections += [
            Section(words.say("head.scores"), tuple(_scores(context, told, phase.rules))),
            Section(words.say("head.arithmetic"), tuple(_arithmetic(context, told))),
            Section(words.say("head.marks"), tuple(marks_blocks(words, told.worked))),
        ]
    sections += [
        Section(words.say("head.published"), tuple(published_blocks(context))) if told.decided else Section("", ()),
        Section(words.say("head.left-out"), tuple(table_of_course(words, told.left_out))),
        Section(words.say("head.course"), tuple(table_of_course(words, told.course))),
        Section(words.say("head.objection"), tuple(objecting(context, told, phase))),
        Section(words.say("head.proof"), tuple(proving(context, told))),
    ]
    return Letter(
        words.lang,
        words.say("letter.title"),
        words.say("letter.subject", phase=told.phase, entrant=entrant),
        tuple(_head(context, told)),
        context.notices,
        tuple(section for section in sections if section.blocks),
        tuple(closing(words, told)),
    )


def _head(context: Context, told: Explanation) -> Iterator[tuple[str, str]]:
    words = context.words
    yield words.say("letter.programme"), context.programme
    yield words.say("letter.phase"), words.written("phase", told.phase)
    yield words.say("letter.to"), words.written("entrant", told.entrant or "")
    if told.decided is not None:
        yield words.say("letter.reference"), told.decided.id
        yield words.say("letter.date"), writing.moment(told.decided.received, words.lang) + " (UTC)"


def _decision(context: Context, told: Explanation, phase: PhaseState) -> Section:
    """The outcome first, then how far it stands."""
    words, own = context.words, told.standing
    blocks = [paragraph(words.say("letter.intro"))]
    if told.decided is None or own is None:
        blocks += [paragraph(words.say("letter.held")), *(paragraph(words.sentence(row)) for row in told.points)]
        blocks += [item(words.sentence(row)) for row in told.owed]
        return Section(words.say("head.decision"), tuple(blocks))
    blocks += [Block("outcome", words.sentence(row)) for row in own.points if row.code.startswith("outcome.")]
    decision = phase.decisions[told.decided.id]
    if told.decided.superseded_by is not None:
        blocks.append(paragraph(words.say("letter.not-final")))
    else:
        blocks.append(paragraph(words.say("letter.final" if decision.finalised else "letter.provisional")))
    for duty in phase.rules.sign_off:
        signed = decision.signatures.get(duty.role)
        if signed is None:
            blocks.append(item(words.say("letter.unsigned", role=duty.role)))
        else:
            blocks.append(item(words.say("letter.signed", role=duty.role, when=format_instant(signed.received_ms))))
    blocks += [item(words.sentence(row)) for row in told.points if row.code.startswith("vacancies.")]
    blocks += [item(words.sentence(row)) for row in told.owed]
    return Section(words.say("head.decision"), tuple(blocks))


def _why(context: Context, told: Explanation) -> Section:
    """The reasons, without what would tell of others more than is published."""
    words, own = context.words, told.standing
    if own is None:
        return Section("", ())
    blocks = []
    for point in own.points:
        if point.code.startswith("margin.") and not context.shows("margins", "totals", "scores"):
            blocks.append(note(words.say("letter.margin-withheld")))
        elif not point.code.startswith("outcome."):
            blocks.append(item(words.sentence(_disclosed(context, point))))
    return Section(words.say("head.why"), tuple(blocks))


def _disclosed(context: Context, point: Point) -> Point:
    """A tie-break names the rival's value only where scores are public."""
    if point.code == "reason.tie-broken-by" and not context.shows("scores"):
        return Point("reason.tie-broken-by.own", point.facts)
    return point


def _scores(context: Context, told: Explanation, rules: Phase) -> Iterator[Block]:
    yield scores_table(context, told, rules)
    words = context.words
    if context.profiles:
        yield note(words.say("letter.others", profile=", ".join(context.profiles)))
    else:
        yield note(words.say("letter.others.none"))


def _arithmetic(context: Context, told: Explanation) -> Iterator[Block]:
    words = context.words
    yield paragraph(words.say("letter.calculator"))
    if any(line.code == "step.top" for one in told.worked for line in one.lines):
        yield paragraph(words.say("letter.top"))
    head = tuple(words.say(f"head.{name}") for name in ("step", "calculation", "result"))
    for one in told.worked:
        lines = [(row.what, row.formula, f"{row.sign} {row.value}") for row in rows(words, one)]
        title = context.title(one.criterion)
        yield subheading(title if one.value is None else words.headed(title, writing.number(one.value, words.lang)))
        yield Block("calculation", head=head, rows=tuple(lines), numeric=(2,))
