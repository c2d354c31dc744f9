"""Acts in a real browser, by keyboard alone, over a real broker and a recorder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from console.web.speech import say
from infra.kafka.broker import TemporaryBroker
from tests.support.acting import HOME, Scene, at, scene
from tests.support.browsing import Window, window
from tests.support.keyboard import fill_in, press, write
from tests.support.small import PROGRAMME

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def place(kafka: TemporaryBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("acts"), kafka.bootstrap, "browser-acts") as found:
        yield found


def proposed(seen: Window, act: str, said: dict[str, str]) -> Page:
    """From the list of acts to its form, and from there to its preview."""
    page = seen.open(f"{HOME}/acts")
    seen.look()
    press(page, page.locator(f"table a[href*='/acts/{act}']"))
    fill_in(page, said)
    seen.look()
    press(page, page.get_by_role("button", name=say("en", "acts.preview")))
    expect(page.locator("h2").first).to_contain_text("Preview")
    seen.look()
    return page


def told_when_recorded(place: Scene, page: Page) -> str:
    """What the page says that waits for its record: it tells by itself, and is not loaded again."""
    told = page.locator("#sent .notice")
    expect(told).to_contain_text(say("en", "sent.waiting"))
    opened_at = page.evaluate("performance.timeOrigin")
    place.record()
    expect(told).to_contain_text("Recorded as entry")
    assert page.evaluate("performance.timeOrigin") == opened_at
    return told.inner_text()


def test_an_act_is_previewed_and_sent_and_its_page_tells_by_itself_that_it_is_recorded(
    place: Scene, browser: Browser
) -> None:
    with window(browser, place.url) as seen:
        seen.sign_in(place.settings.database, "olga", "operator", programme=PROGRAMME)
        said = {"phase": "heat", "window": "scores", "until": at(25), "reason": "snow", "now": at(16)}
        page = proposed(seen, "extend", said)
        expect(page.locator("#h-verdict")).to_have_text(say("en", "acts.would-be", verdict="accepted"))
        press(page, page.get_by_role("button", name=say("en", "acts.send"), exact=True))
        assert "accepted" in told_when_recorded(place, page)
        seen.look()


def test_an_act_against_the_rules_is_refused_with_its_reason(place: Scene, browser: Browser) -> None:
    with window(browser, place.url) as seen:
        seen.sign_in(place.settings.database, "olga", "operator", programme=PROGRAMME)
        said = {"phase": "heat", "window": "audits", "until": at(2), "reason": "x", "now": at(16)}
        page = proposed(seen, "extend", said)
        expect(page.locator("#h-verdict")).to_have_text(say("en", "acts.would-be", verdict="refused"))
        press(page, page.get_by_role("button", name=say("en", "acts.send-anyway")))
        text = told_when_recorded(place, page)
        assert "refused" in text
        assert "the window ends" in text
        seen.look()


def test_an_override_takes_two_people(place: Scene, browser: Browser) -> None:
    with window(browser, place.url) as paulas, window(browser, place.url) as ottos:
        paulas.sign_in(place.settings.database, "paula", "operator", "approver", programme=PROGRAMME)
        ottos.sign_in(place.settings.database, "otto", "approver", programme=PROGRAMME)
        said = {"score": "birch/jury/art/ben", "value": "30", "reason": "a slip", "now": at(17)}
        page = proposed(paulas, "correct", said)
        expect(page.locator("main")).to_contain_text(say("en", "acts.second-person", role="director"))
        press(page, page.get_by_role("button", name=say("en", "acts.send"), exact=True))
        assert "accepted" in told_when_recorded(place, page)
        assert say("en", "acts.own-act") in paulas.open(f"{HOME}/acts").locator("main").inner_text()

        page = ottos.open(f"{HOME}/acts")
        press(page, page.locator(".cards a[href*='/acts/approve']"))
        write(page, page.locator("main [name='now']"), at(17))
        press(page, page.get_by_role("button", name=say("en", "acts.preview")))
        press(page, page.get_by_role("button", name=say("en", "acts.send"), exact=True))
        assert "accepted" in told_when_recorded(place, page)
        assert ottos.open(f"{HOME}/acts").locator(".cards a[href*='/acts/approve']").count() == 0
