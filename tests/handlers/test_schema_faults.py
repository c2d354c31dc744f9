"""Where data does not fit: every place, as a pointer into the event, with what stands there and what is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from events.envelope import Envelope, decode
from events.names import TYPES
from handlers.schema_faults import schema_faults

SAMPLES = Path(__file__).resolve().parents[1] / "events" / "samples"


def sample(name: str, **data: Any) -> Envelope:
    event = decode((SAMPLES / f"phasegate.{name}.v1.json").read_bytes())
    event.data.update(data)
    return event


@pytest.mark.parametrize("name", sorted(TYPES))
def test_an_event_that_fits_has_no_fault(name: str) -> None:
    assert schema_faults(decode((SAMPLES / f"{name}.json").read_bytes())) == []


def test_every_fault_is_told_and_not_only_the_first() -> None:
    event = sample("score.recorded", value=30, entrant="Ash!", colour="red")
    del event.data["evaluator"]
    faults = {fault.pointer: fault for fault in schema_faults(event)}
    assert faults.keys() == {"/data/value", "/data/entrant", "/data/colour", "/data/evaluator"}
    assert (faults["/data/value"].value, faults["/data/value"].is_missing) == (30, False)
    assert faults["/data/evaluator"].is_missing
    assert faults["/data/colour"].asked is None


@pytest.mark.parametrize(
    ("event", "pointer", "asked"),
    [
        (sample("record.requeued", record={"topic": "s", "partition": 0, "offset": 0}), "/data/record/topic", "enum"),
        (sample("record.erased", records=[{"topic": "scores", "partition": -1, "offset": 0}]),
         "/data/records/0/partition", "minimum"),
        (sample("record.erased", records=[]), "/data/records", "minItems"),
        (sample("score.recorded", reference=5), "/data/reference", "pattern"),
        (sample("record.requeued", record=7), "/data/record", "required"),
        (sample("key.rotated", **{"from": "yesterday"}), "/data/from", "format"),
    ],
)  # fmt: skip
def test_a_fault_points_into_what_it_is_in_and_says_what_is_asked_there(
    event: Envelope, pointer: str, asked: str
) -> None:
    (fault,) = schema_faults(event)
    assert fault.pointer == pointer
    assert fault.asked is not None
    assert asked in fault.asked


def test_a_pointer_is_written_as_json_pointers_are() -> None:
    (fault,) = schema_faults(sample("score.recorded", **{"a/b~c": 1}))
    assert fault.pointer == "/data/a~1b~0c"
    json.dumps(fault.data())


def test_of_a_type_that_nobody_knows_nothing_is_asked() -> None:
    event = sample("score.recorded")
    event.type = "phasegate.score.guessed.v9"
    assert schema_faults(event) == []
