"""The screen: what a manifest itself says against the counts of a gate, as findings for people to rule on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.audits import FindingRecorded
from events.derived import pipeline_source
from events.envelope import decode, encode
from handlers.screen import outstanding_screens, screen, screened
from tests.support import small
from tests.support.log import Log
from tests.support.stages import at
from tests.support.told import handed_in

DAY, OPENS = small.DAY, small.OPENS
OWN: dict[str, Any] = {"ancestors": []}


def model(init: str = "random", trained: str = "full", **more: Any) -> dict[str, Any]:
    properties = [
        {"name": "independence:weights.init", "value": init},
        {"name": "independence:weights.trained", "value": trained},
    ]
    return {"type": "machine-learning-model", "name": "m", "properties": properties, "pedigree": OWN, **more}


def ancestor(licence: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {"name": "a", "licenses": [licence] if licence else [], "externalReferences": [{"url": "urn:a"}], **more}


def descended(*ancestors: dict[str, Any]) -> dict[str, Any]:
    return {"components": [model(pedigree={"ancestors": [*ancestors]})]}


FREE = {"license": {"id": "Apache-2.0"}}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ({}, []),
        ({"components": [model()]}, []),
        ({"components": [model("pretrained")]}, [("technical", "not-met")]),
        ({"components": [model(trained="frozen")]}, [("technical", "not-met")]),
        ({"components": [model(pedigree=None)]}, [("technical", "undetermined")]),
        (
            {"components": [{"type": "library", "name": "l", "components": [model("pretrained")]}]},
            [("technical", "not-met")],
        ),
        (descended(ancestor(FREE)), []),
        (descended(ancestor({"license": {"id": "CC-BY-NC-4.0"}})), [("policy", "not-met")]),
        (descended(ancestor({"expression": "LicenseRef-ours"})), [("policy", "not-met")]),
        (descended(ancestor(FREE, externalReferences=[])), [("ethical", "not-met")]),
        (descended(ancestor(None)), [("ethical", "not-met")]),
    ],
)
def test_each_kind_of_weakness_is_a_suspicion_against_its_count(
    manifest: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert [(row.count, row.verdict) for row in screen(manifest)] == expected


def test_a_suspicion_points_to_its_place_in_the_manifest() -> None:
    nested = {
        "components": [{"components": [model(), model(pedigree={"ancestors": [ancestor(FREE), ancestor(None)]})]}]
    }
    assert [row.pointer for row in screen(nested)] == ["/components/0/components/1/pedigree/ancestors/1"]


def submitted(manifest: Any) -> Log:
    log = at("open")
    log.tell(handed_in("s", "ash", OPENS + DAY, manifest=manifest))
    return log


def test_findings_are_only_for_counts_that_the_gate_has_and_are_said_once() -> None:
    manifest = descended(ancestor({"license": {"id": "CC-BY-NC-4.0"}}, externalReferences=[]))
    log = submitted(manifest)
    phase = log.state.phases["heat"]
    (finding,) = screened(log.state, phase)
    assert (finding.data["count"], finding.data["entrant"]) == ("policy", "ash")
    log.progress(small.DEADLINES["submissions"] + 1)
    assert list(phase.findings) == [finding.id]
    assert outstanding_screens(log.state, phase) == []


def test_a_manifest_by_its_digest_alone_is_not_screened() -> None:
    log = submitted("0" * 64)
    assert screened(log.state, log.state.phases["heat"]) == []


def test_only_the_submission_in_force_is_screened() -> None:
    log = submitted({"components": [model("pretrained")]})
    log.tell(handed_in("s2", "ash", OPENS + DAY, supersedes="s", manifest={"components": [model()]}))
    assert screened(log.state, log.state.phases["heat"]) == []


exact = st.integers(-(2**53) + 1, 2**53 - 1)
words = st.one_of(st.none(), st.booleans(), exact, st.text(max_size=5), st.just("x" * 30_000))
names = st.sampled_from(
    ["components", "type", "name", "properties", "value", "pedigree", "ancestors", "licenses", "license", "id"]
)
shapes = st.recursive(
    words, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=15
)
models = st.fixed_dictionaries(
    {"type": st.just("machine-learning-model")}, optional={"name": words, "properties": shapes, "pedigree": shapes}
)
manifests = st.dictionaries(names, shapes, max_size=5) | st.fixed_dictionaries(
    {"components": st.lists(models, max_size=3)}
)


@settings(max_examples=200, deadline=None)
@given(manifests)
def test_no_manifest_stops_the_screen_and_every_finding_of_it_can_be_recorded(manifest: dict[str, Any]) -> None:
    log = submitted(manifest)
    assert log.outcomes()["submissions", 4][0] == "accepted"
    for event in screened(log.state, log.state.phases["heat"]):
        assert decode(encode(event)).data == event.data
        FindingRecorded.model_validate(event.data)
        assert event.source == pipeline_source(small.PROGRAMME)
