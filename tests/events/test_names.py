"""The table of stored names, and the table of reasons."""

from __future__ import annotations

import re

import pytest

from events.derived import derive, derived_id, pipeline_source
from events.fields import Payload
from events.names import PREFIX, TYPES
from events.reasons import REFUSALS
from events.record import TOPICS

DESIGNED_REASONS = [
    "not-json", "duplicate-json-key", "not-cloudevents", "duplicate-header", "key-mismatch", "wrong-partition",
    "wrong-topic", "unknown-type", "schema-invalid", "too-large", "too-deep", "signature-missing",
    "signature-invalid", "source-not-authorised", "id-reused", "unknown-programme", "unknown-phase",
    "unknown-entrant", "unknown-criterion", "unknown-evaluator", "unknown-reference", "out-of-range", "late",
    "too-early", "already-scored", "phase-closed", "not-eligible", "illegal-transition", "self-approval",
]  # fmt: skip

FIRST_RELEASE = [
    "intake.marked", "entrant.registered", "submission.received", "entrant.withdrawn", "invitation.declined",
    "rebuttal.filed", "score.recorded", "score.corrected", "finding.recorded", "ruling.issued", "programme.announced",
    "evaluator.appointed", "phase.opened", "intake.closed", "phase.held", "entrant.assessed", "phase.decided",
    "decision.signed", "decision.finalised",
]  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_a_stored_name_is_well_formed_and_under_itself(name: str) -> None:
    assert re.fullmatch(r"phasegate\.[a-z]+\.[a-z]+\.v[1-9][0-9]*", name)
    assert TYPES[name].name == name
    assert f"{PREFIX}{TYPES[name].short}" == name.rpartition(".v")[0]


@pytest.mark.parametrize("name", TYPES)
def test_an_event_is_named_in_the_past_tense(name: str) -> None:
    verb = TYPES[name].short.partition(".")[2]
    assert verb.endswith("ed") or verb in {"withdrawn", "held"}


def test_no_name_of_the_first_release_is_gone() -> None:
    assert {row.short for row in TYPES.values()} >= set(FIRST_RELEASE)


@pytest.mark.parametrize("name", TYPES)
def test_a_type_belongs_on_topics_that_exist(name: str) -> None:
    topics = TYPES[name].topics
    assert topics != ()
    assert set(topics) <= set(TOPICS)
    assert len(set(topics)) == len(topics)


def test_only_markers_and_changes_of_keys_travel_on_every_topic() -> None:
    several = {row.short: row.topics for row in TYPES.values() if len(row.topics) > 1}
    assert several == dict.fromkeys(("intake.marked", "key.rotated", "key.revoked"), TOPICS)


@pytest.mark.parametrize("name", TYPES)
def test_a_payload_is_closed_frozen_and_strict(name: str) -> None:
    model = TYPES[name].model
    assert issubclass(model, Payload)
    assert model.model_config.get("extra") == "forbid"
    assert model.model_config.get("frozen")
    assert model.model_config.get("strict")


def test_no_two_types_share_a_name_or_a_model() -> None:
    assert len({row.short for row in TYPES.values()}) == len({row.model for row in TYPES.values()}) == len(TYPES)


def test_what_the_pipeline_decides_needs_the_offices_key() -> None:
    office = {row.short for row in TYPES.values() if row.office}
    assert office >= {"intake.marked", "programme.announced", "phase.opened", "intake.closed", "phase.decided"}
    assert not office & {row.short for row in TYPES.values() if row.topics == ("submissions",)}


@pytest.mark.parametrize("code", DESIGNED_REASONS)
def test_every_designed_reason_is_in_the_table(code: str) -> None:
    assert REFUSALS[code].endswith(".")


@pytest.mark.parametrize("code", REFUSALS)
def test_a_reason_code_is_plain_enough_for_a_public_entry(code: str) -> None:
    assert re.fullmatch(r"[a-z][a-z-]{0,63}", code)
    assert code in DESIGNED_REASONS


def test_a_derived_event_is_the_same_whoever_repeats_it() -> None:
    def marker(attempt: int, topic: str = "scores") -> object:
        return derive(
            "k-ai-2026", "phasegate.intake.marked.v1", {}, phase="phase-1", subject=f"scores/{topic}",
            ordinal=attempt, caused_ms=1_768_456_800_123,
        )  # fmt: skip

    assert marker(1) == marker(1)
    assert len({derived_id("k-ai-2026", "n", *part) for part in [("p", "s", 1), ("p", "s", 2), ("s", "p", 1)]}) == 3


def test_a_derived_id_never_changes() -> None:
    """Another value here would give every decision ever made a second identity."""
    assert derived_id("k-ai-2026", "phasegate.phase.decided.v1", "phase-1", "phase-1", 1) == DECISION
    assert pipeline_source("k-ai-2026") == "urn:phasegate:k-ai-2026:pipeline"


DECISION = "860d9ec6-7213-53db-b31a-c6ef472b3196"
