"""What if, in the audit lab: suppositions in an address, what they would have changed, and how stable an outcome is."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from console.web import computations
from console.web.speech import LANGS, say
from infra.ledger import Ledger
from infra.settings import Settings
from tests.console.web.test_pages import Outline, visiting
from tests.console.web.test_replay import KEYS
from tests.support.k_ai import PROGRAMME, played

LAB = f"/programmes/{PROGRAMME}/lab"
WHAT_IF, ROBUSTNESS = f"{LAB}/what-if", f"{LAB}/robustness/phase-2"
DECIDED = 799
"""The size of the log just before the withdrawal that followed phase 1 (docs/what-if.md)."""

PATIENCE_S = 240


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("what-if")
    shutil.copy(played(), folder / "ledger.sqlite")
    return folder


@pytest.fixture(scope="module")
def browser(home: Path) -> Iterator[httpx.Client]:
    with visiting(home, **KEYS) as client:
        yield client


def answered(browser: httpx.Client, path: str, *asked: tuple[str, str]) -> httpx.Response:
    """The page once its answer is there."""
    until = time.monotonic() + PATIENCE_S
    while True:
        answer = browser.get(path, params=asked or None, headers={"accept-language": "en"}, follow_redirects=True)
        browser.cookies.clear()
        if 'hx-trigger="load delay:1s"' not in answer.text:
            return answer
        assert time.monotonic() < until, "the answer does not come"
        time.sleep(0.1)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]*>", " ", text)))


def test_without_the_gate_naver_cloud_would_have_advanced_and_no_place_been_vacant(browser: httpx.Client) -> None:
    answer = answered(browser, WHAT_IF, ("at", str(DECIDED)), ("without-gate", "phase-1/independence"))
    assert answer.status_code == 200
    told = plain(answer.text)
    assert "Would have advanced: Naver Cloud" in told
    assert "Vacant places: 0 instead of 1" in told
    assert say("en", "what-if.nothing-written") in told
    assert say("en", "what-if.cannot-people") in told
    assert f"phasegate what-if {PROGRAMME} --at {DECIDED} --without-gate=phase-1/independence" in told


def test_several_suppositions_hold_together_and_what_changed_first_is_said(browser: httpx.Client) -> None:
    asked = [("at", "1000"), ("without-gate", "independence"), ("without", "800"), ("places.phase-1", "3")]
    told = plain(answered(browser, WHAT_IF, *asked).text)
    assert "Places (Phase 1 evaluation) 3" in told
    assert "Would have advanced: Naver Cloud" in told
    assert "Would not have advanced: Upstage" in told
    assert re.search(r"What changed first entry \d+ ?: rebuttal.filed", told)


def test_the_address_that_is_cited_names_the_size_and_leaves_out_what_is_empty(
    browser: httpx.Client, home: Path
) -> None:
    with Ledger.open(Settings(home=home).database) as ledger:
        size = next(head.size for head in ledger.heads() if head.programme == PROGRAMME)
    query = "places.phase-1=&refill=&drop-criterion=phase-2/user&without=12%0D%0A13&correct=&lang=fr"
    answer = browser.get(f"{WHAT_IF}?{query}", follow_redirects=False)
    assert answer.status_code == 303
    wanted = f"{WHAT_IF}?at={size}&lang=fr&drop-criterion=phase-2/user&without=12&without=13"
    assert answer.headers["location"] == wanted
    assert browser.get(WHAT_IF, follow_redirects=False).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ([("without-gate", "independance")], 404, "independence"),
        ([("nothing", "1")], 404, "no supposition"),
        ([("places.phase-9", "1")], 404, "phase-9"),
        ([("weight.phase-1.nobody", "1")], 404, "nobody"),
        ([("weight.phase-1.user", "much")], 422, "much"),
        ([("places.phase-1.user", "1")], 422, "places.PHASE"),
        ([("correct", "no value")], 422, "NAME=VALUE"),
        ([("set", "phases.phase-1.advance.places=&x")], 422, "set"),
        ([("set", "a=1"), ("set", "a=2")], 422, "two values"),
        ([("until", "tomorrow")], 422, "until"),
        ([("without", "x")], 422, "without"),
        ([("refill", "perhaps")], 422, "refill"),
        ([("rulebook", "/etc/passwd")], 404, "no supposition"),
        ([("with", "/etc/passwd")], 404, "no supposition"),
        ([("set", "a=" + "x" * 400)], 422, "characters"),
        ([("without", str(index)) for index in range(100)], 422, "at most"),
        ([("set", "phases.phase-1.advance.places=-1")], 422, "faults"),
    ],
)
def test_what_cannot_be_supposed_is_said_above_the_form(
    browser: httpx.Client, asked: list[tuple[str, str]], status: int, said: str
) -> None:
    answer = answered(browser, WHAT_IF, ("at", "100"), *asked)
    assert answer.status_code == status
    assert said in plain(answer.text)
    assert say("en", "what-if.form") in answer.text


@pytest.mark.parametrize("lang", LANGS)
def test_the_form_is_well_formed_and_asks_what_the_rules_make_sensible(browser: httpx.Client, lang: str) -> None:
    answer = browser.get(WHAT_IF, params={"lang": lang})
    browser.cookies.clear()
    page = Outline(answer.text)
    assert len(page.ids) == len(set(page.ids))
    labelled = {one.get("for") for one in page.all("label")}
    fields = [one for tag in ("input", "select", "textarea") for one in page.all(tag)]
    assert all(one.get("id") in labelled for one in fields if one.get("type") != "hidden")
    examples = [one["href"] for one in page.all("a") if "without-gate=phase-1" in (one.get("href") or "")]
    assert examples
    assert any("refill=true" in (one.get("href") or "") for one in page.all("a"))


def test_before_anything_was_decided_no_question_suggests_itself(browser: httpx.Client) -> None:
    assert say("en", "what-if.examples") not in browser.get(WHAT_IF, params={"at": 20}).text


def test_how_stable_an_outcome_is_stands_in_figures_with_tables(browser: httpx.Client) -> None:
    answer = answered(browser, ROBUSTNESS)
    page = Outline(answer.text)
    assert answer.status_code == 200
    assert len(page.ids) == len(set(page.ids))
    assert len([one for one in page.all("svg") if one.get("role") == "img"]) == len(page.all("figure")) == 3
    assert "LG AI Research, the last within, is 3.2 ahead of Motif Technologies" in plain(answer.text)
    assert answered(browser, f"{LAB}/robustness/nothing").status_code == 404


def test_before_a_decision_it_is_said_that_the_marks_so_far_give_this(browser: httpx.Client) -> None:
    told = plain(answered(browser, ROBUSTNESS, ("at", "1300")).text)
    assert "this is what the marks so far would give, not a decision" in told


def test_one_is_computed_at_a_time_and_what_nobody_waits_for_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computations, "PATIENCE_S", 0.0)
    monkeypatch.setattr(computations, "ABANDONED_S", 0.05)
    own = computations.Computations()

    def for_ever(each: object) -> None:
        assert callable(each)
        while True:
            each()
            time.sleep(0.01)

    first = own.ask(("p", 0, "a"), 10, for_ever)
    assert first is not None
    assert own.ask(("p", 0, "b"), 10, for_ever) is None
    until = time.monotonic() + PATIENCE_S
    while not first.is_over:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert isinstance(first.error, computations.GivenUp)
    second = own.ask(("p", 1, "b"), 10, lambda each: "done")
    assert second is not None
    assert list(own._kept) == [("p", 1, "b")]


def test_whoever_may_not_read_records_supposes_nothing(home: Path) -> None:
    with visiting(home, console_reading="signed-in") as client:
        for path in (WHAT_IF, ROBUSTNESS):
            assert client.get(path).status_code == 401
