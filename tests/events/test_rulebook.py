"""The rulebook's models: what a document means, and its digest."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from events.rulebook import Grace, RulebookInvalid, digest, parse_rulebook
from infra.rulebook_file import load, loads

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "k-ai-2026" / "rulebook.yaml"
DECIDING = """
programme: p
phases:
  - id: phase-1
    windows: {submissions: 2026-01-05T09:00:00Z, scores: 2026-01-13T09:00:00Z, audits: 2026-01-14T09:00:00Z}
    late: {grace: PT1H}
    criteria:
      - id: benchmark
        parts:
          - {id: common, points: 20, panel: experts, items: {i: [0, 1]}, steps: [{mark: ratio, cap: 1},
             {over: items, by: mean}, {over: evaluators, by: mean}, points]}
      - {id: expert, panel: experts, items: {i: [0, 10]}, steps: [{over: items, by: sum}, {over: evaluators, by: mean}]}
    floors: {expert: 17.5, total: 60}
    gates:
      - id: independence
        counts: [technical, policy, ethical]
        findings_by: [auditors]
        tick: {by: experts, not_met_when: majority}
        rebuttal: P3D
        ruling_by: [ministry]
        without_finding: met
        when: after-ranking
    rank_by: total
    ties: [expert, benchmark.common, panel]
    advance: {places: 4, refill_from_ranking: false, at_least: 0}
    vacancies: {open_call: reopening}
    sign_off: [{role: programme-director, meaning: approves}]
    objections: {window: P10D, grounds: [evaluator-error, misreading, agency-error], heard_by: fresh-panel}
    publish: k-ai-public
"""


def example() -> dict[str, Any]:
    document: dict[str, Any] = load(EXAMPLE).document
    return document


def test_a_phase_written_as_in_the_design_is_understood() -> None:
    phase = parse_rulebook(loads(DECIDING).document).phase("phase-1")
    assert phase.floors == {"expert": Fraction("17.5"), "total": 60}
    assert phase.late == Grace(grace="PT1H")
    assert phase.advance is not None
    assert (phase.advance.places, phase.advance.refill_from_ranking) == (4, False)
    assert phase.gate("independence").counts == ("technical", "policy", "ethical")
    assert phase.panels == ("experts",)


def test_leaves_are_found_by_their_dotted_ids() -> None:
    phase = parse_rulebook(loads(DECIDING).document).phase("phase-1")
    leaf = phase.leaves["benchmark.common"]
    assert (leaf.id, leaf.points, leaf.panel, leaf.takes_reference) == (
        "benchmark.common",
        Fraction(20),
        "experts",
        True,
    )
    assert leaf.items == {"i": (Fraction(0), Fraction(1))}
    assert list(phase.tree) == ["benchmark.common", "benchmark", "expert"]
    assert phase.leaves["expert"].takes_reference is False
    assert phase.leaves is phase.leaves


def test_what_stands_under_a_branch_that_does_not_count_does_not_count() -> None:
    document = loads(DECIDING).document
    document["phases"][0]["criteria"][0]["counts"] = "false"
    phase = parse_rulebook(document).phase("phase-1")
    assert [(path, node.counts) for path, node in phase.tree.items()] == [
        ("benchmark.common", False),
        ("benchmark", False),
        ("expert", True),
    ]


def test_a_bare_scoring_document_is_one_phase() -> None:
    phase = example()["phases"][0]
    rulebook = parse_rulebook({"means": {"places": "2"}, "criteria": phase["criteria"]})
    assert [phase.id for phase in rulebook.phases] == ["phase-1"]
    assert rulebook.phases[0].means is not None
    assert rulebook.phases[0].means.places == 2


def test_means_of_the_programme_stand_for_phases_without_their_own() -> None:
    document = example()
    document["phases"][1]["means"] = {"places": "1", "mode": "down"}
    rounding = [phase.means and (phase.means.places, phase.means.mode) for phase in parse_rulebook(document).phases]
    assert rounding == [(1, "down") if number == 1 else (2, "half-up") for number in range(len(rounding))]


def test_the_digest_is_that_of_the_canonical_json_as_written() -> None:
    document = example()
    canonical = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert digest(document) == hashlib.sha256(canonical).hexdigest()


def test_the_digest_sees_how_a_number_is_written_and_not_the_order_of_members() -> None:
    document = example()
    turned = dict(reversed(deepcopy(document).items()))
    assert digest(turned) == digest(document)
    turned["version"] = "1.0"
    assert digest(turned) != digest(document)


@pytest.mark.parametrize("number", [17.5, True, None, "1e3", "+1", "01", ".5", "1" * 19])
def test_a_number_is_written_as_plain_decimal_text(number: object) -> None:
    document = loads(DECIDING).document
    document["phases"][0]["floors"]["expert"] = number
    with pytest.raises(RulebookInvalid, match="floors"):
        parse_rulebook(document)


def test_faults_are_refused_with_their_count_and_the_next_step() -> None:
    with pytest.raises(RulebookInvalid, match=r"2 faults, first") as refusal:
        parse_rulebook({"programme": "P", "phases": []})
    assert "phasegate check" in refusal.value.hint


def test_an_unknown_phase_or_gate_is_not_made_up() -> None:
    rulebook = parse_rulebook(loads(DECIDING).document)
    assert rulebook.find_phase("phase-2") is None
    with pytest.raises(KeyError):
        rulebook.phase("phase-2")
    with pytest.raises(KeyError):
        rulebook.phases[0].gate("quality")
