"""The files of the K-AI example: what is committed is well formed, consistent with itself, and true to the record."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from events.derived import derived_id, pipeline_source
from events.envelope import Envelope, decode, encode
from events.names import TYPES
from events.values import parse_instant
from flows.scenario import Scenario, read_scenario
from handlers.check import faults
from handlers.decide import decision_id
from handlers.engines import ENGINES, FIRST
from handlers.evolve import evolve
from handlers.screen import FINDING, outstanding_screens, screen
from handlers.state import Fact, PhaseState, State
from infra.rulebook_file import load

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "k-ai-2026"
PROGRAMME = "k-ai-2026"
TEAMS = ("lg-ai-research", "naver-cloud", "nc-ai", "sk-telecom", "upstage")
SUBMITTED = [(team, "phase-1") for team in TEAMS]
SUBMITTED += [(team, "phase-2") for team in ("lg-ai-research", "motif-technologies", "sk-telecom", "upstage")]
VERSIONS = ("rulebook-1.yaml", "rulebook-2.yaml", "rulebook-3.yaml", "rulebook.yaml")
LINES = (EXAMPLE / "events.ndjson").read_bytes().splitlines()
EVENTS = [decode(line) for line in LINES]
SCREEN_FINDING = "ebb6ae82-c7e5-5943-a209-87e66bb1501e"
DECISION = "860d9ec6-7213-53db-b31a-c6ef472b3196"
SENT_TWICE = "019b960a-0e00-7884-8ef3-b8f34ff18df5"


def of(name: str) -> list[Envelope]:
    """The events of a short type name, in the order of the file."""
    return [event for event in EVENTS if event.type == f"phasegate.{name}.v1"]


def submission(team: str, phase: str = "phase-1") -> Envelope:
    found = [event for event in of("submission.received") if event.data["entrant"] == team]
    return next(event for event in found if event.data["phase"] == phase)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return read_scenario(EXAMPLE)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    read: dict[str, Any] = load(EXAMPLE / "scenario.yaml").document
    return read


# --- events.ndjson ----------------------------------------------------------------------------------------------------


def test_every_line_is_canonical_and_fits_the_model_of_its_type() -> None:
    for line, event in zip(LINES, EVENTS, strict=True):
        assert encode(event) == line
        assert event.subject == PROGRAMME
        TYPES[event.type].model.model_validate(event.data)


def test_events_stand_in_the_order_of_their_time() -> None:
    times = [parse_instant(event.time) for event in EVENTS]
    assert times == sorted(times)


def test_ids_are_uuid7_of_their_own_millisecond() -> None:
    for event in EVENTS:
        uuid = UUID(event.id)
        assert (uuid.version, uuid.int >> 80) == (7, parse_instant(event.time)), event.id


def test_one_id_comes_twice_with_the_same_bytes_and_no_other_does() -> None:
    repeated = [(event_id, count) for event_id, count in Counter(event.id for event in EVENTS).items() if count > 1]
    assert repeated == [(SENT_TWICE, 2)]
    assert len({line for line, event in zip(LINES, EVENTS, strict=True) if event.id == SENT_TWICE}) == 1


def test_nothing_that_the_pipeline_says_itself_is_in_the_file() -> None:
    said = {TYPES[event.type].short for event in EVENTS}
    assert said == {
        "entrant.registered",
        "evaluator.appointed",
        "submission.received",
        "score.recorded",
        "score.corrected",
        "finding.recorded",
        "rebuttal.filed",
        "ruling.issued",
        "decision.signed",
        "entrant.withdrawn",
        "invitation.declined",
        "application.received",
        "recognition.voted",
        "count.ticked",
    }
    assert pipeline_source(PROGRAMME) not in {event.source for event in EVENTS}


def test_the_rulebook_names_every_source_but_the_stranger_and_lets_it_say_its_type(scenario: Scenario) -> None:
    allowed = {source.source: source.types for source in scenario.rulebook.sources}
    unknown = {event.source for event in EVENTS if TYPES[event.type].short not in allowed.get(event.source, ())}
    assert unknown == {f"urn:phasegate:{PROGRAMME}:expert-11"}


def test_the_panels_are_those_of_the_record() -> None:
    panels = Counter(event.data["panel"] for event in of("evaluator.appointed"))
    assert panels == {
        "document-reviewers": 3,
        "selection-committee": 5,
        "nia": 1,
        "tta": 1,
        "experts": 10,
        "users": 49,
        "call-evaluators": 7,
        "artificial-analysis": 1,
        "public": 185,
    }


# --- manifests and the screen -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("team", "phase"), SUBMITTED)
def test_the_manifest_in_the_submission_is_the_one_in_the_folder(team: str, phase: str) -> None:
    folder = EXAMPLE / "manifests" / ("" if phase == "phase-1" else phase)
    kept = json.loads((folder / f"{team}.json").read_text(encoding="utf-8"))
    assert submission(team, phase).data["manifest"] == kept
    assert (kept["bomFormat"], kept["specVersion"]) == ("CycloneDX", "1.6")


@pytest.mark.parametrize(("team", "phase"), SUBMITTED)
def test_the_screen_finds_one_thing_on_naver_cloud_and_nothing_on_the_others(team: str, phase: str) -> None:
    found = screen(submission(team, phase).data["manifest"])
    expected = [("technical", "not-met", "vision encoder", "/components/1")] if team == "naver-cloud" else []
    assert [(row.count, row.verdict, row.component, row.pointer) for row in found] == expected


def test_digests_and_sizes_are_of_the_text_that_the_scenario_states(document: dict[str, Any]) -> None:
    form = next(row["digest_of"] for row in document["reconstructed"] if row["what"] == "artefacts")
    for team, phase in SUBMITTED:
        for artefact in submission(team, phase).data["artefacts"]:
            text = form.format(entrant=team, name=artefact["name"]).encode()
            assert (artefact["sha256"], artefact["bytes"]) == (hashlib.sha256(text).hexdigest(), len(text))
        for component in submission(team, phase).data["manifest"]["components"]:
            text = form.format(entrant=team, name=component["name"]).encode()
            assert component["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(text).hexdigest()}]


def test_evidence_is_digested_from_its_own_note() -> None:
    (finding,) = of("finding.recorded")
    for row in finding.data["evidence"]:
        assert row["sha256"] == hashlib.sha256(row["note"].encode()).hexdigest()


# --- ids that the pipeline will give ----------------------------------------------------------------------------------


def test_the_answered_finding_of_the_screen_is_the_one_that_the_screen_makes(scenario: Scenario) -> None:
    state = opened(scenario)
    state.phases["phase-1"].submissions["naver-cloud"] = fact(submission("naver-cloud"))
    (made,) = outstanding_screens(state, state.phases["phase-1"])
    assert (made.id, made.type) == (SCREEN_FINDING, FINDING)
    (published,) = of("finding.recorded")
    assert [event.data["finding"] for event in of("rebuttal.filed")] == [SCREEN_FINDING, published.id]
    assert [event.data["finding"] for event in of("ruling.issued")] == [SCREEN_FINDING, published.id]


def test_each_signature_names_the_decision_that_its_phase_will_have() -> None:
    phases = ("document-review", "selection", "phase-1", "reopening", "phase-2", "final-projection")
    assert [signed.data["decision"] for signed in of("decision.signed")] == [decision_id(PROGRAMME, p) for p in phases]
    assert decision_id(PROGRAMME, "phase-1") == DECISION
    assert derived_id(PROGRAMME, "phasegate.phase.decided.v1", "phase-1", "phase-1", 1) == DECISION


def test_answers_are_in_time_and_rulings_come_after_them(scenario: Scenario) -> None:
    days = 86_400_000
    found = [parse_instant("2026-01-05T09:00:01Z"), parse_instant(of("finding.recorded")[0].time)]
    for found_ms, answer, ruling in zip(found, of("rebuttal.filed"), of("ruling.issued"), strict=True):
        assert found_ms < parse_instant(answer.time) <= found_ms + 3 * days < parse_instant(ruling.time)


# --- scenario.yaml ----------------------------------------------------------------------------------------------------


def test_the_scenario_can_be_played_and_its_rulebook_has_no_fault(scenario: Scenario) -> None:
    assert all(faults(load(EXAMPLE / version).document) == [] for version in VERSIONS)
    assert scenario.programme == PROGRAMME
    assert {*scenario.about.title} == {"ko", "en", "fr"}


def test_each_deadline_and_each_signature_has_a_tick_one_second_behind_it(scenario: Scenario) -> None:
    deadlines = set()
    for rules in scenario.rulebook.phases:
        windows = [rules.opens, rules.windows.submissions, rules.windows.scores, rules.windows.audits]
        windows += [rules.parity.submissions] if rules.parity is not None else []
        deadlines |= {parse_instant(text) for text in windows if text is not None}
    signed = [parse_instant(event.time) for event in of("decision.signed")]
    ten_days = [ms + 10 * 86_400_000 for ms in (signed[2], signed[4])]
    assert {instant + 1000 for instant in (*deadlines, *signed, *ten_days)} <= set(scenario.ticks)


def test_each_version_of_the_rules_leaves_what_came_before_as_it_was(scenario: Scenario) -> None:
    documents = [load(EXAMPLE / version).document for version in VERSIONS]
    assert [document["version"] for document in documents] == ["1", "2", "3", "4"]
    added = [[phase["id"] for phase in document["phases"]] for document in documents]
    assert added == [
        ["document-review", "selection", "phase-1"],
        ["document-review", "selection", "phase-1", "reopening"],
        ["document-review", "selection", "phase-1", "reopening", "phase-2"],
        ["document-review", "selection", "phase-1", "reopening", "phase-2", "final-projection"],
    ]
    for before, after in pairwise(documents):
        assert after["phases"][: len(before["phases"])] == before["phases"]
    for row, phases in zip(scenario.about.amendments, added[1:], strict=True):
        assert row.from_phase == phases[-1]


def test_marks_in_force_are_those_of_the_table(scenario: Scenario) -> None:
    """510 of the table less two, and the two that stand in events.ndjson: the corrected one ends at the table's value."""
    corrections = {event.data["score"]: event.data["value"] for event in of("score.corrected")}
    deadline_ms = parse_instant("2026-01-13T09:00:00Z")
    said = {slot: value for slot, value in marks(scenario, corrections, deadline_ms) if slot[3] != "expert-11"}
    rows = (EXAMPLE / "marks" / "phase-1.csv").read_text(encoding="utf-8").splitlines()[1:]
    table = {tuple(row.split(",")[:4]): Decimal(row.split(",")[4]) for row in rows}
    assert len(table) == 510
    assert {slot: Decimal(value) for slot, value in said.items()} == table


def marks(
    scenario: Scenario, corrections: dict[str, str], deadline_ms: int
) -> Iterator[tuple[tuple[str, str, str, str], str]]:
    for row in scenario.scheduled:
        data = row.event.data
        if row.event.type == "phasegate.score.recorded.v1" and data["phase"] == "phase-1" and row.at_ms <= deadline_ms:
            slot = (data["entrant"], data["criterion"], data["item"], data["evaluator"])
            yield slot, corrections.get(row.event.id, data["value"])


def test_expected_figures_are_those_of_the_record(document: dict[str, Any]) -> None:
    expected = document["expected"]["phases"]["phase-1"]
    assert expected["scores"]["lg-ai-research"] == {
        "benchmark": "33.6",
        "benchmark.nia": "9.2",
        "benchmark.common": "14.4",
        "benchmark.individual": "10.0",
        "expert": "31.6",
        "user": "25.0",
        "total": "90.2",
    }
    assert expected["scores"]["sk-telecom"]["benchmark.nia"] == "9.2"
    assert expected["scores"]["upstage"]["benchmark.individual"] == "10.0"
    assert expected["means"] == {"benchmark": "30.40", "expert": "28.56", "user": "20.76", "total": "79.72"}
    assert (expected["ranks"]["lg-ai-research"], expected["ranks"]["nc-ai"], expected["vacancies"]) == ("1", "5", "1")
    assert sorted(name for name, fate in expected["outcomes"].items() if fate == "advanced") == [
        "lg-ai-research",
        "sk-telecom",
        "upstage",
    ]
    assert expected["reasons"]["naver-cloud"] == ["rank-within-places", "gate-not-met"]
    assert expected["reasons"]["nc-ai"] == ["rank-below-places"]


def test_expected_totals_are_those_of_the_reconstruction(document: dict[str, Any]) -> None:
    scores = document["expected"]["phases"]["phase-1"]["scores"]
    columns = ("benchmark", "expert", "user", "total")
    assert {team: tuple(scores[team][column] for column in columns) for team in TEAMS} == {
        "lg-ai-research": ("33.6", "31.6", "25.0", "90.2"),
        "naver-cloud": ("31.8", "29.1", "20.9", "81.8"),
        "sk-telecom": ("30.7", "29.2", "20.3", "80.2"),
        "upstage": ("30.5", "28.4", "20.6", "79.5"),
        "nc-ai": ("25.4", "24.5", "17.0", "66.9"),
    }


def test_every_published_figure_says_where_it_was_published(document: dict[str, Any]) -> None:
    known = {row["id"] for row in document["sources"]}
    assert Counter(row["phase"] for row in document["published"]) == {"phase-1": 13, "phase-2": 23}
    assert {row["from"] for row in document["published"]} <= known


def test_nobody_whose_name_is_not_on_record_is_given_one() -> None:
    unnamed = {
        event.data["name"] for event in of("entrant.registered") if event.data["entrant"].startswith("applicant")
    }
    assert unnamed == {"applicant not named in the published record"}
    assert sum(event.data["entrant"].startswith("applicant") for event in of("entrant.registered")) == 5


def test_the_projection_takes_the_marks_of_phase_2_as_they_are(scenario: Scenario) -> None:
    said: dict[str, dict[tuple[str, ...], str]] = {"phase-2": {}, "final-projection": {}}
    for row in scenario.scheduled:
        data = row.event.data
        if row.event.type == "phasegate.score.recorded.v1" and data["phase"] in said:
            slot = tuple(data[name] for name in ("entrant", "criterion", "item", "evaluator"))
            said[data["phase"]][slot] = data["value"]
    left = {slot: value for slot, value in said["phase-2"].items() if slot[0] != "motif-technologies"}
    assert said["final-projection"] == left
    assert [row.phase for row in scenario.about.projected] == ["final-projection"]


def test_texts_for_people_are_in_three_languages(document: dict[str, Any]) -> None:
    rows = document["reconstructed"]
    invented = next(row["events"] for row in rows if row["what"] == "irregularities")
    texts = [document["title"], *(row["how"] for row in rows), *(row["what"] for row in invented)]
    texts += [row["how"] for row in document["projected"]]
    texts += [row[name] for row in document["sources"] for name in ("issuer", "about")]
    assert all({*text} == {"ko", "en", "fr"} for text in texts)


def test_irregularities_are_events_of_the_file(document: dict[str, Any]) -> None:
    assert [(row["event"] in {event.id for event in EVENTS}, row["verdict"]) for row in irregularities(document)] == [
        (True, "duplicate"),
        (True, "accepted"),
        (True, "refused"),
        (True, "refused"),
    ]


def irregularities(document: dict[str, Any]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = next(r["events"] for r in document["reconstructed"] if r["what"] == "irregularities")
    return rows


# --- a state to ask against -------------------------------------------------------------------------------------------


def fact(event: Envelope) -> Fact:
    at_ms = parse_instant(event.time)
    return Fact(0, TYPES[event.type].topics[0], 0, at_ms, at_ms, event)


def announced(scenario: Scenario) -> State:
    state = State(PROGRAMME)
    evolve(state, fact(scenario.scheduled[0].event))
    return state


def opened(scenario: Scenario) -> State:
    state = announced(scenario)
    rules = scenario.rulebook.phase("phase-1")
    opening = fact(scenario.scheduled[0].event)
    deadlines = {"submissions": parse_instant("2026-01-05T09:00:00Z")}
    state.phases["phase-1"] = PhaseState(
        rules, opening, TEAMS, parse_instant(rules.opens or ""), deadlines, ENGINES[FIRST]
    )
    return state
