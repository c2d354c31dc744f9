"""Every page of the console in a real browser: what axe finds, colours in light and dark, a narrow window, the keyboard, and
that nothing comes from elsewhere.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, Page, expect

from console.web import pages
from console.web.speech import LANGS, say
from infra.access import AccessStore
from infra.access.passwords import hash_password
from infra.clock import now_ms
from tests.e2e.conftest import Over
from tests.support.browsing import NARROW, SCHEMES, window
from tests.support.console_pages import K_AI, PAGES, PHASE, Shown, show
from tests.support.keyboard import fill_in, press

pytestmark = pytest.mark.slow

PASSWORD = "walnut-harbour-seven-lamps"
FILES = "/programmes/{programme}/"
NO_PAGES = {
    *(
        FILES + name
        for name in ("live", "checkpoints/{size}", "log/{index}/proof", "log/{index}/entry", "log/{index}/opening")
    ),
    FILES + "decisions/{phase}/{entrant}/letter.zip",
    *("/sign-in/oidc/callback", "/operations/rate.json", FILES + "rate.json"),
    FILES + "operations/refused/{index}",
}
"""What answers with something else than a page."""

CONTROLS = "a[href], button, input:not([type='hidden']), select, textarea, summary, [tabindex='0']"
WALK = """
(controls) => {
  const met = { reached: new Set(), faint: [] };
  document.addEventListener("focusin", (event) => {
    met.reached.add(event.target);
    const how = getComputedStyle(event.target);
    if (how.outlineStyle === "none" || parseFloat(how.outlineWidth) < 2) met.faint.push(event.target.outerHTML.slice(0, 120));
  });
  window.met = met;
  window.wanted = [...document.querySelectorAll(controls)].filter((one) => one.checkVisibility() && !one.disabled);
  return window.wanted.length;
}
"""
WALKED = """
() => ({
  missed: window.wanted.filter((one) => !window.met.reached.has(one)).map((one) => one.outerHTML.slice(0, 120)),
  faint: window.met.faint,
})
"""


def test_every_page_of_the_application_is_in_the_list_or_no_page() -> None:
    everything = [route for router in pages.ROUTERS for route in router.routes]
    routes = [route for route in everything if isinstance(route, APIRoute) and "GET" in (route.methods or ())]
    paths = {urlsplit(shown.path).path for shown in PAGES}
    seen = {route.path for route in routes if any(route.path_regex.fullmatch(path) for path in paths)}
    assert {route.path for route in routes} - seen == NO_PAGES


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("shown", PAGES, ids=[shown.path for shown in PAGES])
def test_a_page_is_accessible_in_light_and_dark_and_as_narrow_as_a_phone(
    browser: Browser, k_ai_console: Over, shown: Shown, lang: str
) -> None:
    with window(browser, k_ai_console.url, lang) as seen:
        page = show(seen, shown, k_ai_console.database)
        assert page.get_attribute("html", "lang") == lang
        assert seen.width_at(NARROW) <= NARROW
        if lang != LANGS[0]:
            seen.shorten()  # Its rows are alike in each language.
        assert seen.findings() == []
        seen.shorten()
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert (scheme, seen.findings(only_colours=True)) == (scheme, [])


@pytest.mark.parametrize("path", [K_AI, f"{K_AI}/decisions", PHASE, f"{K_AI}/log/796", f"{K_AI}/lab"])
def test_the_tab_key_reaches_every_control_and_each_shows_that_it_has_the_focus(
    browser: Browser, k_ai_console: Over, path: str
) -> None:
    with window(browser, k_ai_console.url) as seen:
        page = seen.open(path)
        for _ in range(page.evaluate(WALK, CONTROLS)):
            page.keyboard.press("Tab")
        assert page.evaluate(WALKED) == {"missed": [], "faint": []}


def test_the_first_tab_offers_to_skip_to_what_the_page_is_about(browser: Browser, k_ai_console: Over) -> None:
    with window(browser, k_ai_console.url) as seen:
        page = seen.open(K_AI)
        page.keyboard.press("Tab")
        skip = page.locator(".skip")
        assert (box := skip.bounding_box()) is not None
        assert box["x"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_the_harness_finds_what_stands_on_no_page(browser: Browser, k_ai_console: Over) -> None:
    def look_at_harm() -> None:
        with window(browser, k_ai_console.url) as seen:
            harmed(seen.open("/"))
            assert seen.width_at(NARROW) > NARROW
            assert any(line.startswith("image-alt") for line in seen.findings())
            assert any(line.startswith("color-contrast") for line in seen.findings(only_colours=True))
            seen.page.evaluate("document.body.setAttribute('onclick', 'alert(1)'); document.body.click()")

    with pytest.raises(AssertionError, match="script-src"):
        look_at_harm()


def harmed(page: Page) -> None:
    """A page with a faint text, a picture without a text, and something that is too wide."""
    page.evaluate("""() => {
      const faint = document.createElement("p");
      faint.textContent = "hardly to be read";
      faint.style.color = "#bbbbbb";
      const wide = document.createElement("div");
      wide.style.width = "700px";
      wide.textContent = "-";
      document.querySelector("main").append(faint, new Image(), wide);
    }""")


def test_somebody_signs_in_and_out_by_keyboard(browser: Browser, k_ai_console: Over) -> None:
    with AccessStore.open(k_ai_console.database) as store:
        store.accounts.add("kim", hash_password(PASSWORD, "kim"), now_ms())
    with window(browser, k_ai_console.url) as seen:
        page = seen.open("/sign-in")
        fill_in(page, {"account": "kim", "password": PASSWORD})
        page.keyboard.press("Enter")
        expect(page.locator("nav.who")).to_contain_text("kim")
        press(page, page.get_by_role("button", name=say("en", "signing.out")))
        expect(page.locator("nav.who")).to_contain_text(say("en", "signing.title"))
