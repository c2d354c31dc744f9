"""The long cup brought to each of its stages, as logs of their own."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from typing import Any

from tests.support import long_cup
from tests.support.long_cup import TEAMS, day
from tests.support.long_told import beginnings, marks, signed, submitted
from tests.support.rooted import RootedLog

STAGES = ("begun", "open", "handed-in", "marked", "decided", "signed", "final", "called")


def at(stage: str, **changes: dict[str, Any]) -> RootedLog:
    """A log at a stage, under rules with members replaced (`long_cup.rulebook`): begun; open (day 0); handed-in (every
    submission, day 10); marked (every mark, day 20); decided (day 21); signed (day 25); final (day 35); called (day 100).
    """
    return deepcopy(_at(stage, json.dumps(changes, sort_keys=True)))


@cache
def _at(stage: str, changes: str) -> RootedLog:
    place = STAGES.index(stage)
    if place == 0:
        log = RootedLog()
        log.tell(long_cup.announced(long_cup.rulebook(**json.loads(changes))), *beginnings())
        return log
    log = deepcopy(_at(STAGES[place - 1], changes))
    log.tell(*_SAID.get(stage, []))
    log.progress(day(_UNTIL[stage]) + 1)
    return log


_SAID = {
    "handed-in": [submitted(team, 5) for team in TEAMS],
    "marked": marks("heat", TEAMS, 15),
    "signed": signed(25),
}
_UNTIL = {"open": 0, "handed-in": 10, "marked": 20, "decided": 21, "signed": 25, "final": 35, "called": 100}
