"""`check` on what several phases say of each other: calls, the places they fill, parity, second persons."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.check import faults
from infra.rulebook_file import loads

STEPS = "[{over: items, by: sum}, {over: evaluators, by: mean}]"
CRITERIA = f"criteria: [{{id: c, points: 10, panel: jury, items: {{i: [0, 10]}}, steps: {STEPS}}}]"
GOOD = f"""
programme: p
sources:
  - {{source: "urn:office", types: ["*"], role: office}}
  - {{source: "urn:voters", types: [recognition.voted], panel: voters}}
phases:
  - id: one
    opens: 2026-01-01T00:00:00Z
    windows: {{submissions: 2026-01-05T09:00:00Z, scores: 2026-01-13T09:00:00Z}}
    {CRITERIA}
    advance: {{places: 2}}
    vacancies: {{open_call: again}}
    approvals: {{score.voided: office}}
  - id: again
    call: {{fills: one, opens: 2026-02-01T00:00:00Z, recognition: {{by: voters}}}}
    opens: 2026-03-01T00:00:00Z
    windows: {{scores: 2026-03-13T09:00:00Z}}
    {CRITERIA}
    advance: {{places: 1}}
  - id: two
    opens: 2026-04-01T00:00:00Z
    windows: {{submissions: 2026-05-05T09:00:00Z, scores: 2026-05-13T09:00:00Z}}
    parity: {{submissions: 2026-05-10T09:00:00Z}}
    {CRITERIA}
    advance: {{places: 1}}
"""


def found(text: str) -> set[tuple[str, str]]:
    return {(fault.place, fault.code) for fault in faults(loads(text).document)}


def test_a_programme_with_a_call_has_no_fault() -> None:
    assert found(GOOD) == set()


@pytest.mark.parametrize(
    ("written", "instead", "expected"),
    [
        (
            "fills: one",
            "fills: two",
            {("phases[1].call.fills", "unknown-phase"), ("phases[0].vacancies.open_call", "unknown-phase")},
        ),
        ("vacancies: {open_call: again}", "late: refuse", {("phases[1].call.fills", "not-used")}),
        (
            "vacancies: {open_call: again}",
            "vacancies: {open_call: two}",
            {("phases[0].vacancies.open_call", "unknown-phase"), ("phases[1].call.fills", "not-used")},
        ),
        ("    opens: 2026-03-01T00:00:00Z\n", "", {("phases[1].opens", "missing")}),
        (
            "opens: 2026-02-01T00:00:00Z, rec",
            "opens: 2026-03-02T00:00:00Z, rec",
            {("phases[1].call.opens", "out-of-order")},
        ),
        ("submissions: 2026-05-05T09:00:00Z, ", "", {("phases[2].parity", "not-used")}),
        ("score.voided: office", "score.voided: boss", {("phases[0].approvals.score.voided", "unknown-role")}),
        ("score.voided: office", "score.burnt: office", {("phases[0].approvals.score.burnt", "literal-error")}),
        ("panel: voters", "panel: crowd", {("sources[1].panel", "unknown-panel")}),
    ],
)
def test_what_phases_say_of_each_other_holds_together(written: str, instead: str, expected: set[Any]) -> None:
    assert written in GOOD
    assert found(GOOD.replace(written, instead)) == expected


def test_a_call_may_be_named_before_an_amendment_brings_it() -> None:
    text = GOOD.replace("vacancies: {open_call: again}", "vacancies: {open_call: later}")
    assert ("phases[0].vacancies.open_call", "unknown-phase") not in found(text)
