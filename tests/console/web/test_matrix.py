"""Every page, asked as every role: allowed is what the table in docs/console.md says, and nothing else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from starlette.routing import BaseRoute, Route

from console.web.access import RIGHTS, Right
from console.web.application import create_app
from infra.access import ROLES, Role
from infra.settings import Settings
from tests.console.web.test_pages import visiting
from tests.support.k_ai import PROGRAMME, played
from tests.support.website import not_signed_in, signed_in

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "console.md").read_text(encoding="utf-8")
SECTION = DOCUMENT.partition("\n## Who may\n")[2].partition("\n## ")[0]
ROW = re.compile(r"^\| `(?P<name>[^`]+)` \| (?P<says>.+) \|$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
OWN, OTHER = "nc-ai", "naver-cloud"
EVALUATOR, PHASE_OF_OTHERS = "expert-01", "selection"
WHO: Mapping[Role, Mapping[str, str]] = {"entrant": {"entrant": OWN}, "evaluator": {"evaluator": EVALUATOR}}
VALUES = {
    "programme": PROGRAMME,
    "phase": "phase-1",
    "act": "extend",
    "entrant": OWN,
    "index": "5",
    "size": "10",
    "topic": "scores",
    "partition": "0",
    "offset": "0",
    "digest": "0",
    "name": "site.css",
}
"""What stands in an address for each of its parts. A new part needs a value here, of something that there is."""

FIELDS = {"item": "expert/strategy-and-technology"}
"""What forms say beside their token, where a page looks at that first."""

FREE = {"public", "key", "signed-in"}
WITHOUT_SESSION = {"key"}
"""Pages for which a session counts for nothing: others test them."""


def rows() -> dict[str, str]:
    return {row["name"]: row["says"] for row in ROW.finditer(SECTION)}


def roles() -> dict[str, set[str]]:
    """What the first table says of each role."""
    return {name: set(CODE.findall(says)) for name, says in rows().items() if name in ROLES}


def pages() -> dict[str, set[str]]:
    """What the second table says that each page needs: any of these. What follows a semicolon is about parts of a page."""
    return {
        name: set(CODE.findall(says.partition(";")[0])) for name, says in rows().items() if re.match("[A-Z]+ /", name)
    }


def routes() -> Iterator[tuple[str, str]]:
    """Method and address of everything that the application answers."""
    pending: list[BaseRoute] = list(create_app(Settings()).routes)
    while pending:
        route = pending.pop()
        inner = getattr(route, "original_router", None)
        if inner is not None:
            pending += inner.routes
        elif isinstance(route, Route):
            yield from ((method, route.path) for method in sorted(route.methods or ()) if method != "HEAD")
        else:
            raise AssertionError(f"{route!r} is no route that this test knows how to ask")


def needs(method: str, path: str) -> set[str]:
    return pages().get(f"{method} {path}", set())


ASKED = sorted(routes(), key=lambda one: one[1])
GUARDED = [one for one in ASKED if not needs(*one) & FREE]
OF_A_PROGRAMME = [one for one in GUARDED if "{programme}" in one[1]]
"""The others show each visitor the programmes in which the right is held."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("matrix")
    shutil.copy(played(), folder / "ledger.sqlite")
    return folder


@pytest.fixture(scope="module")
def browser(home: Path) -> Iterator[httpx.Client]:
    with visiting(home, console_reading="signed-in") as client:
        yield client


def test_every_page_has_a_row_and_every_row_a_page() -> None:
    asked = {" ".join(one) for one in ASKED}
    missing = [f"| `{name}` | `read` or whatever right it requires |" for name in sorted(asked - set(pages()))]
    assert not missing, 'add to the table of pages in docs/console.md, "Who may":\n' + "\n".join(missing)
    assert set(pages()) <= asked, f"docs/console.md has rows of pages that are not there: {set(pages()) - asked}"


def test_a_page_that_acts_is_not_open_to_everybody_and_needs_a_right_that_there_is() -> None:
    known = {*get_args(Right), *FREE}
    for name, needs in pages().items():
        assert needs, f"the row of {name} does not say in backticks what it needs"
        assert needs <= known, f"the row of {name} needs {needs - known}, which is none of {sorted(known)}"


def test_the_document_has_the_rights_of_every_role() -> None:
    assert roles() == {role: set(rights) for role, rights in RIGHTS.items()}


def test_every_part_of_an_address_has_a_value_to_ask_with() -> None:
    parts = {part for _, path in ASKED for part in re.findall(r"{(\w+)", path)}
    assert parts <= set(VALUES), f"add to VALUES in this file what stands for {parts - set(VALUES)}"


def asked(browser: httpx.Client, method: str, path: str, field: dict[str, str], **other: str) -> int:
    """The status of an answer, whose body is not waited for: some never end."""
    address = path.format(**(VALUES | other))
    more: dict[str, Any] = {"data": FIELDS | field} if method == "POST" else {}
    if method == "POST" and address.endswith("/lab"):
        more["files"] = {"bundle": b"none"}
    with browser.stream(method, address, **more) as answer:
        return answer.status_code


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_who_has_not_signed_in_is_asked_to(browser: httpx.Client, method: str, path: str) -> None:
    assert asked(browser, method, path, not_signed_in(browser)) == 401


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_role_gets_the_pages_that_its_rights_open_and_no_other(
    browser: httpx.Client, home: Path, method: str, path: str, role: Role
) -> None:
    field = signed_as(browser, home, role)
    status = asked(browser, method, path, field)
    if roles()[role] & needs(method, path):
        assert status not in (401, 403), f"{role} may, by the table, and is not let in"
        assert status < 500 or status == 503
    else:
        assert status == 403


def signed_as(browser: httpx.Client, home: Path, role: Role, programme: str = PROGRAMME) -> dict[str, str]:
    account = f"{role}-{programme}".lower()
    return signed_in(browser, Settings(home=home).database, account, role, programme=programme, **WHO.get(role, {}))


@pytest.mark.parametrize(("method", "path"), OF_A_PROGRAMME)
def test_a_role_in_one_programme_is_none_in_another_nor_in_one_that_is_not_there(
    browser: httpx.Client, home: Path, method: str, path: str
) -> None:
    database = Settings(home=home).database
    for role in ROLES:
        signed_in(browser, database, "all-elsewhere", role, programme="elsewhere", **WHO.get(role, {}))
    field = signed_in(browser, database, "all-elsewhere")
    assert asked(browser, method, path, field) == 403
    assert asked(browser, method, path, field, programme="nowhere-at-all") == 403


@pytest.mark.parametrize(("method", "path"), [one for one in GUARDED if "{entrant}" in one[1] and "own" in needs(*one)])
def test_an_entrant_gets_nothing_of_another_and_is_not_told_whether_it_is_there(
    browser: httpx.Client, home: Path, method: str, path: str
) -> None:
    field = signed_as(browser, home, "entrant")
    assert asked(browser, method, path, field, entrant=OTHER) == 403
    assert asked(browser, method, path, field, entrant="nobody-at-all") == 403


@pytest.mark.parametrize(("method", "path"), [one for one in GUARDED if one[1].startswith("/desk/")])
def test_an_evaluator_gets_nothing_of_a_panel_that_is_another_s(
    browser: httpx.Client, home: Path, method: str, path: str
) -> None:
    field = signed_as(browser, home, "evaluator")
    assert asked(browser, method, path, field, phase=PHASE_OF_OTHERS) == 403
    assert asked(browser, method, path, field, phase="no-such-phase") == 403


@pytest.mark.parametrize(("method", "path"), [one for one in ASKED if "public" in needs(*one)])
def test_what_is_public_answers_everybody(browser: httpx.Client, method: str, path: str) -> None:
    assert asked(browser, method, path, not_signed_in(browser)) != 403


def test_a_form_is_never_taken_without_its_token(browser: httpx.Client, home: Path) -> None:
    signed_as(browser, home, "operator")
    for method, path in ASKED:
        if method == "POST" and not needs(method, path) & WITHOUT_SESSION:
            assert asked(browser, method, path, {"x": "1"}) == 403, path
