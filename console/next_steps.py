"""What can be done about a refused record, by the reason of its refusal. Plain text only; docs/commands.md has the commands."""

from __future__ import annotations

from collections.abc import Mapping

_CORRECT = (
    "correct its bytes (phasegate refused {programme} {index} --out FILE writes them), then"
    " phasegate requeue {programme} {index} --value FILE --reason TEXT"
)
_AGAIN = "phasegate requeue {programme} {index} --reason TEXT"
_SENDER = "whoever sent it has to say something else: "

NEXT_STEPS: Mapping[str, str] = {
    "not-json": _CORRECT,
    "duplicate-json-key": _CORRECT,
    "not-cloudevents": _CORRECT + "; the headers that an event needs are put there",
    "duplicate-header": _CORRECT + "; the headers that an event needs are put there",
    "key-mismatch": _CORRECT + "; or publish it under the key of the programme that it is about",
    "wrong-partition": f"set the producer's partitioner to murmur2; then {_AGAIN}, which sends it to the right one",
    "wrong-topic": f"{_AGAIN}: it goes to the topic of its type",
    "unknown-type": _CORRECT + "; docs/reference.md has the types",
    "schema-invalid": _CORRECT,
    "too-large": _SENDER + "less of it, or by digest instead of inline",
    "too-deep": _CORRECT,
    "signature-missing": _CORRECT + " --value-key KEY, with the key of its source",
    "signature-invalid": _CORRECT + " --value-key KEY, with a key of its source that is in force",
    "source-not-authorised": "if the source may say it, amend the rules (phasegate amend), then "
    + _AGAIN
    + "; if its name is wrong, correct it with --value FILE",
    "id-reused": _CORRECT + "; under an id that nobody has used",
    "unknown-programme": "publish it with the programme's id as its key: phasegate publish FILE",
    "unknown-phase": _CORRECT + "; phasegate status {programme} has the phases",
    "unknown-entrant": f"register the entrant if that is still in time, then {_AGAIN}",
    "unknown-criterion": _CORRECT + "; the rulebook has the criteria, items, gates and counts",
    "unknown-evaluator": "an evaluator counts from a window that was open at the appointment: appoint and reopen the phase"
    " (phasegate appoint, phasegate reopen), then " + _AGAIN,
    "unknown-reference": f"if what it refers to is recorded by now, {_AGAIN}; else correct it with --value FILE",
    "out-of-range": _CORRECT,
    "late": "sending it again does not make it in time. While the intake is open, extend the window; later reopen the phase"
    " (phasegate reopen): then marks and findings of the reopening count",
    "too-early": f"once it is time, {_AGAIN}",
    "already-scored": _SENDER + "score.corrected changes a mark (phasegate correct)",
    "phase-closed": "the phase has to be reopened (phasegate reopen) before anything of it counts again",
    "not-eligible": "nothing, where the rules leave the entrant out; else correct it with --value FILE",
    "illegal-transition": "its reason says what stands against it; once that is different, " + _AGAIN,
    "self-approval": _SENDER + "another person approves (phasegate approve)",
}


def next_step(reason: str, programme: str, index: int) -> str:
    """What to do about the record of an entry."""
    return NEXT_STEPS[reason].format(programme=programme, index=index)
