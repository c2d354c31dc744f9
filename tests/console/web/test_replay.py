"""Replay in the audit lab: begun by a button, under way, and what comes of it."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.arguments import At
from console.commands import replaying
from console.output import Report
from console.web import replays
from console.web.speech import LANGS, say
from events.note import format_vkey
from infra.settings import Settings
from tests.console.web.test_pages import Outline, visiting
from tests.support.k_ai import PROGRAMME, played
from tests.support.stage import LOG_KEY, OFFICE_KEY
from tests.support.website import not_signed_in

REPLAY = f"/programmes/{PROGRAMME}/lab/replay"
KEYS = {"log_vkeys": (format_vkey(LOG_KEY.verifier),), "office_vkeys": (format_vkey(OFFICE_KEY.verifier),)}
PATIENCE_S = 120


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shutil.copy(played(), tmp_path / "ledger.sqlite")
    return tmp_path


@pytest.fixture
def browser(home: Path) -> Iterator[httpx.Client]:
    with visiting(home, **KEYS) as client:
        yield client


def outcome(browser: httpx.Client, at: int) -> str:
    """The page once the replay that was begun is over."""
    answer = browser.post(REPLAY, params={"at": at}, data=not_signed_in(browser))
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{REPLAY}?at={at}"
    until = time.monotonic() + PATIENCE_S
    while "<progress" in (text := browser.get(answer.headers["location"]).text):
        assert time.monotonic() < until, "the replay does not end"
        time.sleep(0.1)
    return text


def test_a_replay_is_begun_by_a_button_and_its_result_stays_at_its_address(browser: httpx.Client) -> None:
    before = browser.get(REPLAY, params={"at": 800}).text
    assert say("en", "replay.start", size=800) in before
    text = outcome(browser, 800)
    assert say("en", "replay.identical") in text
    assert say("en", "replay.verified") in text
    for lang in LANGS:
        page = browser.get(REPLAY, params={"at": 800, "lang": lang}).text
        assert say(lang, "replay.identical") in page
        assert len(Outline(page).ids) == len(set(Outline(page).ids))
    part = browser.get(REPLAY, params={"at": 800}, headers={"hx-request": "true"}).text
    assert "<html" not in part


def test_a_ledger_that_was_tampered_with_is_told_and_can_be_asked_again(browser: httpx.Client, home: Path) -> None:
    with sqlite3.connect(home / "ledger.sqlite") as database:
        entry = database.execute('SELECT entry FROM entries WHERE "index" = 50').fetchone()[0]
        forged = entry.replace(b'"verdict":"accepted"', b'"verdict":"duplicate"')
        assert forged != entry
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{trigger}"')
        database.execute('UPDATE entries SET entry = ? WHERE "index" = 50', (forged,))
    database.close()
    text = outcome(browser, 800)
    assert say("en", "replay.failed") in text
    assert say("en", "replay.start", size=800) in text


def test_one_replay_runs_at_a_time_and_tells_how_far_it_is(
    browser: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def halted(settings: Settings, programme: str, at: At, report: Report) -> dict[str, Any]:
        with report.progress("", 800) as advance:
            advance(500)
            goes_on.wait(PATIENCE_S)
        return replaying.replay_programme(settings, programme, at, report)

    monkeypatch.setattr(replays, "replay_programme", halted)
    field = not_signed_in(browser)
    try:
        assert browser.post(REPLAY, params={"at": 800}, data=field).status_code == 303
        assert browser.post(REPLAY, params={"at": 800}, data=field).status_code == 303
        assert browser.post(REPLAY, params={"at": 900}, data=field).status_code == 503
        until = time.monotonic() + PATIENCE_S
        while say("en", "replay.running", done=500, size=800) not in browser.get(REPLAY, params={"at": 800}).text:
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        goes_on.set()
    assert say("en", "replay.identical") in outcome(browser, 800)


def test_another_site_and_those_who_may_not_read_begin_none(browser: httpx.Client, home: Path) -> None:
    assert browser.post(REPLAY, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert browser.post("/programmes/nobody/lab/replay", data=not_signed_in(browser)).status_code == 404
    with visiting(home, console_reading="signed-in") as client:
        assert client.post(REPLAY, data=not_signed_in(client)).status_code == 401
        assert client.get(REPLAY).status_code == 401
