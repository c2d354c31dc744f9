"""Who saw or did what is noted, and what cannot be noted is not shown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from events.errors import Unavailable
from infra.access import AccessLog, AccessStore
from infra.settings import Settings
from tests.console.web.test_pages import visiting
from tests.support.k_ai import PROGRAMME, played
from tests.support.village import eventually
from tests.support.website import not_signed_in, signed_in

BOARD = f"/programmes/{PROGRAMME}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("access-log")
    shutil.copy(played(), folder / "ledger.sqlite")
    return folder


@pytest.fixture(scope="module")
def browser(home: Path) -> Iterator[httpx.Client]:
    with visiting(home, console_reading="signed-in") as client:
        yield client


@pytest.fixture(scope="module")
def store(home: Path) -> Iterator[AccessStore]:
    with AccessStore.open(Settings(home=home).database) as opened:
        yield opened


def test_who_saw_what_when_from_where_is_a_line_as_soon_as_the_page_is_there(
    browser: httpx.Client, store: AccessStore, home: Path
) -> None:
    signed_in(browser, Settings(home=home).database, "kim", "auditor")
    answer = browser.get(f"{BOARD}/entrants/nc-ai?at=900")
    assert answer.status_code == 200
    (line,) = store.log.last(1, PROGRAMME, "kim")
    told = {name: line[name] for name in ("right", "method", "path", "status", "address", "about", "request")}
    assert told == {
        "right": "read-records",
        "method": "GET",
        "path": f"{BOARD}/entrants/nc-ai?at=900",
        "status": 200,
        "address": "127.0.0.1",
        "about": "entrant=nc-ai",
        "request": answer.headers["x-request-id"],
    }


def test_who_was_refused_what_is_noted_too_and_what_is_public_is_not(
    browser: httpx.Client, store: AccessStore, home: Path
) -> None:
    signed_in(browser, Settings(home=home).database, "lee", "viewer", programme=PROGRAMME)
    assert browser.get(f"{BOARD}/lab/replay").status_code == 403
    assert browser.get(f"/results/{PROGRAMME}").status_code == 200
    assert browser.get(f"{BOARD}/entrants/nc-ai").status_code == 403
    field = signed_in(browser, Settings(home=home).database, "lee", "auditor", programme=PROGRAMME)
    assert browser.post(f"{BOARD}/lab/replay", params={"at": "1"}, data=field).status_code == 303
    noted = [("GET", "read-records", 403), ("GET", "own", 403), ("POST", "form", 0), ("POST", "read-records", 303)]
    eventually(
        lambda: len(store.log.last(10, PROGRAMME, "lee")) >= len(noted)
    )  # What shows nobody is noted a moment later.
    assert [(line["method"], line["right"], line["status"]) for line in store.log.last(10, PROGRAMME, "lee")] == noted


def test_what_cannot_be_noted_is_neither_shown_nor_done(
    browser: httpx.Client, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise Unavailable("the disk is full")

    field = signed_in(browser, Settings(home=home).database, "kim", "auditor")
    monkeypatch.setattr(AccessLog, "append", broken)
    answer = browser.get(f"{BOARD}/entrants/nc-ai")
    assert answer.status_code == 503
    assert "NC AI" not in answer.text
    assert browser.post(f"{BOARD}/lab/replay", params={"at": "2"}, data=field).status_code == 503
    signed_in(browser, Settings(home=home).database, "lim", "viewer", programme=PROGRAMME)
    assert browser.get(BOARD).status_code == 200
    not_signed_in(browser)
    assert browser.get(f"/results/{PROGRAMME}").status_code == 200
    monkeypatch.undo()
    signed_in(browser, Settings(home=home).database, "kim", "auditor")
    assert browser.get(f"{BOARD}/lab/replay", params={"at": "2"}).text.count("<progress") == 0
