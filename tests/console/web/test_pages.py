"""The pages, over the ledger of the K-AI example: what they show at which moment, in which language, to whom."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.web.application import create_app
from console.web.server import WebServer
from console.web.shell import HEADERS
from console.web.speech import LANGS, say
from infra.ledger import Ledger
from infra.settings import Settings
from tests.support.k_ai import PROGRAMME, played

BOARD = f"/programmes/{PROGRAMME}"
PAGES = ("/", BOARD, f"{BOARD}?at=900")
BROWSER = {"accept": "text/html", "accept-language": "en"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    shutil.copy(played(), folder / "ledger.sqlite")
    return folder


@contextmanager
def visiting(home: Path, **settings: Any) -> Iterator[httpx.Client]:
    """A browser at the console of this home."""
    with (
        WebServer(create_app(Settings(home=home, **settings)), "127.0.0.1", 0) as server,
        httpx.Client(base_url=server.url, headers=BROWSER, timeout=60) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def started(home: Path) -> Iterator[httpx.Client]:
    with visiting(home) as client:
        yield client


@pytest.fixture
def browser(started: httpx.Client) -> httpx.Client:
    """One that has not been here before."""
    started.cookies.clear()
    return started


class Outline(HTMLParser):
    """What a reader of the page depends on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value]

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_formed_and_brings_nothing_from_elsewhere(browser: httpx.Client, path: str, lang: str) -> None:
    answer = browser.get(path, params={"lang": lang} if "?" not in path else {"at": "900", "lang": lang})
    page = Outline(answer.text)
    assert answer.status_code == 200
    assert [one["lang"] for one in page.all("html")] == [lang]
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert len(page.ids) == len(set(page.ids))
    labelled = {one.get("for") for one in page.all("label")}
    shown = [one for one in page.all("input") if one.get("type") != "hidden"]
    assert all(one.get("id") in labelled for one in shown)
    used = [
        one.get(name) or ""
        for tag, name in (("script", "src"), ("link", "href"), ("img", "src"))
        for one in page.all(tag)
    ]
    assert all(address.startswith("/static/") and browser.get(address).status_code == 200 for address in used)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]
    assert all("src" in one for one in page.all("script"))
    assert page.all("style") == []


def test_headers_forbid_what_pages_do_not_need(browser: httpx.Client) -> None:
    answer = browser.get(BOARD)
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
    assert "'unsafe" not in HEADERS["content-security-policy"]


def test_the_board_shows_standings_outcomes_and_what_came_in(browser: httpx.Client) -> None:
    text = browser.get(BOARD).text
    assert "LG AI Research" in text
    assert say("en", "reason.gate-not-met") in text
    assert f"{BOARD}/log/" in text


def test_at_an_earlier_moment_nothing_later_is_shown(browser: httpx.Client, home: Path) -> None:
    text = browser.get(f"{BOARD}?at=100").text
    assert say("en", "board.rank") not in text
    assert say("en", "site.then", size=100, whole=_size(home)) in text
    links = re.findall(rf'href="({BOARD}[^"]*)"', text)
    assert links
    assert all("at=" in link for link in links if "/log/" in link or "/decisions" in link)


def test_a_time_means_what_was_received_up_to_it(browser: httpx.Client) -> None:
    assert browser.get(f"{BOARD}?at=2026-01-15T00:00:00Z").status_code == 200
    assert browser.get(f"{BOARD}?at=1999-01-01T00:00:00Z").status_code == 404


@pytest.mark.parametrize("at", ["yesterday", "-1", "9" * 30, "<b>"])
def test_a_moment_that_is_none_is_refused_in_words(browser: httpx.Client, at: str) -> None:
    answer = browser.get(BOARD, params={"at": at})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "<b>" not in answer.text


def test_a_size_that_the_log_has_not_reached_is_not_found(browser: httpx.Client, home: Path) -> None:
    assert browser.get(f"{BOARD}?at={_size(home) + 1}").status_code == 404


def test_a_programme_that_is_none_is_not_found(browser: httpx.Client) -> None:
    answer = browser.get("/programmes/nobody")
    assert answer.status_code == 404
    assert "<h1>" in answer.text


def test_the_language_is_the_browsers_until_another_is_chosen_and_then_that_one_stays(home: Path) -> None:
    with visiting(home) as client:
        first = client.get("/", headers={"accept-language": "de, fr;q=0.8, ko;q=0.9"})
        assert say("ko", "site.skip") in first.text
        assert say("fr", "site.skip") in client.get("/?lang=fr").text
        assert say("fr", "site.skip") in client.get("/", headers={"accept-language": "ko"}).text


def test_a_part_of_the_board_is_given_to_htmx_without_the_frame(browser: httpx.Client) -> None:
    part = browser.get(BOARD, headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert say("en", "board.next") in part


def test_where_reading_is_for_those_who_signed_in_nobody_else_reads(home: Path) -> None:
    with visiting(home, console_reading="signed-in") as client:
        for path in (BOARD, f"{BOARD}/live", "/programmes/nobody"):
            answer = client.get(path)
            assert answer.status_code == 401
            assert "LG" not in answer.text
        assert f'href="{BOARD}"' not in client.get("/").text


def test_new_entries_are_told_after_the_last_that_a_reader_had(browser: httpx.Client, home: Path) -> None:
    size = _size(home)
    heard = _events(browser, f"{BOARD}/live?since=0", {"last-event-id": str(size - 4)}, 3)
    assert [int(index) for index in re.findall(r"^id: (\d+)$", heard, re.MULTILINE)] == [size - 3, size - 2, size - 1]
    assert heard.count("event: entry") == 3


def _events(browser: httpx.Client, path: str, headers: dict[str, str], count: int) -> str:
    """What a stream says until it has told so many events; then it is left."""
    text = ""
    with browser.stream("GET", path, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for chunk in answer.iter_text():
            text += chunk
            if text.count("event: entry") >= count:
                break
    return text


def _size(home: Path) -> int:
    with Ledger.open(Settings(home=home).database) as ledger:
        return next(head.size for head in ledger.heads() if head.programme == PROGRAMME)
