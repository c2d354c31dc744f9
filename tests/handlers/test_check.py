"""`check` finds every fault at once, each at its place in the document."""

from __future__ import annotations

import pytest

from handlers.check import faults
from infra.rulebook_file import loads
from tests.handlers.worked import K_AI, k_ai_document

STEPS = "[{over: items, by: sum}, {over: evaluators, by: mean}]"
GOOD = f"""
programme: p
sources: [{{source: "urn:x", types: [score.recorded], role: office}}]
phases:
  - id: one
    windows: {{submissions: 2026-01-05T09:00:00Z, scores: 2026-01-13T09:00:00Z}}
    criteria:
      - {{id: c, points: 10, panel: experts, items: {{i: [0, 5], j: [0, 5]}}, steps: {STEPS}}}
    gates: [{{id: g, counts: [t], tick: {{by: experts}}}}]
    quorum: {{experts: 3}}
    floors: {{c: 5, total: 6}}
    ties: [c, panel]
    advance: {{places: 1}}
"""


def found(text: str) -> set[tuple[str, str]]:
    return {(fault.place, fault.code) for fault in faults(loads(text).document)}


def test_a_good_rulebook_has_no_fault() -> None:
    assert found(GOOD) == set()


@pytest.mark.parametrize(
    ("written", "instead", "place", "code"),
    [
        ("ties: [c, panel]", "ties: [d]", "phases[0].ties[0]", "unknown-criterion"),
        ("ties: [c, panel]", "ties: [c, c]", "phases[0].ties", "duplicate-id"),
        ("floors: {c: 5, total: 6}", "floors: {d: 3}", "phases[0].floors.d", "unknown-criterion"),
        (
            "ties: [c, panel]",
            "ties: [c, panel]\n    rank_by: {weighted-sum: {d: 1}}",
            "phases[0].rank_by.weighted-sum.d",
            "unknown-criterion",
        ),
        ("ties: [c, panel]", "tie: [c]", "phases[0].tie", "extra-forbidden"),
        ("tick: {by: experts}", "tick: {by: crowd}", "phases[0].gates[0].tick.by", "unknown-panel"),
        ("tick: {by: experts}", "rebuttal: P3D", "phases[0].gates[0].rebuttal", "nobody-rules"),
        ("tick: {by: experts}", "findings_by: [auditors]", "phases[0].gates[0].findings_by[0]", "unknown-role"),
        ("quorum: {experts: 3}", "quorum: {crowd: 3}", "phases[0].quorum.crowd", "unknown-panel"),
        ("quorum: {experts: 3}", "sign_off: [{role: boss, meaning: ok}]", "phases[0].sign_off[0].role", "unknown-role"),
        ("role: office", "panel: crowd", "sources[0].panel", "unknown-panel"),
        ("role: office", "keys: [abc]", "sources[0].keys[0]", "bad-key"),
        ("scores: 2026-01-13", "scores: 2026-01-04", "phases[0].windows.scores", "out-of-order"),
        ("2026-01-13T09:00:00Z", "soon", "phases[0].windows.scores", "value-error"),
        ("advance: {places: 1}", "publish: x", "phases[0].advance", "missing"),
        ("advance: {places: 1}", "advance: {places: 1, at_least: 2}", "phases[0].advance.at_least", "too-few-places"),
        ("points: 10", "points: 9", "phases[0].criteria[0].points", "points-exceeded"),
        ("points: 10", "points: 1e3", "phases[0].criteria[0].points", "value-error"),
        ("panel: experts, ", "", "phases[0].criteria[0].panel", "missing"),
        ("j: [0, 5]", "j: [5, 0]", "phases[0].criteria[0].items.j", "range-reversed"),
        ("id: c,", "id: total,", "phases[0].criteria[0].id", "reserved-id"),
        ("id: c,", "id: C,", "phases[0].criteria[0].id", "string-pattern-mismatch"),
        (STEPS, "[{over: items, by: sum}]", "phases[0].criteria[0].steps", "axis-not-reduced"),
        (STEPS, "[points]", "phases[0].criteria[0].steps", "axis-not-reduced"),
        ("by: sum}", "by: sum}, {mark: ratio}", "phases[0].criteria[0].steps[1]", "step-order"),
        ("by: sum}", "by: sum}, {over: items, by: mean}", "phases[0].criteria[0].steps[1]", "step-order"),
        ("by: sum}", "by: sum}, {times: {i: 1, j: 2}}", "phases[0].criteria[0].steps[1]", "step-order"),
        ("by: sum}", "by: sum}, {subtract: c}", "phases[0].criteria[0].steps[1]", "step-order"),
        ("by: sum}", "by: sum}, {subtract: c}", "phases[0].criteria[0].steps[1].subtract", "circular"),
        ("by: sum}", "by: sum}, {subtract: d}", "phases[0].criteria[0].steps[1].subtract", "unknown-criterion"),
        ("by: sum}", "by: sum}, {subtracts: d}", "phases[0].criteria[0].steps[1]", "unknown-step"),
        ("by: sum}", "by: summ}", "phases[0].criteria[0].steps[0].by", "literal-error"),
        (
            "panel: experts, ",
            "panel: experts, item_titles: {i: {en: One}, k: {en: Other}}, ",
            "phases[0].criteria[0].item_titles.k",
            "unknown-item",
        ),
        ("by: sum}", "by: sum, n: 2}", "phases[0].criteria[0].steps[0].n", "not-used"),
        ("by: sum}", "by: weighted-sum}", "phases[0].criteria[0].steps[0]", "weights-missing"),
        (
            "by: sum}",
            "by: weighted-sum, weights: {i: 1, j: 1, k: 1}}",
            "phases[0].criteria[0].steps[0].weights.k",
            "unknown-item",
        ),
        ("by: sum}", "by: weighted-sum, weights: {i: 1}}", "phases[0].criteria[0].steps[0].weights", "weight-missing"),
        ("by: sum}", "by: drop-worst, n: 2}", "phases[0].criteria[0].steps[0].n", "n-too-large"),
        ("by: sum}", "by: weighted-sum, weights: {i: 2, j: 1}}", "phases[0].criteria[0].points", "points-exceeded"),
        ("points: 10", "points: 4", "phases[0].floors.c", "floor-unreachable"),
        (
            "by: mean}",
            "by: mean}, {across: entrants, by: top, ties: low}",
            "phases[0].criteria[0].steps[2].ties",
            "not-used",
        ),
        (
            "by: mean}",
            "by: mean}, {across: entrants, by: rank-points, points: []}",
            "phases[0].criteria[0].steps[2]",
            "points-missing",
        ),
        ("ties: [c, panel]", "ties: [total]", "phases[0].ties[0]", "never-decides"),
        ("score.recorded]", "score.recorder]", "sources[0].types[0]", "unknown-type"),
        ("by: mean}", "by: trimmed-mean}", "phases[0].criteria[0].steps[1]", "drop-missing"),
        ("by: mean}", "by: trimmed-mean, drop: [2, 1]}", "phases[0].criteria[0].steps[1].drop", "drop-too-large"),
    ],
)
def test_each_fault_is_found_at_its_place(written: str, instead: str, place: str, code: str) -> None:
    assert written in GOOD
    assert (place, code) in found(GOOD.replace(written, instead, 1))


def test_all_faults_are_told_at_once_and_a_broken_piece_hides_no_other() -> None:
    text = GOOD.replace("points: 10", "points: ten").replace("ties: [c, panel]", "ties: [d]").replace("P", "p")
    text = text.replace("{places: 1}", "{places: -1}").replace("by: experts", "by: crowd").replace("id: one", "id: One")
    assert {code for _, code in found(text)} == {
        "value-error",
        "unknown-criterion",
        "greater-than-equal",
        "unknown-panel",
        "string-pattern-mismatch",
    }


def test_a_fault_names_the_value_and_what_to_do_and_leads_to_its_line() -> None:
    loaded = loads(GOOD.replace("ties:", "tise:"))
    (fault,) = faults(loaded.document)
    assert fault.message == "there is no member 'tise' here; did you mean 'ties'?"
    assert loaded.line(fault.path) == 1 + GOOD[: GOOD.index("ties:")].count("\n")


def test_an_event_of_a_later_version_may_be_named() -> None:
    assert found(GOOD.replace("score.recorded]", "key.rotated]")) == set()


def test_two_phases_and_two_criteria_need_names_of_their_own() -> None:
    document = loads(GOOD).document
    document["phases"].append(document["phases"][0])
    document["phases"][0]["criteria"].append(document["phases"][0]["criteria"][0])
    told = {(fault.place, fault.code) for fault in faults(document)}
    assert {("phases", "duplicate-id"), ("phases[0].criteria[1].id", "duplicate-id")} <= told


def test_the_next_phase_opens_after_the_last_deadline() -> None:
    document = loads((K_AI / "rulebook.yaml").read_text(encoding="utf-8")).document
    document["phases"][2]["opens"] = "2025-07-31T00:00:00Z"
    assert [(fault.place, fault.code) for fault in faults(document)] == [("phases[2].opens", "out-of-order")]


def test_points_of_a_branch_are_those_of_its_parts() -> None:
    text = (K_AI / "rulebook.yaml").read_text(encoding="utf-8").replace("points: 40", "points: 45", 1)
    assert found(text) == {("phases[2].criteria[0].points", "points-differ")}


@pytest.mark.parametrize(
    "document", [None, [], "x", {}, {"phases": "x"}, {"criteria": [1]}, {"phases": [[], {"id": 3}]}]
)
def test_nonsense_is_a_fault_and_never_an_error(document: object) -> None:
    assert faults(document) != []


def test_a_bare_document_is_told_of_in_its_own_places() -> None:
    bare = {"criteria": k_ai_document()["phases"][0]["criteria"], "means": {"places": "x"}}
    assert [fault.place for fault in faults(bare)] == ["means.places"]
