"""Every form of the pages, sent as nobody would fill it in: with a session of every role and with none, with the fields that
pages show and with others. Nothing of it is a defect, and without a session nothing is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.console.web.test_pages import BROWSER, Outline
from tests.support.page_document import page_routes
from tests.support.panels import HOUR, Panels, opened
from tests.support.website import Website, signed_in

pytestmark = pytest.mark.kafka

BOUNDED = settings(
    max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
PATHS = sorted(route.path for route in page_routes() if "POST" in (route.methods or ()))
ENDS_THE_SESSION = "/sign-out"
LOOKED_AT_MOST = 80
"""Pages on which forms are looked for."""


@pytest.fixture(scope="module")
def cup(site: Website) -> Panels:
    return opened(site, fuzzed_cup=HOUR)[0]


class Somebody:
    """Who may everything there is."""

    def __init__(self, cup: Panels) -> None:
        self._cup = cup
        self.client = httpx.Client(base_url=cup.site.client.base_url, headers=BROWSER, timeout=60)
        self.sign_in()

    def sign_in(self) -> None:
        database = self._cup.site.settings.database
        self.field = signed_in(self.client, database, "somebody", "operator", "approver", "auditor")
        for evaluator, entrant in (("ann", "ash"),):
            given_ = {"programme": self._cup.programme, "evaluator": evaluator, "entrant": entrant}
            self.field = signed_in(self.client, database, "somebody", "evaluator", "entrant", **given_)


@pytest.fixture(scope="module")
def somebody(cup: Panels) -> Iterator[Somebody]:
    found = Somebody(cup)
    yield found
    found.client.close()


@pytest.fixture(scope="module")
def fields(cup: Panels, somebody: Somebody) -> dict[str, tuple[str, ...]]:
    """Every field of every form of the pages that links lead to, with what stands in it there."""
    seen, left = set[str](), ["/", f"/programmes/{cup.programme}", "/desk"]
    found: dict[str, set[str]] = {}
    while left and len(seen) < LOOKED_AT_MOST:
        address = left.pop(0)
        shape = re.sub(r"\d+", "0", urlsplit(address).path)
        if shape in seen or "letter" in address or address.startswith("/static"):
            continue
        seen.add(shape)
        answer = somebody.client.get(address, follow_redirects=True)
        assert answer.status_code < 500, address
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        page = Outline(answer.text)
        for tag in ("input", "select", "textarea", "button"):
            for one in page.all(tag):
                if one.get("name"):
                    found.setdefault(str(one["name"]), set()).add(unescape(one.get("value") or ""))
        left += [str(one["href"]) for one in page.all("a") if (one.get("href") or "").startswith("/")]
    return {name: tuple(sorted(values)) for name, values in found.items() if name not in ("csrf", "lang", "at")}


def test_forms_are_found(fields: dict[str, tuple[str, ...]]) -> None:
    assert {"vkey", "office"} <= set(fields)


STRANGE = ("", "0", "-1", "1e999", "9999-12-31T23:59:59Z", "null", "[]", "{}", "\x00", "x" * 5000, "P3D", "../..")
NASTY = st.text(max_size=50) | st.integers().map(str) | st.sampled_from(STRANGE)


def written(text: str) -> bytes:
    """Half a surrogate is no UTF-8; a browser sends something else for it."""
    return text.encode("utf-8", "replace")


def places(cup: Panels) -> dict[str, Any]:
    """What the parts of an address may be: what there is, and anything."""
    known = {
        "programme": [cup.programme, "nobody"],
        "phase": [cup.phase, cup.later],
        "entrant": ["ash", "dogwood"],
        "index": ["0", "3"],
        "act": ["sign", "withdraw", "extend"],
        "topic": ["acts", "scores"],
    }
    return {name: st.sampled_from(values) | st.text(min_size=1, max_size=12) for name, values in known.items()}


@pytest.mark.parametrize("path", PATHS)
def test_no_form_is_a_defect(cup: Panels, somebody: Somebody, fields: dict[str, tuple[str, ...]], path: str) -> None:
    if path != ENDS_THE_SESSION:
        somebody.sign_in()
    known = places(cup)
    inside = {name: known.get(name, st.text(min_size=1, max_size=12)) for name in re.findall(r"\{(\w+)\}", path)}
    one = st.sampled_from(sorted(fields)).flatmap(
        lambda name: st.tuples(st.just(name), (st.sampled_from(fields[name]) if fields[name] else NASTY) | NASTY)
    )
    strange = st.tuples(st.text(max_size=20), NASTY)

    @BOUNDED
    @given(st.fixed_dictionaries(inside), st.lists(one | strange, max_size=12), st.booleans())
    def fuzz(parts: dict[str, str], pairs: list[tuple[str, str]], has_token: bool) -> None:
        address = path.format(**{name: quote(written(value), safe="") for name, value in parts.items()})
        token = [("csrf", somebody.field["csrf"])] if has_token else []
        body = urlencode(
            [(name.encode("utf-8", "replace"), text.encode("utf-8", "replace")) for name, text in [*token, *pairs]]
        )
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = somebody.client.post(address, content=body, headers=headers)
        assert answer.status_code < 500, (answer.status_code, address, pairs)
        assert has_token or answer.status_code >= 400

    fuzz()


@pytest.mark.parametrize("path", PATHS)
def test_without_a_session_no_form_does_anything(cup: Panels, path: str) -> None:
    parts = {"programme": cup.programme, "phase": cup.phase, "entrant": "ash", "index": "0"}
    address = path.format(**{name: parts.get(name, "0") for name in re.findall(r"\{(\w+)\}", path)})
    with httpx.Client(base_url=cup.site.client.base_url, headers=BROWSER, timeout=60) as nobody:
        for data in ({}, {"csrf": "x"}, {"csrf": "x" * 43, "reason": "because"}):
            assert 400 <= nobody.post(address, data=data).status_code < 500
