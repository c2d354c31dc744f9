"""Forms come from our own pages, as they were shown to the browser that sends them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from console.web import forms
from infra.access import sessions
from infra.clock import now_ms
from infra.settings import Settings
from tests.console.web.test_pages import visiting
from tests.support.k_ai import PROGRAMME, played
from tests.support.website import not_signed_in, signed_in

REPLAY = f"/programmes/{PROGRAMME}/lab/replay"
PAST = {"at": "1"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forms")
    shutil.copy(played(), folder / "ledger.sqlite")
    return folder


@pytest.fixture(scope="module")
def browser(home: Path) -> Iterator[httpx.Client]:
    with visiting(home) as client:
        yield client


@pytest.fixture(scope="module")
def closed(home: Path) -> Iterator[httpx.Client]:
    """Where nobody reads without signing in."""
    with visiting(home, console_reading="signed-in") as client:
        yield client


def test_a_form_that_a_page_has_shown_is_taken_from_the_browser_that_saw_it(browser: httpx.Client) -> None:
    page = browser.get(REPLAY, params=PAST)
    (token,) = re.findall(r'name="csrf" value="([^"]+)"', page.text)
    assert "httponly" in page.headers["set-cookie"].lower()
    assert "samesite=lax" in page.headers["set-cookie"].lower()
    assert browser.post(REPLAY, params=PAST, data={"csrf": token}).status_code == 303
    browser.cookies.clear()
    assert browser.post(REPLAY, params=PAST, data={"csrf": token}).status_code == 403


@pytest.mark.parametrize("data", [{"x": "1"}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": "é"}])
def test_a_form_without_the_token_of_its_browser_is_refused(browser: httpx.Client, data: dict[str, str]) -> None:
    not_signed_in(browser)
    assert browser.post(REPLAY, params=PAST, data=data).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://elsewhere.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin"}, 303),
        ({}, 303),
    ],
)
def test_a_form_from_another_site_is_refused_with_the_right_token_too(
    browser: httpx.Client, headers: dict[str, str], status: int
) -> None:
    field = not_signed_in(browser)
    assert browser.post(REPLAY, params=PAST, data=field, headers=headers).status_code == status


def test_a_form_from_this_very_site_is_taken(browser: httpx.Client) -> None:
    field = not_signed_in(browser)
    origin = {"origin": str(browser.base_url).rstrip("/")}
    assert browser.post(REPLAY, params=PAST, data=field, headers=origin).status_code == 303


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"a=1&" * (forms.FIELDS_MAX + 1), forms.URLENCODED, 400),
        (b"a=" + b"1" * forms.BYTES_MAX, forms.URLENCODED, 413),
        (b"a=%ff", forms.URLENCODED, 400),
        ("é".encode(), forms.URLENCODED, 400),
    ],
)
def test_what_is_no_form_is_refused(browser: httpx.Client, body: bytes, kind: str, status: int) -> None:
    assert browser.post(REPLAY, content=body, headers={"content-type": kind}).status_code == status


def test_who_signs_in_has_the_roles_of_that_account_and_nothing_else(closed: httpx.Client, home: Path) -> None:
    database = Settings(home=home).database
    assert closed.get(REPLAY).status_code == 401
    signed_in(closed, database, "kim", "viewer", programme=PROGRAMME)
    assert closed.get(f"/programmes/{PROGRAMME}").status_code == 200
    assert closed.get(REPLAY).status_code == 403
    assert closed.get("/programmes/another").status_code == 403
    field = signed_in(closed, database, "lee", "auditor")
    assert closed.post(REPLAY, params=PAST, data=field).status_code == 303


def test_a_session_ends_with_time_and_where_it_is_not_used(home: Path) -> None:
    from infra.access import AccessStore

    now = now_ms()
    with AccessStore.open(Settings(home=home).database) as store:
        secret = store.sessions.begin("kim", "oidc", now, ())
        step = sessions.IDLE_MS - 1
        for passed in range(step, sessions.LASTS_MS, step):
            assert store.sessions.find(secret, now + passed) is not None
        assert store.sessions.find(secret, now + sessions.LASTS_MS) is None
        unused = store.sessions.begin("kim", "oidc", now, ())
        assert store.sessions.find(unused, now + sessions.IDLE_MS) is None
