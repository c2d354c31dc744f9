"""One rulebook with a fault in every corner: all are told at once, each on its line and with its reason."""

from __future__ import annotations

import re

from handlers.check import faults
from infra.rulebook_file import loads

RULEBOOK = """
programme: p
sources:
  - {source: "urn:a", types: ["*"], role: office}
  - {source: "urn:b", types: [score.record], panel: experts}                      #! unknown-type
  - {source: "urn:c", types: [score.recorded], panel: crowd}                      #! unknown-panel
  - {source: "urn:d", types: [score.recorded], role: Ministry}                    #! string-pattern-mismatch
  - {source: "urn:e", types: [score.recorded], keys: [abc]}                       #! bad-key
  - {source: "urn:f", types: []}                                                  #! too-short
profiles:
  - {id: open, shows: [outcomes]}
phases:
  - id: one
    opens: 2026-01-01T00:00:00Z
    windows:
      submissions: 2026-01-05T09:00:00Z
      scores: 2026-01-04T09:00:00Z                                                #! out-of-order
      audits: next week                                                           #! value-error
    late: never                                                                   #! literal-error
    criteria:
      - id: clarity
        points: ten                                                               #! value-error
        panel: experts
        items: {i: [5, 0], j: [0, 5]}                                             #! range-reversed
        steps:
          - {over: items, by: weighted-sum, weights: {i: 1}}                      #! weight-missing
          - {over: items, by: mean}                                               #! step-order
          - {over: evaluators, by: trimmed-mean}                                  #! drop-missing
          - {rond: {places: 1}}                                                   #! unknown-step
          - {round: {places: 40}}                                                 #! less-than-equal
      - id: effect
        points: 10
        panel: experts
        items: {i: [0, 0]}                                                        #! no-reference
        steps:
          - {mark: ratio, cap: 0}                                                 #! cap-not-positive
          - {over: items, by: best-of, n: 2}                                      #! n-too-large
          - {over: evaluators, by: mean}
          - {across: entrants, by: rank-points, points: [8, 10]}                  #! points-rising
          - {subtract: falls}                                                     #! counts-twice
      - id: falls                                                                 # (no deduction: it counts)
        panel: experts
        items: {i: [0, 5]}
        steps: [{over: items, by: sum}]                                           #! axis-not-reduced
      - id: sum
        points: 20                                                                #! points-differ
        parts:
          - id: a
            points: 4                                                             #! points-exceeded
            panel: experts
            items: {i: [0, 5]}
            steps: [{over: items, by: sum}, {over: evaluators, by: mean}]
          - id: b
            points: 5
            panel: experts
            items: {i: [0, 5]}
            steps: [{over: items, by: sum}, {over: evaluators, by: mean}, {subtract: ghost}]   #! unknown-criterion
      - id: least
        by: weighted-sum                                                          # (the criterion's own line:)
        weights: {c: 1, d: 1}                                                     #! unknown-criterion
        parts:
          - id: c
            panel: experts
            items: {i: [0, 5]}
            steps: [{over: items, by: sum}, {over: evaluators, by: mean}, points] #! points-missing
          - id: c                                                                 #! duplicate-id
            panel: experts
            items: {i: [0, 5]}
            steps: [{over: items, by: sum}, {over: evaluators, by: mean}]
    floors: {effect: 11}                                                          #! floor-unreachable
    rank_by: {weighted-sum: {style: 1}}                                           #! unknown-criterion
    ties: [panel, effect]                                                         #! panel-not-last
    gates:
      - id: g
        counts: [t, t]                                                            #! duplicate-id
        tick: {by: crowd}                                                         #! unknown-panel
        rebuttal: P3D                                                             #! nobody-rules
        findings_by: [auditors]                                                   #! unknown-role
        when: afterwards                                                          #! literal-error
    quorum: {crowd: 2}                                                            #! unknown-panel
    advance: {places: 2, at_least: 3}                                             #! too-few-places
    sign_off: [{role: boss, meaning: approves}]                                   #! unknown-role
    objections: {window: ten days}                                                #! value-error
    publish: closed                                                               #! unknown-profile
    mising: hold                                                                  #! extra-forbidden
  - id: two
    opens: 2026-01-02T00:00:00Z                                                   #! out-of-order
    criteria: []                                                                  #! too-short
    advance: {places: -1}                                                         #! greater-than-equal
    vacancies: {open_call: one}                                                   #! unknown-phase
    approvals: {tie.resolved: boss}                                               #! unknown-role
  - id: three                                                                     #! missing
    criteria:
      - {id: total, panel: p, items: {i: [0, 1]}, steps: [{over: items, by: mean}, {over: evaluators, by: mean}]} #! reserved-id
"""


def test_every_fault_of_a_rulebook_is_told_at_once_on_its_line_with_its_reason() -> None:
    loaded = loads(RULEBOOK)
    told = sorted((loaded.line(fault.path), fault.code) for fault in faults(loaded.document))
    lines = enumerate(RULEBOOK.splitlines(), 1)
    expected = sorted((line, code) for line, text in lines for code in re.findall(r"#! (\S+)", text))
    assert told == expected
    assert len(expected) >= 45
    assert len({code for _, code in expected}) >= 30


def test_every_message_says_what_to_do() -> None:
    for fault in faults(loads(RULEBOOK).document):
        assert re.search(r"[;?]|needs", fault.message), fault
