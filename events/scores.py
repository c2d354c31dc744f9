"""Facts from evaluators and benchmark runners."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from events.fields import Criterion, EventId, Id, Number, Payload, Text


class ScoreRecorded(Payload):
    """One mark: what one evaluator gives one entrant on one item. `reference` is the target that a ratio is taken to;
    `reopening` names the phase.reopened in whose time the mark is given, when the intake is over.
    """

    phase: Id
    entrant: Id
    criterion: Criterion
    item: Id
    evaluator: Id
    value: Number
    reference: Number | None = None
    comment: Text | None = None
    reopening: EventId | None = None


class ScoreCorrected(Payload):
    """The evaluator replaces the value of a mark, before the window closes or within a `reopening` of the phase. `score`
    is the id of the first mark.
    """

    score: EventId
    value: Number
    reason: Text
    reference: Number | None = None
    reopening: EventId | None = None


class ScoreVoided(Payload):
    """A mark is out of the count, as if it had never been given. `score` is the id of the first mark."""

    score: EventId
    reason: Text


class MarksAnnulled(Payload):
    """What an evaluator gave in a phase is out of the count: to these entrants, or to all."""

    phase: Id
    evaluator: Id
    reason: Text
    entrants: Annotated[list[Id], Field(min_length=1)] | None = None
