"""Pages that only a long course leads to: a held phase, a returned decision, one computed anew, objections, attestations, and
records that were erased since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from console.web.speech import LANGS, say
from infra.ledger import Ledger
from infra.settings import Settings
from tests.console.web.test_courses import is_well_formed, pages
from tests.console.web.test_pages import Outline, visiting
from tests.console.web.test_replay import KEYS
from tests.console.web.test_what_if import plain
from tests.golden.erased import erased_and_attested
from tests.support import long_cup, long_told, small
from tests.support.long_cup import TEAMS, day
from tests.support.stage import Stage, memory_stage

BOARD = f"/programmes/{small.PROGRAMME}"
HEAT = f"{BOARD}/decisions/heat"
MISSING = long_told.score("cedar", "cai")
"""The mark that is not there in time."""


@dataclass
class Course:
    """A programme, and the sizes of its log at the moments that are looked at."""

    stage: Stage
    sizes: dict[str, int] = field(default_factory=dict)

    def note(self, moment: str) -> None:
        head = self.stage.parts.ledger.head(small.PROGRAMME)
        assert head is not None
        self.sizes[moment] = head.size

    def play(self) -> None:
        stage = self.stage
        stage.tell(long_cup.announced(long_cup.rulebook()), *long_told.beginnings())
        stage.progress(day(0) + 1)
        stage.tell(*(long_told.submitted(team, 5) for team in TEAMS))
        stage.progress(day(10) + 1)
        stage.tell(*(mark for mark in long_told.marks("heat", TEAMS, 15) if mark.id != MISSING))
        stage.progress(day(20) + 1)
        stage.progress(day(21) + 1)
        self.note("held")
        stage.tell(long_told.waived("waive", 21.2, evaluator="cai", entrant="cedar"))
        stage.progress(day(21.3))
        self.note("decided")
        stage.tell(long_told.returned("return", 22))
        stage.progress(day(22) + 1)
        self.note("returned")
        stage.tell(long_told.reopened("reopen", 22.5, 23))
        stage.progress(day(22.6))
        self.note("reopened")
        stage.progress(day(23) + 1)
        stage.tell(*long_told.signed(25, number=2))
        stage.progress(day(25) + 1)
        stage.tell(long_told.objected("object", "cedar", 26, number=2))
        stage.progress(day(26) + 1)
        self.note("objected")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("long")


@pytest.fixture(scope="module")
def course(home: Path) -> Course:
    found = Course(memory_stage(home))
    found.play()
    return found


@pytest.fixture(scope="module")
def browser(home: Path, course: Course) -> Iterator[httpx.Client]:
    assert course.sizes
    with visiting(home, **KEYS) as client:
        yield client


@pytest.fixture(scope="module")
def erased_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two attestors have spoken, and records were erased then."""
    folder = tmp_path_factory.mktemp("erased")
    erased_and_attested(folder)
    return folder


@pytest.fixture(scope="module")
def erased(erased_home: Path) -> Iterator[httpx.Client]:
    with visiting(erased_home, **KEYS) as client:
        yield client


def seen(client: httpx.Client, path: str, at: int | None = None) -> str:
    """What a page says, which is well-formed in each language."""
    path, _, own = path.partition("?")
    query = dict(parse_qsl(own)) | ({} if at is None else {"at": str(at)})
    for lang in LANGS:
        answer = client.get(path, params={**query, "lang": lang})
        page = Outline(answer.text)
        assert answer.status_code == 200, (answer.status_code, path)
        assert len(page.all("h1")) == 1
        assert len(page.ids) == len(set(page.ids))
    client.cookies.clear()
    return plain(client.get(path, params=query).text)


def test_a_phase_that_is_held_says_what_is_missing_and_from_whom(browser: httpx.Client, course: Course) -> None:
    board = seen(browser, BOARD, course.sizes["held"])
    assert say("en", "status.held") in board
    assert "cai" in board
    assert say("en", "owed.mark-missing") in board
    assert "cai" in seen(browser, HEAT, course.sizes["held"])


def test_a_returned_decision_says_so_with_its_reason(browser: httpx.Client, course: Course) -> None:
    told = seen(browser, f"{BOARD}/decisions", course.sizes["returned"])
    assert say("en", "decision.returned") in told
    assert "unclear" in told
    seen(browser, HEAT, course.sizes["returned"])


def test_a_reopened_phase_is_open_again_and_its_first_decision_stays_to_be_read(
    browser: httpx.Client, course: Course
) -> None:
    seen(browser, HEAT, course.sizes["reopened"])
    seen(browser, BOARD, course.sizes["reopened"])
    told = seen(browser, f"{BOARD}/decisions")
    assert say("en", "decision.superseded") in told
    assert "Decision of round 2" in told
    assert (
        say("en", "decision.returned") in seen(browser, f"{BOARD}/changes?since={course.sizes['decided']}").casefold()
    )


def test_an_objection_that_waits_stands_beside_the_decision(browser: httpx.Client) -> None:
    told = seen(browser, HEAT)
    assert say("en", "decision.objection-waiting") in told
    assert "misreading" in told


def test_attestations_stand_beside_the_decision(erased: httpx.Client) -> None:
    told = seen(erased, HEAT)
    assert say("en", "decision.attested") in told
    assert say("en", "decision.replay-identical") in told
    assert "urn:outside:auditor" in told


def test_an_entry_whose_record_was_erased_says_by_which_entry(erased: httpx.Client, erased_home: Path) -> None:
    with Ledger.open(Settings(home=erased_home).database) as ledger:
        gone = [row for row in ledger.erased(small.PROGRAMME) if row.by is not None]
    assert gone
    for row in gone[:2]:
        assert f"{say('en', 'entry.erased')} {row.by}" in seen(erased, f"{BOARD}/log/{row.index}")


def test_where_records_are_gone_a_what_if_says_that_nothing_can_be_run_again(erased: httpx.Client) -> None:
    answer = erased.get(f"{BOARD}/lab/what-if", params={"refill": "true"}, follow_redirects=True)
    assert answer.status_code == 422
    assert "its record is not there" in answer.text


def test_every_page_of_such_courses_is_there(
    home: Path, browser: httpx.Client, erased_home: Path, erased: httpx.Client
) -> None:
    for folder, client in ((home, browser), (erased_home, erased)):
        assert [path for path in pages(folder) if not is_well_formed(client.get(path))] == []
