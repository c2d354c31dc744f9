"""The small programme while keys are changed: Ann's and the office's as marks come in, the log's after the decision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from events.record import TOPICS
from events.values import format_instant
from flows.key_changes import change_key
from flows.office import message
from infra.keys import SigningKey, from_seed
from tests.support import small
from tests.support.stage import Stage, memory_stage

ANN = "urn:jury:ann"
AT = small.OPENS + 15 * small.DAY
FIRST, SECOND = (from_seed(f"ann-{seed}", bytes([seed]) * 32) for seed in (1, 2))
NEW_OFFICE = from_seed("office-2", b"\x31" * 32)
NEW_LOG_KEY = from_seed("phasegate.example/log-2", b"\x32" * 32)


def with_changed_keys(folder: Path) -> Stage:
    """Up to a mark under Ann's second key, and an appointment under the office's."""
    document = small.rulebook()
    for source in document["sources"]:
        if source["source"] == ANN:
            source |= {"signs": "true", "keys": [FIRST.vkey]}
    stage = memory_stage(folder)
    stage.tell(small.announced(document), *small.beginnings())
    stage.progress(small.OPENS + 1)
    stage.tell(*small.submissions())
    stage.progress(small.DEADLINES["submissions"] + 1)
    mark(stage, "ash", AT - 1, FIRST)
    office, state = stage.way.office, stage.parts.reader().state(small.PROGRAMME)
    told = change_key(office, state, "rotate", SECOND.verifier, AT, reason="yearly", source=ANN)
    assert [(entry.topic, entry.verdict) for entry in told.entries] == [(topic, "accepted") for topic in TOPICS]
    change_key(office, state, "rotate", NEW_OFFICE.verifier, AT, reason="yearly")
    mark(stage, "birch", AT + 1, SECOND)
    event = small.event("evaluator.appointed", "appoint-x", small.OFFICE, AT + 2, evaluator="xi", panel="jury")
    stage.send([message("decisions", event, NEW_OFFICE, AT + 2)])
    stage.record()
    return stage


def mark(stage: Stage, team: str, at_ms: int, key: SigningKey, by: str = "ann") -> None:
    data = {"phase": "heat", "entrant": team, "criterion": "jury", "item": "art", "evaluator": by, "value": "30"}
    event = small.event("score.recorded", f"mark-{team}-{format_instant(at_ms)}", f"urn:jury:{by}", at_ms, **data)
    stage.send([message("scores", event, key, at_ms)])
    stage.record()


def to_the_decision(folder: Path) -> tuple[Stage, SigningKey]:
    """Goes on to the decision: a mark under the old key is refused, a key is revoked, the log takes a new one. With it."""
    stage = with_changed_keys(folder)
    stage.way.office.key = NEW_OFFICE
    mark(stage, "cedar", AT + 3, FIRST)  # refused: it is Ann's no more
    mark(stage, "cedar", AT + 4, SECOND)
    state = stage.parts.reader().state(small.PROGRAMME)
    change_key(stage.way.office, state, "revoke", FIRST.verifier, AT + 5, reason="lost", source=ANN)
    stage.tell(*(row for row in small.scores() if row.source != ANN))
    waived = small.event("mark.waived", "waive-x", small.OFFICE, AT + 6, phase="heat", evaluator="xi", reason="ill")
    stage.send([message("decisions", waived, NEW_OFFICE, AT + 6)])
    stage.record()
    for window in ("scores", "audits"):
        stage.progress(small.DEADLINES[window] + 1)
    assert stage.way.state.status("heat") == "decided"
    stage.recorder.settle_up()
    stage.recorder.close()
    stage.parts = replace(stage.parts, log_key=NEW_LOG_KEY, log_key_before=stage.parts.log_key)
    stage.recorder = stage.parts.recorder()
    stage.send([message("audits", small.finding("cedar"), None, small.DEADLINES["audits"] + small.DAY)])
    stage.record()
    stage.recorder.settle_up()
    return stage, NEW_LOG_KEY
