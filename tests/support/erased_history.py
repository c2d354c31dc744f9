"""The whole life of `long_history`, with erasures in between: too soon, in time, twice, and of what is never erased."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from events.envelope import Envelope, decode
from events.record import Record
from handlers.recording import Draft
from tests.support.log import PARTITION
from tests.support.long_cup import OFFICE
from tests.support.long_history import play
from tests.support.long_told import score, told
from tests.support.rooted import RootedLog


class ErasedLog(RootedLog):
    """Tells an erasure behind certain events of the history."""

    def tell(self, *said: Envelope | Record) -> list[Draft]:
        drafts = super().tell(*said)
        for one in said:
            for erasure in self.behind(one.id if isinstance(one, Envelope) else ""):
                drafts += super().tell(erasure)
        return drafts

    def behind(self, event_id: str) -> Iterator[Envelope]:
        match event_id:
            case "fix-3":
                yield self.erasure("erase-too-soon", 27.5, score("ash", "ann"))
            case "again-never":
                yield self.erasure("erase-marks", 75, score("ash", "ann"), score("birch", "ben"))
                yield self.erasure("erase-twice", 76, score("cedar", "ben"), score("birch", "ben"))
                yield self.erasure("erase-entrant", 76, "register-birch")
                yield self.erasure("erase-rules", 76, "announced")
                to_come = sum(record.topic == "scores" for record in self.records)
                yield _said("erase-next", 77, [("scores", PARTITION, to_come)])
            case "withdraw-birch-171":
                ids = ("register-birch", "twice", score("birch", "ann", "finale"), "withdraw-birch-171")
                yield self.erasure("erase-all", 172, *ids)
            case _:
                pass

    def erasure(self, event_id: str, at: float, *ids: str) -> Envelope:
        """Of the first records with these event ids."""
        places = {decode(one.value).id: (one.topic, one.partition, one.offset) for one in reversed(self.records)}
        return _said(event_id, at, [places[one] for one in ids])


def _said(event_id: str, at: float, places: list[tuple[str, int, int]]) -> Envelope:
    rows = [{"topic": topic, "partition": partition, "offset": offset} for topic, partition, offset in places]
    return told("record.erased", event_id, OFFICE, at, records=rows, grounds="somebody asked for it")


@cache
def played() -> ErasedLog:
    """To the end. Callers must not change it."""
    log = ErasedLog()
    play(log)
    return log
