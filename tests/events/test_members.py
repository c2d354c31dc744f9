"""What one member of an event's data may be: the schema and the model say the same, on samples with one member changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from events.names import TYPES
from events.schemas import event_schema

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return found


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(event_schema(TYPES[name]), format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("conflict.declared", {"entrants": []}), ("evaluator.recused", {"entrants": []}),
        ("marks.annulled", {"entrants": []}), ("tie.resolved", {"order": ["team-a"]}), ("tie.resolved", {"order": []}),
        ("count.ticked", {"not_met": "true"}), ("count.ticked", {"not_met": 1}), ("count.ticked", {"not_met": None}),
        ("recognition.voted", {"vote": "abstain"}), ("recognition.voted", {"vote": True}),
        ("objection.ruled", {"outcome": "withdrawn"}), ("objection.ruled", {"admissible": "yes"}),
        ("objection.ruled", {"remedy": ""}), ("objection.filed", {"grounds": "Evaluator error"}),
        ("phase.reopened", {"reason": "An objection."}), ("phase.reopened", {"until": "2026-02-04"}),
        ("phase.reopened", {"causes": [""]}), ("window.extended", {"window": "Submissions"}),
        ("window.extended", {"until": "2026-01-06T09:00:00Z"}), ("reproduction.reported", {"value": 73.8}),
        ("score.recorded", {"reopening": ""}), ("score.corrected", {"reopening": "two words"}),
        ("mark.waived", {"criterion": "expert."}), ("rulebook.amended", {"digest": "A" * 64}),
        ("rulebook.amended", {"consents": ["LG AI Research"]}), ("call.opened", {"places": -1}),
        ("call.opened", {"eligible": {"newcomers": "true"}}), ("call.opened", {"eligible": {"New comers": True}}),
        ("call.decided", {"reasons": {"trillion-labs": ["Too low."]}}), ("call.decided", {"selected": None}),
        ("award.granted", {"resources": [{"kind": "gpu-b200", "quantity": 768, "unit": "devices"}]}),
        ("award.granted", {"resources": [{"kind": "gpu-b200", "quantity": "7.68e2", "unit": "devices"}]}),
        ("award.granted", {"resources": [{"kind": "gpu-b200", "quantity": "768", "unit": ""}]}),
        ("programme.concluded", {"finalists": "team-a"}), ("key.rotated", {"key": "office+00000000+AQ=="}),
        ("key.rotated", {"from": "2026-02-02"}), ("key.revoked", {"key": ""}), ("key.revoked", {"source": ""}),
    ],
    ids=str,
)  # fmt: skip
def test_a_member_of_another_form_is_refused_by_schema_and_model(name: str, change: dict[str, Any]) -> None:
    stored = f"phasegate.{name}.v1"
    event = sample(stored)
    changed = event | {"data": event["data"] | change}
    assert not validator(stored).is_valid(changed)
    with pytest.raises(ValidationError, match=next(iter(change))):
        TYPES[stored].model.model_validate(changed["data"])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("marks.annulled", {"entrants": None}), ("tie.resolved", {"order": ["team-a", "team-b", "team-c"]}),
        ("score.recorded", {"reopening": "d7d0b1c1-57a9-5b52-9d0b-6a1b1c0f4a10"}),
        ("score.corrected", {"reopening": "d7d0b1c1-57a9-5b52-9d0b-6a1b1c0f4a10"}), ("mark.waived", {"item": None}),
        ("window.extended", {"window": "submissions:team-c"}), ("call.decided", {"selected": [], "reasons": {}}),
        ("call.opened", {"places": 0}), ("award.granted", {"resources": []}), ("programme.concluded", {"finalists": []}),
        ("phase.reopened", {"reason": "office", "causes": [], "note": "위원회의 결정에 따름"}),
    ],
    ids=str,
)  # fmt: skip
def test_what_may_be_empty_or_left_out_is_read_by_schema_and_model(name: str, change: dict[str, Any]) -> None:
    stored = f"phasegate.{name}.v1"
    event = sample(stored)
    changed = event | {"data": event["data"] | change}
    validator(stored).validate(changed)
    TYPES[stored].model.model_validate(changed["data"])


@pytest.mark.parametrize(
    "window",
    [
        "registration", "call", "submissions", "submissions:team-c", "scores", "audits", "objections", "objections:2",
        "rebuttal:019bb73a-2600-7696-80a4-7c971db41d3b", "reopened:d7d0b1c1-57a9-5b52-9d0b-6a1b1c0f4a10",
    ],
)  # fmt: skip
def test_every_kind_of_window_can_be_marked(window: str) -> None:
    name = "phasegate.intake.marked.v1"
    event = sample(name)
    event["data"]["window"] = window
    validator(name).validate(event)
    TYPES[name].model.model_validate(event["data"])
