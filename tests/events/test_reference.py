"""docs/reference.md and docs/formats.md are written by hand; what they say of events is compared with the tables."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from events.derived import NAMESPACE, derived_id
from events.entry import Entry, Opening, commitment, decode_entry, encode_entry
from events.envelope import BYTES_MAX, DEPTH_MAX
from events.names import TYPES
from events.reasons import REFUSALS
from events.record import DEAD_LETTERS, TOPICS, partition_for

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
SAMPLES = ROOT / "tests" / "events" / "samples"


def sections(text: str, level: int) -> dict[str, str]:
    """The text under each heading of a level, up to the next heading of that level or above."""
    parts = re.split(rf"^#{{1,{level}}} (.+)$", text, flags=re.MULTILINE)
    return {heading.strip("`"): body for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


EVENTS = sections(REFERENCE, 3)


@pytest.mark.parametrize("name", TYPES)
def test_a_type_is_described_with_exactly_its_members(name: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", EVENTS[name], flags=re.MULTILINE)
    fields = {field.alias or member: field for member, field in TYPES[name].model.model_fields.items()}
    assert sorted(member for member, _ in rows) == sorted(fields)
    left_out = {member for member, kind in rows if kind.strip().endswith("?")}
    assert left_out == {member for member, field in fields.items() if not field.is_required()}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_says_whether_it_needs_the_offices_key(name: str) -> None:
    assert ("**office**" in EVENTS[name]) == TYPES[name].office


@pytest.mark.parametrize("name", TYPES)
def test_a_type_shows_the_id_of_its_sample(name: str) -> None:
    event = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    assert f"Example id: `{event['id']}`" in EVENTS[name]


@pytest.mark.parametrize("topic", TOPICS)
def test_a_type_stands_under_its_topic(topic: str) -> None:
    under = sections(REFERENCE, 2)[f"Events on {topic}"]
    expected = [name for name, row in TYPES.items() if row.topics == (topic,)]
    assert sorted(re.findall(r"^### `(.+)`$", under, flags=re.MULTILINE)) == sorted(expected)


def test_every_reason_has_its_heading_and_no_other_has_one() -> None:
    reasons = sections(REFERENCE, 2)["Reasons of refusal"]
    assert re.findall(r"^### `(.+)`$", reasons, flags=re.MULTILINE) == list(REFUSALS)


def test_every_topic_has_its_row() -> None:
    for topic in (*TOPICS, DEAD_LETTERS):
        assert f"| `{topic}` |" in REFERENCE


def test_the_limits_are_the_ones_in_use() -> None:
    assert f"{BYTES_MAX:,} bytes" in REFERENCE
    assert f"{BYTES_MAX:,} bytes" in FORMATS
    assert f"more than {DEPTH_MAX} levels" in FORMATS


def test_the_examples_of_the_formats_are_right() -> None:
    assert f"is partition {partition_for(b'k-ai-2026', 12)}." in FORMATS
    assert f"`{NAMESPACE}`" in FORMATS
    assert f"`{derived_id('k-ai-2026', 'phasegate.phase.decided.v1', 'phase-1', 'phase-1', 1)}`" in FORMATS
    assert f"`{commitment(Opening(bytes([1]) * 32, b'k', b'[]', b'{}'))}`" in FORMATS


def test_the_example_of_an_entry_is_one() -> None:
    section = sections(FORMATS, 2)["Ledger entry"]
    found = re.search(r"^\{.*\}$", section, flags=re.MULTILINE)
    assert found is not None
    example = found[0].replace("<64 hex>", "0" * 64).encode()
    assert encode_entry(decode_entry(example)) == example
    described = {
        name for row in re.findall(r"^\|([^|]*)\|", section, flags=re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    members = set(Entry.__dataclass_fields__) - {"received_ms"} | {"received"}
    assert described == members


def test_the_example_of_an_attribution_is_that_of_the_sample() -> None:
    section = sections(FORMATS, 2)["Attribution"]
    found = re.search(r"^\[\[\"audits.*\]\]$", section, flags=re.MULTILINE)
    assert found is not None
    digest = hashlib.sha256(found[0].encode()).hexdigest()
    assert f"`{digest}`" in section
    event = json.loads((SAMPLES / "phasegate.intake.closed.v1.json").read_text(encoding="utf-8"))
    assert event["data"]["attribution"] == digest
    assert [f"{topic}/{partition}" for topic, partition, _ in json.loads(found[0])] == sorted(event["data"]["markers"])
