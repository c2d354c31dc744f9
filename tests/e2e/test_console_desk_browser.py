"""The evaluators' desk in a real browser, by keyboard alone, over a real broker and a recorder."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from console.web.speech import say
from infra.kafka.broker import TemporaryBroker
from tests.support.browsing import window
from tests.support.keyboard import press, write
from tests.support.panels import ITEMS, TEAMS, Panels, opened, recording
from tests.support.website import website

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(900)]

HOUR = 3_600_000
VALUES = {"jury/art": "31.5", "jury/craft": "-2", "jury/idea": "7"}


@pytest.fixture(scope="module")
def cup(kafka: TemporaryBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panels]:
    with website(tmp_path_factory.mktemp("desk"), kafka.bootstrap, "browser-desk") as site:
        yield opened(site, panel_cup=HOUR)[0]


def test_an_evaluator_gives_ten_marks_at_the_desk(cup: Panels, browser: Browser) -> None:
    with window(browser, str(cup.site.client.base_url).rstrip("/"), width=390, height=844) as seen, recording(cup.site):
        seen.sign_in(cup.site.settings.database, "account-ben", "evaluator", programme=cup.programme, evaluator="ben")
        page = seen.open("/desk")
        seen.look()
        press(page, page.get_by_role("link", name="Mark", exact=True))
        expect(page.locator("h1")).to_have_text("The heat")
        seen.look()
        press(page, page.get_by_role("link", name=re.compile("^Go on with")))
        before = "nothing is sent yet"
        for number in range(1, 11):
            item = page.locator("main form [name='item']").input_value()
            write(page, page.locator("#f-value"), VALUES[item])
            page.keyboard.press("Enter")
            sent = page.locator("#sent strong")
            expect(sent).to_have_text(re.compile(r"Recorded as entry \d+\."))
            expect(sent).not_to_have_text(before)
            before = sent.inner_text()
            if number % len(ITEMS) == 0:
                expect(page.locator("main")).to_contain_text(say("en", "desk.entrant-complete"))
                press(page, page.get_by_role("link", name=re.compile("^Next: ")))
                expect(page.locator("#sent strong")).to_have_count(0)
        seen.look()
        page = seen.open(f"/desk/{cup.programme}/heat")
        expect(page.locator("main")).to_contain_text(say("en", "desk.given", given=10, items=len(ITEMS) * len(TEAMS)))
