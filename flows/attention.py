"""What somebody should look at, and what is only good to know: for `status`, and with exit code 10 for monitors.

Each code of PROBLEMS is an anchor of docs/operating.md, where stands what it means and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

OVERDUE_AFTER_S = 60
"""What is due is done within seconds where flows run; after this long somebody should look."""

LATE_AFTER_S = 30
"""A recorder that runs takes a record within a second, and one that is started again within ten."""

STALE_AFTER_S = 900
"""A recorder signs at every pause, and after every decision."""

PROBLEMS: Mapping[str, str] = {
    "kafka-unreachable": "no broker answers",
    "recorder-behind": "records wait that no recorder takes",
    "transition-overdue": "something is due that no flow has done",
    "checkpoint-stale": "a log has grown, and no checkpoint was signed",
    "replay-different": "somebody replayed a decision, and it came out differently",
}
NOTES: Mapping[str, str] = {
    "phase-held": "a phase waits for people: who owes what",
    "refused-lately": "records of the last day were refused",
}


@dataclass(frozen=True, slots=True)
class Said:
    """`code` is of PROBLEMS or NOTES; `about` a programme, `recorder` or `kafka`."""

    code: str
    about: str
    text: str


def problems_of(told: Mapping[str, Any]) -> Iterator[Said]:
    """Of a programme, from its `standing`."""
    name = told["programme"]
    for row in told["phases"]:
        for said in row.get("attested", ()):
            if said["result"] == "different":
                text = (
                    f"{said['source']} attests that decision {said['decision']} of {row['phase']} came out differently"
                )
                yield Said("replay-different", name, text)
    if told["due"] is not None and told["overdue_seconds"] > OVERDUE_AFTER_S:
        text = f"{told['due']} of {name} is due since {told['due_since']} ({told['overdue_seconds']} s)"
        yield Said("transition-overdue", name, text)
    if told["unsigned_seconds"] > STALE_AFTER_S:
        text = f"no checkpoint of {name} covers what was received {told['unsigned_seconds']} s ago"
        yield Said("checkpoint-stale", name, text)


def notes_of(told: Mapping[str, Any]) -> Iterator[Said]:
    """Of a programme, from its `standing`: nothing that operators could do anything about."""
    for row in told["phases"]:
        if row["status"] == "held":
            who = ", ".join(sorted({missing["who"] for missing in row["owed"]})) or "nobody any more"
            text = f"{told['programme']} / {row['phase']} is held: {len(row['owed'])} things are owed by {who}"
            yield Said("phase-held", told["programme"], text)
    if told["refused_lately"]:
        text = f"{told['refused_lately']} records of {told['programme']} were refused within a day"
        yield Said("refused-lately", told["programme"], text)


def problems_of_recorder(lag: Mapping[str, Any] | None) -> Iterator[Said]:
    """From `recorder_lag`: a broker that is away, or records that wait longer than a recorder that runs would let them."""
    if lag is None:
        return
    if not lag["reachable"]:
        yield Said("kafka-unreachable", "kafka", f"how far the recorder is cannot be told: {lag['problem']}")
    elif lag["behind"] and (lag["seconds"] is None or lag["seconds"] > LATE_AFTER_S):
        since = "" if lag["seconds"] is None else f", the first for {lag['seconds']} s"
        yield Said("recorder-behind", "recorder", f"the recorder is behind: {lag['behind']} records wait{since}")
