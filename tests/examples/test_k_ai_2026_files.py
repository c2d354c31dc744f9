"""The files of the K-AI example: what is committed is well formed, consistent with itself, and true to the record."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from console.commands.running import comparable
from events.derived import derived_id, pipeline_source
from events.entry import decode_entry
from events.envelope import Envelope, decode, encode
from events.names import TYPES
from events.values import parse_instant
from flows.play import Player, differences
from flows.prefect_server import PrefectServer
from flows.recorder import Recorder
from flows.scenario import Scenario, read_scenario
from flows.transitions import Progress
from flows.wiring import assemble
from handlers.check import faults
from handlers.decide import decision_id
from handlers.evolve import evolve
from handlers.screen import FINDING, outstanding_screens, screen
from handlers.state import Fact, PhaseState, State
from handlers.views import phases_view
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.memory_bus import MemoryBus
from infra.rulebook_file import load
from tests.support.stage import LOG_KEY, OFFICE_KEY

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "k-ai-2026"
PROGRAMME = "k-ai-2026"
TEAMS = ("lg-ai-research", "naver-cloud", "nc-ai", "sk-telecom", "upstage")
LINES = (EXAMPLE / "events.ndjson").read_bytes().splitlines()
EVENTS = [decode(line) for line in LINES]
SCREEN_FINDING = "ebb6ae82-c7e5-5943-a209-87e66bb1501e"
DECISION = "860d9ec6-7213-53db-b31a-c6ef472b3196"
SENT_TWICE = "019b960a-0e00-7884-8ef3-b8f34ff18df5"


def of(name: str) -> list[Envelope]:
    """The events of a short type name, in the order of the file."""
    return [event for event in EVENTS if event.type == f"phasegate.{name}.v1"]


def submission(team: str) -> Envelope:
    return next(event for event in of("submission.received") if event.data["entrant"] == team)


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
    }
    assert pipeline_source(PROGRAMME) not in {event.source for event in EVENTS}


def test_the_rulebook_names_every_source_but_the_stranger_and_lets_it_say_its_type(scenario: Scenario) -> None:
    allowed = {source.source: source.types for source in scenario.rulebook.sources}
    unknown = {event.source for event in EVENTS if TYPES[event.type].short not in allowed.get(event.source, ())}
    assert unknown == {f"urn:phasegate:{PROGRAMME}:expert-11"}


def test_the_panels_are_those_of_the_record() -> None:
    panels = Counter(event.data["panel"] for event in of("evaluator.appointed"))
    assert panels == {"nia": 1, "tta": 1, "experts": 10, "users": 49}


# --- manifests and the screen -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("team", TEAMS)
def test_the_manifest_in_the_submission_is_the_one_in_the_folder(team: str) -> None:
    kept = json.loads((EXAMPLE / "manifests" / f"{team}.json").read_text(encoding="utf-8"))
    assert submission(team).data["manifest"] == kept
    assert (kept["bomFormat"], kept["specVersion"]) == ("CycloneDX", "1.6")


@pytest.mark.parametrize("team", TEAMS)
def test_the_screen_finds_one_thing_on_naver_cloud_and_nothing_on_the_others(team: str) -> None:
    found = screen(submission(team).data["manifest"])
    expected = [("technical", "not-met", "vision encoder", "/components/1")] if team == "naver-cloud" else []
    assert [(row.count, row.verdict, row.component, row.pointer) for row in found] == expected


def test_digests_and_sizes_are_of_the_text_that_the_scenario_states(document: dict[str, Any]) -> None:
    form = next(row["digest_of"] for row in document["reconstructed"] if row["what"] == "artefacts")
    for team in TEAMS:
        for artefact in submission(team).data["artefacts"]:
            text = form.format(entrant=team, name=artefact["name"]).encode()
            assert (artefact["sha256"], artefact["bytes"]) == (hashlib.sha256(text).hexdigest(), len(text))
        for component in submission(team).data["manifest"]["components"]:
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


def test_the_signature_names_the_decision_that_the_phase_will_have() -> None:
    (signed,) = of("decision.signed")
    assert signed.data["decision"] == DECISION == decision_id(PROGRAMME, "phase-1")
    assert derived_id(PROGRAMME, "phasegate.phase.decided.v1", "phase-1", "phase-1", 1) == DECISION


def test_answers_are_in_time_and_rulings_come_after_them(scenario: Scenario) -> None:
    days = 86_400_000
    found = [scenario.ticks[1], parse_instant(of("finding.recorded")[0].time)]
    for found_ms, answer, ruling in zip(found, of("rebuttal.filed"), of("ruling.issued"), strict=True):
        assert found_ms < parse_instant(answer.time) <= found_ms + 3 * days < parse_instant(ruling.time)


# --- scenario.yaml ----------------------------------------------------------------------------------------------------


def test_the_scenario_can_be_played_and_its_rulebook_has_no_fault(scenario: Scenario) -> None:
    assert faults(load(EXAMPLE / "rulebook.yaml").document) == []
    assert scenario.programme == PROGRAMME
    assert {*scenario.about.title} == {"ko", "en", "fr"}


def test_each_deadline_of_phase_1_has_a_tick_one_second_behind_it(scenario: Scenario) -> None:
    rules = scenario.rulebook.phase("phase-1")
    signed_ms = parse_instant(of("decision.signed")[0].time)
    windows = (rules.opens, rules.windows.submissions, rules.windows.scores, rules.windows.audits)
    deadlines = [*(parse_instant(text) for text in windows if text is not None), signed_ms + 10 * 86_400_000]
    assert len(deadlines) == 5
    assert {deadline + 1000 for deadline in deadlines} <= set(scenario.ticks)


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
        if row.event.type == "phasegate.score.recorded.v1" and row.at_ms <= deadline_ms:
            data = row.event.data
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


def test_every_published_figure_is_expected_and_says_where_it_was_published(document: dict[str, Any]) -> None:
    expected = document["expected"]["phases"]["phase-1"]
    known = {row["id"] for row in document["sources"]}
    assert len(document["published"]) == 13
    for row in document["published"]:
        found = (
            expected["means"][row["mean"]] if "mean" in row else expected["scores"][row["entrant"]][row["criterion"]]
        )
        assert Decimal(found) == Decimal(row["value"]), row
        assert row["from"] in known


def test_texts_for_people_are_in_three_languages(document: dict[str, Any]) -> None:
    rows = document["reconstructed"]
    invented = next(row["events"] for row in rows if row["what"] == "irregularities")
    texts = [document["title"], *(row["how"] for row in rows), *(row["what"] for row in invented)]
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


# --- played over the bus in memory, without Prefect -------------------------------------------------------------------


@dataclass
class Play:
    """What came of the whole scenario: the state, and the last verdict on each event id with its reason."""

    state: State
    verdicts: dict[str, tuple[str, str | None]]
    refused: int
    transitions: list[str]


@pytest.fixture(scope="module")
def play(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Play:
    url = f"sqlite:///{tmp_path_factory.mktemp('k-ai')}/ledger.sqlite"
    upgrade(url)
    bus = MemoryBus("test", 4, "scenario", lambda: 0)
    bus.ensure_topics()
    with Ledger.open(url) as ledger:
        parts = assemble(bus, ledger, "phasegate.example", OFFICE_KEY, LOG_KEY)
        player = Player(scenario, parts, cast(PrefectServer, None), lambda text: None)
        recorder, way, publisher = parts.recorder(), Progress(parts, PROGRAMME), bus.publisher()
        way.office.pause = lambda seconds: drain(recorder)
        done, begin = [], 0
        for tick in scenario.ticks:
            rows = [row for row in scenario.scheduled if begin < row.at_ms <= tick]
            publisher.publish([player._message(row) for row in rows])
            drain(recorder)
            done += [type(step).__name__ for step in way.steps(tick)]
            begin = tick
        entries = [(decode_entry(stored.entry), stored.opening) for stored in ledger.read(PROGRAMME)]
        verdicts: dict[str, tuple[str, str | None]] = {}
        for entry, opening in entries:
            if opening is not None and opening.value is not None:
                verdicts[decode(opening.value).id] = (entry.verdict, entry.reason)
        return Play(way.state, verdicts, sum(entry.verdict == "refused" for entry, _ in entries), done)


def drain(recorder: Recorder) -> None:
    while recorder.step(0.01):
        pass


def test_the_play_gives_everything_that_the_scenario_expects(play: Play, document: dict[str, Any]) -> None:
    found = {view["phase"]: comparable(view) for view in phases_view(play.state)}
    assert differences(document["expected"], {"phases": found}) == []


def test_irregularities_get_the_verdicts_that_the_scenario_states_and_nothing_else_is_refused(
    play: Play, document: dict[str, Any]
) -> None:
    for row in irregularities(document):
        assert play.verdicts[row["event"]] == (row["verdict"], row.get("reason")), row
    assert play.refused == 2


def test_every_tick_but_the_signing_lets_something_happen_and_the_phase_is_held_for_rulings(play: Play) -> None:
    assert play.transitions == [
        *("MarkWindow", "OpenPhase", "MarkWindow", "ScreenSubmissions", "MarkWindow", "MarkWindow"),
        *("CloseIntake", "HoldPhase", "DecidePhase", "MarkWindow", "FinaliseDecision"),
    ]
    (held,) = play.state.phases["phase-1"].held
    assert [row["code"] for row in held.data["missing"]] == ["ruling-outstanding", "ruling-outstanding"]


def test_the_screen_made_the_finding_that_was_answered_and_the_decision_is_the_one_signed(play: Play) -> None:
    phase = play.state.phases["phase-1"]
    assert SCREEN_FINDING in phase.findings
    assert all(finding.rebuttal and finding.rulings for finding in phase.findings.values())
    assert list(phase.decisions) == [DECISION]
    assert "programme-director" in phase.decisions[DECISION].signatures


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
    state.phases["phase-1"] = PhaseState(rules, opening, TEAMS, parse_instant(rules.opens or ""), deadlines)
    return state
