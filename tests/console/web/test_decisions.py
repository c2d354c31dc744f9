"""Decision pages over the K-AI example: what they say is what `explain` says, at the moment that is asked about."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path

import httpx
import pytest

from console.telling.sentences import Words, names_of
from console.web.speech import LANGS, say
from flows.explained import known_of
from flows.reading import Reading, open_reading
from handlers.explaining import explain
from handlers.explaining_fragility import fragility_of
from infra.settings import Settings
from tests.console.web.test_pages import Outline, visiting
from tests.support.k_ai import PROGRAMME, played

DECISIONS = f"/programmes/{PROGRAMME}/decisions"
PHASE = f"{DECISIONS}/phase-1"
ENTRANT = f"{PHASE}/naver-cloud"
PAGES = (DECISIONS, PHASE, ENTRANT, f"{ENTRANT}/fragility", f"{PHASE}?at=500", f"{ENTRANT}?at=790")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decisions")
    shutil.copy(played(), folder / "ledger.sqlite")
    return folder


@pytest.fixture(scope="module")
def browser(home: Path) -> Iterator[httpx.Client]:
    with visiting(home) as client:
        yield client


@pytest.fixture(scope="module")
def reading(home: Path) -> Iterator[Reading]:
    with open_reading(Settings(home=home)) as found:
        yield found


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_formed_in_every_language(browser: httpx.Client, path: str, lang: str) -> None:
    answer = browser.get(path + ("&" if "?" in path else "?") + f"lang={lang}")
    page = Outline(answer.text)
    assert answer.status_code == 200
    assert [one["lang"] for one in page.all("html")] == [lang]
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert len(page.ids) == len(set(page.ids))
    assert all(one.get("scope") for one in page.all("th"))
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]
    assert page.all("style") == []


@pytest.mark.parametrize("lang", LANGS)
def test_an_entrant_s_page_says_all_that_explain_says(browser: httpx.Client, reading: Reading, lang: str) -> None:
    state = reading.state(PROGRAMME)
    decision = state.phases["phase-1"].in_force
    told = explain(known_of(reading, PROGRAMME, state, decision), "phase-1", "naver-cloud", decision)
    words = Words(lang, names_of(state))  # type: ignore[arg-type]  # The three are the same in both tables.
    text = browser.get(ENTRANT, params={"lang": lang}).text
    assert told.standing is not None
    noted = (*told.course, *told.left_out)
    sentences = [words.sentence(said) for said in (*told.standing.points, *told.points)]
    for said in (*sentences, *(words.sentence(row) for row in noted)):
        assert str(escape(said, quote=False)) in text.replace("&#34;", '"').replace("&#39;", "'")
    for row in noted:
        assert f"/log/{row.indexes[0]}" in text
    assert all(str(mark.value) in text for one in told.worked for mark in one.marks)


def test_the_phase_has_everybody_and_every_criterion(browser: httpx.Client, reading: Reading) -> None:
    text = browser.get(PHASE, params={"lang": "en"}).text
    phase = reading.state(PROGRAMME).phases["phase-1"]
    assert phase.in_force is not None
    for event_id in phase.in_force.fact.data["assessments"]:
        assessed = phase.assessed[event_id].data
        assert f"{PHASE}/{assessed['entrant']}" in text
        assert all(node["value"] in text for node in assessed["scores"].values() if "value" in node)
    assert phase.in_force.fact.data["basis"]["root"] in text
    assert f"at={phase.in_force.fact.data['basis']['size']}" in text


def test_before_a_decision_no_mark_and_no_standing_is_shown(browser: httpx.Client) -> None:
    text = browser.get(f"{ENTRANT}?at=790&lang=en").text
    assert Words("en").say("head.arithmetic") not in text
    assert Words("en").say("head.standings") not in browser.get(f"{PHASE}?at=790&lang=en").text


def test_how_close_it_was_comes_after_the_page_and_as_a_page_of_its_own(
    browser: httpx.Client, reading: Reading
) -> None:
    page = browser.get(ENTRANT, params={"lang": "en"}).text
    (address,) = re.findall(r'hx-get="([^"]*)"', page)
    assert f'href="{address}"' in page
    state = reading.state(PROGRAMME)
    decision = state.phases["phase-1"].in_force
    known = known_of(reading, PROGRAMME, state, decision)
    assert known.at_cut is not None
    words = Words("en", names_of(state))
    for point in fragility_of(known.at_cut, "phase-1", "naver-cloud"):
        assert words.sentence(point) not in page
        part = browser.get(address, headers={"hx-request": "true"}).text
        assert words.sentence(point) in part
        assert "<html" not in part
        assert words.sentence(point) in browser.get(address).text


@pytest.mark.parametrize("path", [f"{DECISIONS}/nothing", f"{PHASE}/nobody", f"{PHASE}?decision=none"])
def test_what_is_not_there_is_not_found(browser: httpx.Client, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_nobody_who_has_not_signed_in_reads_a_decision_where_that_is_asked_for(home: Path) -> None:
    with visiting(home, console_reading="signed-in") as client:
        for path in PAGES:
            answer = client.get(path)
            assert answer.status_code == 401
            assert "Naver" not in answer.text


def test_every_decision_is_listed_with_who_signed_it(browser: httpx.Client, reading: Reading) -> None:
    text = browser.get(DECISIONS, params={"lang": "en"}).text
    for phase in reading.state(PROGRAMME).phases.values():
        for event_id, decision in phase.decisions.items():
            assert event_id in text
            assert all(f"/log/{fact.index}" in text for fact in decision.signatures.values())
    assert say("en", "decision.in-force") in text
