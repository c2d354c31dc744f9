"""Facts from evaluators and benchmark runners."""

from __future__ import annotations

from events.fields import Criterion, EventId, Id, Number, Payload, Text


class ScoreRecorded(Payload):
    """One mark: what one evaluator gives one entrant on one item. `reference` is the target that a ratio is taken to."""

    phase: Id
    entrant: Id
    criterion: Criterion
    item: Id
    evaluator: Id
    value: Number
    reference: Number | None = None
    comment: Text | None = None


class ScoreCorrected(Payload):
    """The evaluator replaces the value of a mark, before the window closes. `score` is the id of the first mark."""

    score: EventId
    value: Number
    reason: Text
    reference: Number | None = None
