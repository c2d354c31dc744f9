"""What changed between two moments of a programme, in words and tables."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from console.web import since
from console.web.speech import LANGS, say
from tests.console.web.test_courses import course_of
from tests.console.web.test_pages import Outline, visiting
from tests.console.web.test_what_if import plain
from tests.support.k_ai import PROGRAMME, played

BOARD = f"/programmes/{PROGRAMME}"
CHANGES = f"{BOARD}/changes"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("changes")
    shutil.copy(played(), folder / "ledger.sqlite")
    with visiting(folder) as client:
        yield client


def test_between_two_moments_everything_that_changed_is_told(browser: httpx.Client) -> None:
    answer = browser.get(CHANGES, params={"since": 790, "at": 1000})
    told = plain(answer.text)
    assert answer.status_code == 200
    assert "Phase 1 evaluation: final, was held" in told
    assert "Phase 1 evaluation: advance now: LG AI Research, SK Telecom, Upstage" in told
    assert "Phase 1 evaluation: Vacant places: 1 instead of 0" in told
    assert "Entrants registered (1): Trillion Labs" in told
    assert "796 Phase 1 evaluation decided" in told
    assert "797 Phase 1 evaluation signed by programme-director" in told
    assert 'href="/programmes/k-ai-2026/log/797?at=1000"' in answer.text


def test_a_time_is_taken_too_and_one_before_the_first_entry_means_the_beginning(browser: httpx.Client) -> None:
    told = plain(browser.get(CHANGES, params={"since": "1999-01-01T00:00:00Z", "at": 100}).text)
    assert "From 0 to 100 entries: 100 more." in told
    told = plain(browser.get(CHANGES, params={"since": "2026-01-15T06:00:00Z", "at": "2026-01-16T00:00:00Z"}).text)
    (sizes,) = re.findall(r"From (\d+) to (\d+) entries", told)
    assert 790 < int(sizes[0]) < 800 < int(sizes[1]) < 810


def test_without_a_moment_it_is_since_the_last_decision(browser: httpx.Client) -> None:
    assert "From 797 to 850 entries" in plain(browser.get(CHANGES, params={"at": 850}).text)
    assert "From 0 to 10 entries" in plain(browser.get(CHANGES, params={"at": 10}).text)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"since": "900", "at": "800"}, 400),
        ({"since": "99999"}, 404),
        ({"since": "yesterday"}, 400),
        ({"since": "-1"}, 400),
        ({"since": "9" * 40}, 400),
    ],
)
def test_a_moment_that_cannot_be_is_refused_in_words(browser: httpx.Client, asked: dict[str, str], status: int) -> None:
    answer = browser.get(CHANGES, params=asked)
    assert answer.status_code == status
    assert "<h1>" in answer.text


def test_where_nothing_was_recorded_that_is_said(browser: httpx.Client) -> None:
    told = plain(browser.get(CHANGES, params={"since": 800, "at": 800}).text)
    assert say("en", "changes.nothing") in told
    assert say("en", "changes.only-records") in plain(browser.get(CHANGES, params={"since": 2000, "at": 2010}).text)


def test_what_was_refused_stands_with_its_reason_and_entries(browser: httpx.Client) -> None:
    told = plain(browser.get(CHANGES, params={"since": 0}).text)
    assert say("en", "changes.refused") in told


def test_more_entries_than_are_counted_are_said(browser: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(since, "ENTRIES_MOST", 50)
    told = plain(browser.get(CHANGES, params={"since": 0, "at": 200}).text)
    assert say("en", "changes.cut", low=150) in told


def test_the_slider_of_every_page_leads_to_what_changed_since(browser: httpx.Client) -> None:
    assert f'href="{CHANGES}?since=900"' in browser.get(BOARD, params={"at": 900}).text
    assert f'href="{CHANGES}"' in browser.get(f"{BOARD}/log").text


@pytest.mark.parametrize("lang", LANGS)
def test_the_page_is_well_formed(browser: httpx.Client, lang: str) -> None:
    answer = browser.get(CHANGES, params={"since": 0, "lang": lang})
    browser.cookies.clear()
    page = Outline(answer.text)
    assert answer.status_code == 200
    assert len(page.ids) == len(set(page.ids))
    labelled = {one.get("for") for one in page.all("label")}
    assert all(one.get("id") in labelled for one in page.all("input") if one.get("type") != "hidden")


def test_a_decision_that_takes_the_place_of_another_says_which(tmp_path: Path) -> None:
    programme = course_of("upheld-objection", tmp_path)
    with visiting(tmp_path) as client:
        told = plain(client.get(f"/programmes/{programme}/changes", params={"since": 0}).text)
    assert say("en", "changes.supersedes") in told
    assert say("en", "decision.superseded") in told
    assert "objection of" in told


def test_whoever_may_not_read_sees_nothing(tmp_path: Path) -> None:
    shutil.copy(played(), tmp_path / "ledger.sqlite")
    with visiting(tmp_path, console_reading="signed-in") as client:
        assert client.get(CHANGES).status_code == 401
