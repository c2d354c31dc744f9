"""A window of a real browser on the console, which writes down whatever a page does that it must not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from console.web import cookie
from infra.access import Role
from tests.support.website import signed_in

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
NARROW = 320
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
ALIKE = (
    "tbody tr:nth-child(n + 7), .feed li:nth-child(n + 5), ul:not([class]) > li:nth-child(n + 7),"
    " details:not([open]) > :not(summary)"
)
"""What repeats what stands before it, and what is not shown. Looking at everything takes axe ten times as long."""
TELL = """
document.addEventListener('securitypolicyviolation', (event) =>
  console.error('policy: ' + event.violatedDirective + ' forbids ' + (event.blockedURI || event.sourceFile)));
"""
FINDINGS = "(options) => axe.run(document, options).then((found) => found.violations)"


@dataclass
class Window:
    """One tab. `wrong` has what its pages did that no page may; `check` raises it."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)
    refusals: int = 0
    """How many answers of 400 and more this visit expects, which the browser writes into its console as errors."""

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if self.refusals and message.text.startswith("Failed to load resource: the server responded"):
            self.refusals -= 1
            return
        self.wrong.append(f"{urlsplit(self.page.url).path}: {message.text}")

    def _asked(self, request: Request) -> None:
        where = urlsplit(request.url)
        if where.scheme != "data" and f"{where.scheme}://{where.netloc}" != self.url:
            self.wrong.append(f"{self.page.url} asks elsewhere: {request.url}")

    def open(self, path: str, status: int = 200) -> Page:
        self.refusals += status >= 400
        answer = self.page.goto(f"{self.url}{path}")
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status} {self.page.locator('main').inner_text()[:500]}"
        return self.page

    def sign_in(self, database: str, account: str, *roles: Role, **more: str) -> None:
        """As an account with these roles, which is made where it is not there."""
        with httpx.Client(base_url=self.url) as client:
            signed_in(client, database, account, *roles, **more)
            secret = client.cookies[cookie.PLAIN]
        self.page.context.add_cookies([{"name": cookie.PLAIN, "value": secret, "url": self.url}])

    def check(self) -> None:
        assert self.wrong == [], self.wrong

    def width_at(self, pixels: int) -> int:
        """How wide the page is at this width of the window: more means that it scrolls sideways."""
        before = self.page.viewport_size
        self.page.set_viewport_size({"width": pixels, "height": 800})
        width: int = self.page.evaluate("document.documentElement.scrollWidth")
        if before is not None:
            self.page.set_viewport_size(before)
        return width

    def look(self) -> None:
        """What holds of every page, of this one as it is now."""
        found = self.findings()
        assert found == [], found
        assert (width := self.width_at(NARROW)) <= NARROW, width

    def shorten(self) -> None:
        """Takes out what repeats what stands before it."""
        self.page.evaluate("(alike) => document.querySelectorAll(alike).forEach((one) => one.remove())", ALIKE)

    def findings(self, rules: Sequence[str] = RULES, *, only_colours: bool = False) -> list[str]:
        """What axe finds against: a line for each rule, with the first element and why."""
        if not self.page.evaluate("typeof axe !== 'undefined'"):
            self.page.evaluate(Axe().axe_script)
        options: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": list(rules)}}
        if only_colours:
            options["runOnly"] = {"type": "rule", "values": ["color-contrast"]}
        else:
            options["rules"] = {"color-contrast": {"enabled": False}}
        found = self.page.evaluate(FINDINGS, options)
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]} ({_why(one['nodes'][0])})" for one in found]


def _why(node: dict[str, Any]) -> str:
    return json.dumps([one["message"] for kind in ("any", "all", "none") for one in node[kind]], ensure_ascii=False)[
        :400
    ]


@contextmanager
def window(browser: Browser, url: str, lang: str = "en", width: int = 1300, height: int = 900) -> Iterator[Window]:
    """A visitor of its own, with cookies of its own. At the end nothing may be wrong."""
    with browser.new_context(viewport={"width": width, "height": height}, locale=lang) as context:
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(TELL)
        opened = Window(context.new_page(), url)
        yield opened
        opened.check()
