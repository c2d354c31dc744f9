"""The published contracts are what the models say, old data stays readable, and every event has a sample that fits.

`samples/` holds one event of every type. Under `k-ai-2026` the content is K-AI's, reconstructed where it was never published;
what did not happen there (objections, annulments, ties) is of `k-ai-rehearsal`, whose teams do not exist.
`schemas-released/` holds the schema with which each type was first released and is never made anew.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as SchemaError
from pydantic import ValidationError

from events.asyncapi import DEAD_LETTERS_KEPT_MS, asyncapi
from events.compatibility import breaks
from events.derived import pipeline_source
from events.envelope import decode, encode, schema_uri
from events.names import TYPES
from events.reasons import REFUSALS
from events.record import DEAD_LETTERS, TOPICS
from events.rulebook import digest, parse_rulebook
from events.schemas import ASYNCAPI_FILE, FOLDER, documents, event_schema, write, written
from events.upcast import STEPS

HERE = Path(__file__).parent
DOCUMENTS = dict(documents())
RELEASED = {path.stem: path for path in sorted((HERE / "schemas-released").glob("*.json"))}


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


SAMPLES = {path.stem: path for path in sorted((HERE / "samples").glob("*.json"))}


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = load(SAMPLES[name])
    return found


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(event_schema(TYPES[name]), format_checker=Draft202012Validator.FORMAT_CHECKER)


def objects_with_members(schema: Any, value: Any, root: Any) -> Iterator[dict[str, Any]]:
    """The objects of a sample's data that a model describes member by member; not the maps, not the free JSON."""
    schema = root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(value, dict) and "properties" in schema:
        yield value
        for member, inner in value.items():
            yield from objects_with_members(schema["properties"][member], inner, root)
    if isinstance(value, list):
        for item in value:
            yield from objects_with_members(schema.get("items", {}), item, root)


# --- the committed files are the generated ones -----------------------------------------------------------------------


def test_the_committed_files_are_exactly_the_generated_ones() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(DOCUMENTS), "run `make schemas`"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_committed_document_is_what_the_models_say(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == written(DOCUMENTS[name]), "run `make schemas`"


def test_writing_again_replaces_and_removes(tmp_path: Path) -> None:
    (tmp_path / "phasegate.gone.v1.json").write_text("{}", encoding="utf-8")
    (tmp_path / ASYNCAPI_FILE).write_text("{}", encoding="utf-8")
    write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in FOLDER.iterdir()
    }


# --- schemas ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TYPES)
def test_a_schema_is_well_formed_and_named_by_its_uri(name: str) -> None:
    schema = event_schema(TYPES[name])
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == schema_uri(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", TYPES)
def test_data_is_closed_and_the_envelope_is_open(name: str) -> None:
    schema = event_schema(TYPES[name])
    assert schema["additionalProperties"] is True
    members = [part for part in schema["$defs"].values() if "properties" in part]
    assert members != []
    assert [part["title"] for part in members if part["additionalProperties"] is not False] == []


def test_the_keys_of_maps_are_closed_too() -> None:
    """Pydantic leaves maps with patterned keys open in its schema, and refuses other keys when it reads."""
    name = "phasegate.phase.opened.v1"
    event = sample(name)
    event["data"]["windows"]["Not A Window"] = "2026-01-05T09:00:00.000Z"
    with pytest.raises(SchemaError, match="Not A Window"):
        validator(name).validate(event)
    with pytest.raises(ValidationError):
        TYPES[name].model.model_validate(event["data"])


@pytest.mark.parametrize(
    "instant", ["2026-01-05T09:00:00Z", "2026-01-05T18:00:00.000+09:00", "2026-13-05T09:00:00.000Z", "now"]
)
def test_an_instant_in_data_has_one_form_for_schema_and_model(instant: str) -> None:
    name = "phasegate.phase.opened.v1"
    event = sample(name)
    event["data"]["opens"] = instant
    assert not validator(name).is_valid(event)
    with pytest.raises(ValidationError):
        TYPES[name].model.model_validate(event["data"])


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"}, {"id": ""}, {"id": "x" * 129}, {"source": ""}, {"source": "s" * 513}, {"id": 1},
        {"type": "phasegate.score.recorded.v2"}, {"subject": "K-AI"}, {"time": "2026-01-15"}, {"time": None},
        {"datacontenttype": "application/xml"}, {"data": []}, {"data_base64": "e30="},
    ],
    ids=str,
)  # fmt: skip
def test_the_schema_refuses_an_envelope_that_would_be_refused(change: dict[str, Any]) -> None:
    name = "phasegate.score.recorded.v1"
    assert validator(name).is_valid(sample(name))
    assert not validator(name).is_valid(sample(name) | change)


# --- samples ----------------------------------------------------------------------------------------------------------


def test_every_stored_name_has_a_sample() -> None:
    assert set(SAMPLES) == {*TYPES, *STEPS}


@pytest.mark.parametrize("name", TYPES)
def test_a_sample_fits_its_schema_and_its_model(name: str) -> None:
    event = sample(name)
    validator(name).validate(event)
    TYPES[name].model.model_validate(event["data"])
    assert (event["type"], event["dataschema"]) == (name, schema_uri(name))


@pytest.mark.parametrize("name", TYPES)
def test_a_sample_survives_reading_and_writing(name: str) -> None:
    event = decode(SAMPLES[name].read_bytes())
    assert json.loads(encode(event)) == sample(name)
    assert encode(decode(encode(event))) == encode(event)


@pytest.mark.parametrize("name", TYPES)
def test_a_sample_with_one_more_member_is_refused_by_schema_and_model(name: str) -> None:
    """Everywhere in the data where a model lists the members."""
    event = sample(name)
    root = event_schema(TYPES[name])
    count = len(list(objects_with_members(root["properties"]["data"], event["data"], root)))
    assert count >= 1
    for place in range(count):
        changed = copy.deepcopy(event)
        objects = list(objects_with_members(root["properties"]["data"], changed["data"], root))
        objects[place]["unheard-of"] = "x"
        with pytest.raises(SchemaError, match="unheard-of"):
            validator(name).validate(changed)
        with pytest.raises(ValidationError, match="unheard-of"):
            TYPES[name].model.model_validate(changed["data"])


@pytest.mark.parametrize("name", TYPES)
def test_a_sample_without_a_required_member_is_refused_by_schema_and_model(name: str) -> None:
    event = sample(name)
    for member, field in TYPES[name].model.model_fields.items():
        if field.is_required():
            named = field.alias or member
            changed = event | {"data": {key: value for key, value in event["data"].items() if key != named}}
            assert not validator(name).is_valid(changed)
            with pytest.raises(ValidationError, match=named):
                TYPES[name].model.model_validate(changed["data"])


@pytest.mark.parametrize("name", TYPES)
def test_an_extension_attribute_is_welcome(name: str) -> None:
    event = sample(name) | {"partitionkey": "k-ai-2026"}
    validator(name).validate(event)
    assert decode(json.dumps(event).encode()).extensions == {"partitionkey": "k-ai-2026"}


@pytest.mark.parametrize("name", TYPES)
def test_ids_are_uuidv5_of_the_pipeline_and_uuidv7_of_others(name: str) -> None:
    event = sample(name)
    assert event["id"][14] == ("5" if event["source"] == pipeline_source(event["subject"]) else "7")


@pytest.mark.parametrize("name", ["phasegate.programme.announced.v1", "phasegate.rulebook.amended.v1"])
def test_the_samples_rulebook_is_a_rulebook_under_its_digest(name: str) -> None:
    data = sample(name)["data"]
    assert parse_rulebook(data["rulebook"]).programme == "k-ai-2026"
    assert digest(data["rulebook"]) == data["digest"]


def test_the_amended_rulebook_leaves_the_phases_before_it_as_they_were() -> None:
    announced = sample("phasegate.programme.announced.v1")["data"]["rulebook"]
    amended = sample("phasegate.rulebook.amended.v1")["data"]
    ids = [phase["id"] for phase in amended["rulebook"]["phases"]]
    before = ids.index(amended["from_phase"])
    assert amended["rulebook"]["phases"][:before] == announced["phases"]
    assert amended["rulebook"]["version"] != announced["version"]


EVENTS_BY_ID = {(event["subject"], event["id"]) for event in map(sample, TYPES)}


@pytest.mark.parametrize(
    ("name", "member"),
    [("act.approved", "act"), ("objection.ruled", "objection"), ("figures.published", "decision")],
)
def test_a_sample_refers_to_another_sample_of_its_programme(name: str, member: str) -> None:
    event = sample(f"phasegate.{name}.v1")
    assert (event["subject"], event["data"][member]) in EVENTS_BY_ID


# --- compatibility ----------------------------------------------------------------------------------------------------


def test_no_released_name_is_gone() -> None:
    """A released name is in the table, or has a step that raises it."""
    assert RELEASED != {}
    assert set(RELEASED) - {*TYPES, *STEPS} == set()


def test_every_stored_name_has_the_schema_of_its_release() -> None:
    """Without one, a change that no longer reads old data would go unseen."""
    assert set(TYPES) - set(RELEASED) == set()


@pytest.mark.parametrize("name", RELEASED)
def test_what_was_released_is_still_read(name: str) -> None:
    if name in TYPES:
        assert breaks(load(RELEASED[name]), event_schema(TYPES[name])) == [], "make a new version and a step in upcast"


def test_a_narrower_model_would_be_seen() -> None:
    schema = event_schema(TYPES["phasegate.score.recorded.v1"])
    narrowed = copy.deepcopy(schema)
    narrowed["$defs"]["ScoreRecorded"]["required"].append("reference")
    assert breaks(schema, narrowed) == ["/data/reference: required now; old data may lack it"]


# --- AsyncAPI ---------------------------------------------------------------------------------------------------------

API = asyncapi(TYPES)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def resolve(reference: str) -> Any:
    """By JSON pointer, inside the document or in a file beside it."""
    file, _, pointer = reference.partition("#")
    found: Any = load(FOLDER / file) if file else API
    for step in pointer.split("/")[1:]:
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def test_every_reference_of_the_document_resolves() -> None:
    found = set(references(API))
    assert len(found) > 2 * len(TYPES)
    assert [reference for reference in found if not resolve(reference)] == []


@pytest.mark.parametrize("name", TYPES)
def test_a_stored_name_appears_in_exactly_its_topics(name: str) -> None:
    appears = {topic for topic, channel in API["channels"].items() if name in channel["messages"]}
    assert appears == set(TYPES[name].topics)
    message = resolve(API["channels"][TYPES[name].topics[0]]["messages"][name]["$ref"])
    assert message["name"] == name
    assert resolve(message["payload"]["schema"]["$ref"])["$id"] == schema_uri(name)


def test_the_document_lists_no_message_that_is_not_stored() -> None:
    assert set(API["components"]["messages"]) == {*TYPES, "refused-record"}


def test_the_topics_are_kept_without_end_and_dead_letters_are_not() -> None:
    assert list(API["channels"]) == [*TOPICS, DEAD_LETTERS]
    kept = {}
    for topic, channel in API["channels"].items():
        assert channel["address"] == f"{{prefix}}.{topic}"
        kafka = channel["bindings"]["kafka"]
        assert kafka["partitions"] == 12
        assert kafka["topicConfiguration"]["cleanup.policy"] == ["delete"]
        kept[topic] = kafka["topicConfiguration"]["retention.ms"]
    assert kept == dict.fromkeys(TOPICS, -1) | {DEAD_LETTERS: DEAD_LETTERS_KEPT_MS}


def test_every_message_is_keyed_by_programme_and_says_its_headers() -> None:
    (trait,) = API["components"]["messageTraits"].values()
    assert set(trait["headers"]["properties"]) == {"content-type", "phasegate-jws", "traceparent"}
    assert trait["headers"]["required"] == ["content-type"]
    assert Draft202012Validator(trait["bindings"]["kafka"]["key"]).is_valid("k-ai-2026")
    assert not Draft202012Validator(trait["bindings"]["kafka"]["key"]).is_valid("K AI")


def test_operations_use_messages_of_their_own_channel() -> None:
    """The recorder receives everything; what the office's key says is sent on every topic it belongs to."""
    for operation in API["operations"].values():
        prefix = operation["channel"]["$ref"] + "/messages/"
        assert operation["messages"] != []
        assert all(message["$ref"].startswith(prefix) for message in operation["messages"])
    received = [op["channel"]["$ref"] for op in API["operations"].values() if op["action"] == "receive"]
    assert received == [f"#/channels/{topic}" for topic in TOPICS]


def test_a_dead_letter_may_carry_every_reason() -> None:
    headers = API["components"]["messages"]["refused-record"]["headers"]
    assert headers["properties"]["phasegate_reason"]["enum"] == list(REFUSALS)
