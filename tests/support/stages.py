"""The small programme brought to each of its stages, as logs of their own."""

from __future__ import annotations

from copy import deepcopy
from functools import cache

from handlers.decide import decision_id
from tests.support import small
from tests.support.log import Log

DECISION = decision_id(small.PROGRAMME, "heat")


@cache
def _at(stage: str) -> Log:
    match stage:
        case "announced":
            log = Log()
            log.tell(small.announced())
        case "begun":
            log = at("announced")
            log.tell(*small.beginnings())
        case "open":
            log = at("begun")
            log.progress(small.OPENS + 1)
        case "submitted":
            log = at("open")
            log.tell(*small.submissions())
            log.progress(small.DEADLINES["submissions"] + 1)
        case "scored":
            log = at("submitted")
            log.tell(*small.scores(), small.finding())
        case "marked":
            log = at("scored")
            log.tell(small.rebuttal())
            log.progress(small.DEADLINES["scores"] + 1)
        case "held":
            log = at("marked")
            log.progress(small.DEADLINES["audits"] + 1)
        case "decided":
            log = at("held")
            log.tell(small.ruling())
            log.progress(small.OPENS + 22 * small.DAY)
        case "signed":
            log = at("decided")
            log.tell(small.signature(DECISION))
        case "final":
            log = at("signed")
            log.progress(small.OPENS + 33 * small.DAY + 1)
        case _:
            raise ValueError(stage)
    return log


def at(stage: str) -> Log:
    """A log of its own at a stage: announced, begun, open, submitted, scored, marked (scores over), held (intake closed, a
    ruling is owed), decided, signed, final.
    """
    return deepcopy(_at(stage))
