"""Every page under addresses that nobody would write: moments, languages, pages of lists, names of what is not there, and
suppositions. There is an answer in words to each, and none is a defect.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from console.web.suppositions import PLAIN
from tests.console.web.test_courses import course_of
from tests.console.web.test_pages import BROWSER, visiting
from tests.console.web.test_replay import KEYS
from tests.support.page_document import page_document, page_routes

COURSE, PHASE = "tie-at-the-cut", "heat"
MOMENTS = ("", "1", "20", "999999", "0", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "１")
SUPPOSED = {
    "set": (
        "phases.*.advance.places=1",
        "phases=",
        "phases.*.criteria.*.steps=[]",
        "programme=x",
        "a.b.c={",
        "=",
        "*=1",
    ),
    "places.heat": ("0", "1", "99999999999999999999", "-1", "1e9"),
    "correct": ("1=1", "x/y/z/w=5", "=", "1=1e999"),
    "until": ("2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    "without": ("0", "1", "30", "99999999999999999999999999"),
    "refill": ("true", "false"),
}
ASKED = {
    "at": MOMENTS,
    "since": MOMENTS,
    "lang": ("ko", "en", "fr", "xx"),
    "before": ("1", "30", "0"),
    "verdict": ("accepted", "waiting"),
    "type": ("score.recorded", "-"),
    "reason": ("not-eligible",),
    "text": ("a",),
    "old": ("1", "30"),
    "new": ("30", "99"),
    "decision": (),
    "next": ("/", "//elsewhere.example", "/programmes/x"),
}
BOUNDED = settings(
    max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
PATHS = sorted(route.path for route in page_routes() if route.methods == {"GET"} and not route.path.endswith("/live"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("fuzzed")
    assert course_of(COURSE, folder)
    with visiting(folder, **KEYS) as client:
        yield client


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """What the parts of addresses may be called in this programme."""
    return {
        "programme": (course_of(COURSE, tmp_path_factory.mktemp("known")), "_"),
        "phase": (PHASE,),
        "entrant": ("ash", "birch"),
        "index": ("0", "30", "99999999999999999999"),
        "size": ("1", "30"),
    }


@pytest.fixture(scope="module")
def operations(known: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    schema = schemathesis.openapi.from_dict(page_document(known, ASKED))
    return {one.path: one for result in schema.get_all_operations() if isinstance(result, Ok) for one in [result.ok()]}


def test_every_page_is_asked(operations: dict[str, Any]) -> None:
    assert sorted(operations) == PATHS


def is_answered(answer: httpx.Response) -> bool:
    """A page, a file, or a problem that is not ours."""
    return answer.status_code < 500 and bool(answer.headers["content-type"])


@pytest.mark.parametrize("path", PATHS)
def test_no_address_of_a_page_is_a_defect(browser: httpx.Client, operations: dict[str, Any], path: str) -> None:
    @BOUNDED
    @given(case=operations[path].as_strategy())
    def fuzz(case: Any) -> None:
        place = path.format(**{name: quote(str(value), safe="") for name, value in case.path_parameters.items()})
        query = urlencode({name: str(value).encode("utf-8", "replace") for name, value in (case.query or {}).items()})
        browser.cookies.clear()
        answer = browser.get(f"{place}?{query}", headers=BROWSER)
        assert is_answered(answer), (answer.status_code, answer.url)

    fuzz()


VALUES = (
    st.text(max_size=60) | st.integers().map(str) | st.sampled_from(["=", "x=y", "a/b=1", "\r\n", "\u202e", "{", "[["])
)
SAID = st.sampled_from([(name, value) for name, values in SUPPOSED.items() for value in values])
ANY_SAID = st.tuples(
    st.sampled_from([*PLAIN, "weight.heat.speed", "least.heat.design", "mode.heat", "mode", ".", "places."]), VALUES
)


def test_no_supposition_is_a_defect(browser: httpx.Client, known: dict[str, tuple[str, ...]]) -> None:
    @settings(BOUNDED, max_examples=40)
    @given(st.lists(SAID | ANY_SAID, max_size=4))
    def fuzz(asked: list[tuple[str, str]]) -> None:
        query = urlencode([(name, value.encode("utf-8", "replace")) for name, value in asked])
        address = f"/programmes/{known['programme'][0]}/lab/what-if?at=60&{query}"
        answer = browser.get(address, headers=BROWSER, follow_redirects=True)
        assert is_answered(answer), (answer.status_code, answer.url)

    fuzz()
