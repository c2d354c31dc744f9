"""Signing in and out as a browser does it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from console.web.pages.signing_in import place
from console.web.speech import LANGS, say
from infra.access import AccessStore, Given
from infra.access.backing_off import FORGOTTEN_MS, FREE, WAIT_MAX_MS, BackingOff, wait_ms
from infra.access.passwords import hash_password
from infra.clock import now_ms
from infra.ledger.database import connect
from infra.settings import Settings
from tests.console.web.test_pages import Outline, visiting
from tests.support.k_ai import PROGRAMME, played
from tests.support.website import not_signed_in, signed_in

BOARD = f"/programmes/{PROGRAMME}"
PASSWORD = "walnut-harbour-seven-lamps"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signing-in")
    shutil.copy(played(), folder / "ledger.sqlite")
    return folder


@pytest.fixture(scope="module")
def started(home: Path) -> Iterator[httpx.Client]:
    with visiting(home, console_reading="signed-in") as client:
        yield client


@pytest.fixture
def browser(started: httpx.Client) -> httpx.Client:
    """One that has not been here before."""
    started.cookies.clear()
    return started


@pytest.fixture(scope="module")
def store(home: Path, started: httpx.Client) -> Iterator[AccessStore]:
    with AccessStore.open(Settings(home=home).database) as opened:
        for name in ("kim", "lee", "ended"):
            opened.accounts.add(name, hash_password(PASSWORD, name), now_ms())
        opened.accounts.give("kim", Given(PROGRAMME, "viewer"), now_ms())
        opened.accounts.end("ended", now_ms())
        yield opened


def entered(browser: httpx.Client, name: str, password: str = PASSWORD, onward: str = BOARD) -> httpx.Response:
    """What a person does: the page, then its form."""
    shown = browser.get("/sign-in", params={"next": onward})
    (token,) = re.findall(r'action="/sign-in">\s*<input type="hidden" name="csrf" value="([^"]+)"', shown.text)
    return browser.post("/sign-in", data={"csrf": token, "account": name, "password": password, "next": onward})


@pytest.mark.usefixtures("store")
def test_who_signs_in_goes_on_to_the_page_that_was_wanted(browser: httpx.Client) -> None:
    refused = browser.get(BOARD)
    assert refused.status_code == 401
    (way,) = re.findall(r'class="button" href="([^"]+)"', refused.text)
    assert way == "/sign-in?next=/programmes/k-ai-2026" or "next=%2Fprogrammes%2F" in way
    answer = entered(browser, " Kim ")
    assert (answer.status_code, answer.headers["location"]) == (303, BOARD)
    page = browser.get(BOARD)
    assert page.status_code == 200
    assert ">kim<" in page.text
    assert say("en", "role.viewer") in page.text


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("name", ["kim", "nobody", "ended", "", "' or 1=1 --", "김"])
def test_every_failure_is_told_in_the_same_words(browser: httpx.Client, name: str) -> None:
    answer = entered(browser, name, "not-the-password-at-all")
    assert answer.status_code == 401
    assert say("en", "signing.wrong") in answer.text
    assert browser.get(BOARD).status_code == 401


@pytest.mark.usefixtures("store")
def test_an_account_that_has_ended_is_not_signed_in_to(browser: httpx.Client) -> None:
    assert entered(browser, "ended").status_code == 401


@pytest.mark.usefixtures("store")
def test_signing_in_changes_the_secret_so_that_one_put_into_a_browser_opens_nothing(browser: httpx.Client) -> None:
    field = not_signed_in(browser)
    planted = browser.cookies["phasegate"]
    answer = browser.post("/sign-in", data={**field, "account": "kim", "password": PASSWORD, "next": "/"})
    assert answer.status_code == 303
    assert answer.cookies["phasegate"] != planted
    browser.cookies.clear()
    browser.cookies.set("phasegate", planted)
    assert browser.get(BOARD).status_code == 401


def test_a_cookie_is_for_this_host_alone_where_there_is_tls(home: Path) -> None:
    with visiting(home, console_proxies=("127.0.0.1",)) as client:
        answer = client.get("/sign-in", headers={"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"})
        kept = next(one for one in answer.headers.get_list("set-cookie") if "phasegate" in one)
        assert kept.startswith("__Host-phasegate=")
        for part in ("HttpOnly", "Path=/", "SameSite=lax", "Secure"):
            assert part in kept
        assert "Domain" not in kept
    with visiting(home) as client:
        answer = client.get("/sign-in", headers={"x-forwarded-proto": "https"})
        assert answer.headers["set-cookie"].startswith("phasegate=")


def test_signing_out_ends_the_session_at_the_server(browser: httpx.Client, store: AccessStore) -> None:
    assert entered(browser, "kim").status_code == 303
    secret = browser.cookies["phasegate"]
    assert store.sessions.find(secret, now_ms()) is not None
    page = browser.get("/account")
    token = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
    assert browser.post("/sign-out", data={"csrf": token}).status_code == 303
    assert store.sessions.find(secret, now_ms()) is None
    assert browser.get(BOARD).status_code == 401


def test_signing_out_everywhere_ends_every_session_of_the_account_and_no_other(
    browser: httpx.Client, store: AccessStore, home: Path
) -> None:
    elsewhere, of_another = (store.sessions.begin(name, "local", now_ms()) for name in ("kim", "lee"))
    namesake = store.sessions.begin("kim", "oidc", now_ms(), ())
    field = signed_in(browser, Settings(home=home).database, "kim")
    assert browser.post("/sign-out", data={**field, "everywhere": "1"}).status_code == 303
    assert store.sessions.find(elsewhere, now_ms()) is None
    assert store.sessions.find(of_another, now_ms()) is not None
    assert store.sessions.find(namesake, now_ms()) is not None


@pytest.mark.parametrize("path", ["/sign-out", "/sign-in"])
def test_nothing_happens_by_following_a_link(browser: httpx.Client, path: str) -> None:
    assert browser.get(path).status_code == (405 if path == "/sign-out" else 200)


@pytest.mark.parametrize(
    "wanted",
    ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)", "", "/a\nb"],
)
def test_after_signing_in_nobody_is_sent_elsewhere(wanted: str) -> None:
    assert place(wanted) == "/"


def test_who_guesses_waits_longer_each_time_and_many_at_once_gain_nothing(home: Path) -> None:
    waits = [wait_ms(failures, 5) for failures in range(40)]
    assert waits[:5] == [0] * 5
    assert waits[5:8] == [1000, 2000, 4000]
    assert waits[-1] == WAIT_MAX_MS
    engine = connect(Settings(home=home).database)
    back = BackingOff(engine)
    began = [back.begin("x", f"203.0.113.{n}", 1_000_000) for n in range(8)]
    assert began == [0] * FREE["account"] + [1000] * 3
    assert back.begin("x", "203.0.113.99", 1_001_000) == 0
    assert back.begin("x", "203.0.113.99", 1_001_001) == 1999
    back.forgive("x", "203.0.113.99")
    assert back.begin("x", "203.0.113.99", 1_001_002) == 0
    by_address = [back.begin(f"y{n}", "198.51.100.1", 2_000_000) for n in range(FREE["address"] + 2)]
    assert by_address[: FREE["address"]] == [0] * FREE["address"]
    assert by_address[-1] > 0
    assert back.begin("y", "198.51.100.1", 2_000_000 + FORGOTTEN_MS) == 0
    engine.dispose()


def test_while_somebody_waits_the_right_password_is_not_looked_at(browser: httpx.Client, store: AccessStore) -> None:
    now = now_ms()
    for passed in range(FREE["account"] + 9):
        store.backing_off.begin("lee", "203.0.113.7", now + passed * WAIT_MAX_MS)
    answer = entered(browser, "lee")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 60
    assert say("en", "signing.wait", seconds=answer.headers["retry-after"]) in answer.text


@pytest.mark.parametrize("lang", LANGS)
def test_the_pages_of_an_account_are_well_formed_in_each_language(browser: httpx.Client, home: Path, lang: str) -> None:
    signed_in(browser, Settings(home=home).database, "park", "auditor")
    for path in ("/sign-in", "/account"):
        answer = browser.get(path, params={"lang": lang})
        page = Outline(answer.text)
        assert answer.status_code == 200
        assert [one["lang"] for one in page.all("html")] == [lang]
        assert len(page.all("h1")) == 1
        assert len(page.ids) == len(set(page.ids))
        labelled = {one.get("for") for one in page.all("label")}
        assert all(one.get("id") in labelled for one in page.all("input") if one.get("type") != "hidden")


def test_who_is_signed_in_and_may_not_is_told_so_with_a_way_on(browser: httpx.Client, home: Path) -> None:
    signed_in(browser, Settings(home=home).database, "choi", "viewer", programme="another")
    answer = browser.get(BOARD)
    assert answer.status_code == 403
    assert say("en", "signing.forbidden", name="choi") in answer.text
    assert 'href="/account"' in answer.text
    assert "LG" not in answer.text
