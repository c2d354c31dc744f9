"""The screen: what a manifest itself says against the counts of a gate, as findings for people to rule on."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.audits import FindingRecorded
from events.derived import pipeline_source
from events.envelope import decode, encode
from handlers.gates import gate_results
from handlers.manifest import manifest_fault
from handlers.screen import outstanding_screens, screen, screened
from tests.support import small
from tests.support.bom import APACHE, ancestor, bom, descent, model, said
from tests.support.log import Log
from tests.support.stages import at
from tests.support.told import handed_in

DAY, OPENS = small.DAY, small.OPENS
NON_COMMERCIAL: dict[str, Any] = {"license": {"id": "CC-BY-NC-4.0"}}
TECHNICAL, POLICY, ETHICAL = "technical", "policy", "ethical"
HASH = {"alg": "SHA-256", "content": "ab" * 32}


def descended(*ancestors: dict[str, Any]) -> dict[str, Any]:
    """The team's own weights in a model whose design has ancestors."""
    return model(pedigree=descent(*ancestors))


def verdicts(*components: dict[str, Any]) -> list[tuple[str, str]]:
    manifest = bom(*components)
    assert manifest_fault(manifest) is None
    return [(row.count, row.verdict) for row in screen(manifest)]


@pytest.mark.parametrize(
    ("init", "trained", "expected"),
    [
        ("random", "full", []),
        ("pretrained", "full", [(TECHNICAL, "not-met")]),
        ("merged", "full", [(TECHNICAL, "not-met")]),
        ("distilled", "full", [(TECHNICAL, "undetermined")]),
        ("random", "frozen", [(TECHNICAL, "not-met")]),
        ("random", "adapter", [(TECHNICAL, "not-met")]),
        ("random", "partial", [(TECHNICAL, "undetermined")]),
        ("distilled", "frozen", [(TECHNICAL, "not-met")]),
        ("fresh", "full", [(TECHNICAL, "undetermined")]),
        ("random", "fully", [(TECHNICAL, "undetermined")]),
        (None, "full", [(TECHNICAL, "undetermined")]),
        ("random", None, [(TECHNICAL, "undetermined")]),
    ],
)
def test_weights_are_the_teams_own_when_they_start_at_random_and_are_trained_in_full(
    init: str | None, trained: str | None, expected: list[tuple[str, str]]
) -> None:
    assert verdicts(model(init, trained, pedigree=descent(ancestor(APACHE)))) == expected


def test_a_random_start_names_its_seed_and_another_start_needs_none() -> None:
    assert verdicts(model(properties=said(seed=None))) == [(TECHNICAL, "undetermined")]
    assert verdicts(model(properties=said("distilled", seed=None))) == [(TECHNICAL, "undetermined")]
    (row,) = screen(bom(model(properties=said(seed=None))))
    assert row.note == "weights.init is random and weights.seed is not said: the start cannot be drawn again"


def test_what_is_said_twice_is_held_against_the_model_twice() -> None:
    assert verdicts(model(properties=said() + said("pretrained"))) == [(TECHNICAL, "not-met"), (ETHICAL, "not-met")]


@pytest.mark.parametrize("pedigree", [None, {}, {"notes": "ours"}, {"variants": [ancestor(APACHE)]}])
def test_without_a_word_on_ancestors_it_is_not_determined(pedigree: dict[str, Any] | None) -> None:
    assert verdicts(model(pedigree=pedigree)) == [(TECHNICAL, "undetermined")]


def test_anothers_weights_without_an_ancestor_are_not_disclosed() -> None:
    expected = [(TECHNICAL, "not-met"), (ETHICAL, "not-met")]
    assert verdicts(model("pretrained")) == verdicts(model("merged", pedigree=None)) == expected


def test_an_ancestors_own_file_is_not_the_teams_whatever_is_said_of_it() -> None:
    mine = model(hashes=[HASH | {"content": "AB" * 32}], pedigree=descent(ancestor(APACHE, hashes=[HASH])))
    assert verdicts(mine) == [(TECHNICAL, "not-met")]
    other = HASH | {"content": "cd" * 32}
    assert verdicts(model(hashes=[other], pedigree=descent(ancestor(APACHE, hashes=[HASH])))) == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (ancestor(APACHE), []),
        (ancestor(NON_COMMERCIAL), [(POLICY, "not-met")]),
        (ancestor(APACHE, NON_COMMERCIAL), [(POLICY, "not-met")]),
        (ancestor({"license": {"name": "Llama 3 Community License"}}), [(POLICY, "not-met")]),
        (ancestor({"license": {"name": "ours"}}), [(POLICY, "undetermined")]),
        (ancestor({"expression": "LicenseRef-ours"}), [(POLICY, "undetermined")]),
        (ancestor({"expression": "MIT AND CC-BY-NC-4.0"}), [(POLICY, "not-met")]),
        (ancestor({"expression": "MIT OR CC-BY-NC-4.0"}), []),
        (ancestor(APACHE, externalReferences=[]), [(ETHICAL, "not-met")]),
        (ancestor(), [(ETHICAL, "not-met")]),
        (ancestor({"license": {"name": "NOASSERTION"}}), [(ETHICAL, "not-met")]),
        (ancestor(NON_COMMERCIAL, externalReferences=[]), [(POLICY, "not-met"), (ETHICAL, "not-met")]),
        (ancestor(APACHE, pedigree=descent(ancestor(NON_COMMERCIAL))), [(POLICY, "not-met")]),
    ],
)
def test_an_ancestor_has_a_licence_without_limits_and_a_reference(
    found: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert verdicts(descended(found)) == expected


def test_likeness_is_not_descent() -> None:
    """As in January 2026: LayerNorm weights with a cosine of 0.98 to another's, and nothing taken from it."""
    like = ancestor({"license": {"name": "ours"}}, name="another model", externalReferences=[])
    claim = {"name": "claim:layernorm-cosine", "value": "0.98 to another model"}
    pedigree = descent(variants=[like], notes="Claimed to be derived; centred, the correlation is 0.01.")
    assert verdicts(model(properties=[*said(), claim], pedigree=pedigree)) == []


def test_models_are_found_however_deep_and_each_is_pointed_to() -> None:
    inner = {"type": "library", "name": "l", "components": [model("pretrained", pedigree=descent(ancestor(APACHE)))]}
    subject = model(components=[model(trained := "distilled", pedigree=descent(ancestor(APACHE)))])
    manifest = bom(model(), inner, descended(ancestor(APACHE), ancestor()), metadata={"component": subject})
    assert (manifest_fault(manifest), trained) == (None, "distilled")
    assert [row.pointer for row in screen(manifest)] == [
        "/metadata/component/components/0",
        "/components/1/components/0",
        "/components/2/pedigree/ancestors/1",
    ]


def test_a_model_that_only_holds_others_is_described_by_them() -> None:
    holder = {"type": "machine-learning-model", "name": "whole"}
    assert verdicts(holder | {"components": [model()]}) == []
    assert verdicts(holder) == [(TECHNICAL, "undetermined")]
    assert screen(bom(model(), metadata={"component": holder})) == []
    assert [row.pointer for row in screen(bom(metadata={"component": holder}))] == ["/metadata/component"]


def test_without_a_model_there_is_nothing_to_screen() -> None:
    assert screen({}) == []
    assert verdicts({"type": "library", "name": "l"}) == []


def test_the_note_says_what_speaks_against_the_weights_and_which_they_are() -> None:
    tensors = {"name": "independence:tensors.glob", "value": "model.vision_tower.*"}
    mine = model(properties=[*said("pretrained", "frozen"), tensors], pedigree=descent(ancestor(APACHE)))
    (row,) = screen(bom(mine))
    assert row.note == (
        "weights.init is pretrained: the weights start as another model's; weights.trained is frozen: "
        "the weights stay as they were (tensors model.vision_tower.*)"
    )


def submitted(manifest: Any) -> Log:
    log = at("open")
    log.tell(handed_in("s", "ash", OPENS + DAY, manifest=manifest))
    return log


def test_findings_are_only_for_counts_that_the_gate_has_and_are_said_once() -> None:
    manifest = bom(descended(ancestor(NON_COMMERCIAL, externalReferences=[])))
    log = submitted(manifest)
    phase = log.state.phases["heat"]
    (finding,) = screened(log.state, phase)
    assert (finding.data["count"], finding.data["entrant"]) == ("policy", "ash")
    log.progress(small.DEADLINES["submissions"] + 1)
    assert list(phase.findings) == [finding.id]
    assert outstanding_screens(log.state, phase) == []


@pytest.mark.parametrize("manifest", ["0" * 64, None])
@pytest.mark.parametrize("without_finding", ["met", "undetermined"])
def test_a_manifest_by_its_digest_is_not_screened_and_its_counts_are_as_the_rules_say(
    manifest: str | None, without_finding: Literal["met", "undetermined"]
) -> None:
    log = submitted(manifest)
    phase = log.state.phases["heat"]
    gate = phase.rules.gates[0].model_copy(update={"without_finding": without_finding})
    phase.rules = phase.rules.model_copy(update={"gates": (gate,)})
    assert screened(log.state, phase) == []
    result = gate_results(log.state, phase)["ash", gate.id]
    assert (result.verdict, result.counts) == (without_finding, dict.fromkeys(gate.counts, without_finding))


def test_only_the_submission_in_force_is_screened() -> None:
    log = submitted(bom(model("pretrained")))
    log.tell(handed_in("s2", "ash", OPENS + DAY, supersedes="s", manifest=bom(model())))
    assert screened(log.state, log.state.phases["heat"]) == []


exact = st.integers(-(2**53) + 1, 2**53 - 1)
words = st.one_of(st.none(), st.booleans(), exact, st.text(max_size=5), st.just("x" * 30_000))
names = st.sampled_from(
    [
        "components",
        "type",
        "name",
        "properties",
        "value",
        "pedigree",
        "ancestors",
        "licenses",
        "license",
        "id",
        "hashes",
    ]
)
shapes = st.recursive(
    words, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=15
)
models = st.fixed_dictionaries(
    {"type": st.just("machine-learning-model")},
    optional=dict.fromkeys(("name", "properties", "pedigree", "hashes", "components"), shapes),
)
manifests = st.dictionaries(names, shapes, max_size=5) | st.fixed_dictionaries(
    {"components": st.lists(models, max_size=3)}, optional={"metadata": st.fixed_dictionaries({"component": models})}
)


@settings(max_examples=500, deadline=None)
@given(manifests)
def test_no_json_object_stops_the_screen(manifest: dict[str, Any]) -> None:
    rows = screen(manifest)
    assert len({(row.count, row.pointer) for row in rows}) == len(rows)


any_text = st.text(max_size=5) | st.just("x" * 30_000)
properties = st.builds(
    lambda name, value: {"name": f"independence:{name}", "value": value},
    st.sampled_from(["weights.init", "weights.trained", "weights.seed", "tensors.glob"]),
    st.sampled_from(["random", "pretrained", "merged", "distilled", "full", "partial", "frozen", "adapter"]) | any_text,
)
licences = st.builds(lambda name: {"license": {"name": name}}, any_text) | st.just(APACHE) | st.just(NON_COMMERCIAL)
ancestors = st.builds(
    lambda name, rows, references: ancestor(*rows, name=name, externalReferences=references),
    any_text,
    st.lists(licences, max_size=2),
    st.sampled_from([[], [{"type": "documentation", "url": "urn:a"}]]),
)
valid = st.lists(
    st.builds(
        lambda name, rows, pedigree: model(name=name, properties=rows, pedigree=pedigree),
        any_text,
        st.lists(properties, max_size=4),
        st.none() | st.lists(ancestors, max_size=2, unique_by=str).map(lambda rows: descent(*rows)),
    ),
    max_size=3,
    unique_by=str,
)


@settings(max_examples=100, deadline=None)
@given(valid)
def test_every_finding_on_a_valid_manifest_can_be_recorded(components: list[dict[str, Any]]) -> None:
    log = submitted(bom(*components))
    assert log.outcomes()["submissions", 4][0] == "accepted"
    for event in screened(log.state, log.state.phases["heat"]):
        assert decode(encode(event)).data == event.data
        FindingRecorded.model_validate(event.data)
        assert event.source == pipeline_source(small.PROGRAMME)
