"""A mark of the small programme that its sender wrote wrongly, and what the office says when it sends it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson

from events.bus import Message
from events.envelope import Envelope
from events.record import Record
from handlers.decide import decision_id
from tests.support import small
from tests.support.log import record_of
from tests.support.stage import Stage, memory_stage
from tests.support.told import ANN, correction

MARK = small.scores()[0]
AT = small.OPENS + 15 * small.DAY
Place = tuple[str, int, int]


def misshapen() -> Record:
    """The mark with a number where text is asked for."""
    document = orjson.loads(record_of(MARK).value or b"")
    document["data"]["value"] = 90
    return replace(record_of(MARK), value=orjson.dumps(document))


def requeue(place: Place, event_id: str = "requeue-1", as_id: str = MARK.id, at_ms: int = AT + 2) -> Envelope:
    record = dict(zip(("topic", "partition", "offset"), place, strict=True))
    data = {"record": record, "as": as_id, "reason": "the value was a number"}
    return small.event("record.requeued", event_id, small.OFFICE, at_ms, **data)


def sent(on: Stage, record: Record) -> Place:
    """Publishes a record as it is, and sees it recorded; where it stands."""
    message = Message(record.topic, record.key, record.value, record.headers, record.received_ms)
    (position,) = on.send([message])
    on.record()
    return position.topic, position.partition, position.offset


def sent_again(folder: Path) -> Stage:
    """The small programme to its end. A mark is refused, sent again corrected, and counts; one that was late stays late; and
    what may not be said of either is refused.
    """
    on = memory_stage(folder)
    on.tell(small.announced(), *small.beginnings())
    on.progress(small.OPENS + 1)
    on.tell(*small.submissions())
    on.progress(small.DEADLINES["submissions"] + 1)
    topic, partition, offset = sent(on, misshapen())
    on.tell(requeue((topic, partition, offset)))
    on.tell(
        requeue((topic, partition, offset), "requeue-twice"), requeue((topic, partition, offset + 1), "requeue-ahead")
    )
    sent(on, misshapen())  # Refused again: what is named ahead is there now.
    on.tell(MARK, requeue((topic, partition, offset + 2), "requeue-accepted"))
    on.tell(*small.scores()[1:], small.finding(), small.rebuttal())
    on.progress(small.DEADLINES["scores"] + 1)
    late = record_of(correction("late", ANN, small.DEADLINES["scores"] + 2, "score-ash-art-ann", "9"))
    on.tell(requeue(sent(on, late), "requeue-late", "late", small.DEADLINES["scores"] + 3))
    sent(on, replace(late, received_ms=small.DEADLINES["scores"] + 4))
    on.progress(small.DEADLINES["audits"] + 1)
    on.tell(small.ruling())
    on.progress(small.OPENS + 22 * small.DAY)
    on.tell(small.signature(decision_id(small.PROGRAMME, "heat")))
    on.progress(small.OPENS + 33 * small.DAY + 1)
    return on
