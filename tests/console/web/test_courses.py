"""Every page of programmes that took another course: objections, superseded decisions, ties, withdrawals, open calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.reading import open_reading
from infra.settings import Settings
from tests.console.web.test_pages import Outline, visiting
from tests.support.scenarios import memory, play_scenario

VARIATIONS = Path(__file__).resolve().parents[3] / "examples" / "variations"
COURSES = (
    "upheld-objection",
    "evaluator-annulled-after-the-decision",
    "tie-at-the-cut",
    "withdrawal-before-finality",
    "eliminated-team-comes-back",
)


@pytest.fixture(scope="module", params=COURSES)
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("course")
    course_of(request.param, folder)
    return folder


def course_of(name: str, folder: Path) -> str:
    """A variation, played in a ledger of this folder; its programme."""
    play_scenario(VARIATIONS / name, memory(), f"sqlite:///{folder}/ledger.sqlite")
    with open_reading(Settings(home=folder)) as reading:
        (head,) = reading.ledger.heads()
    return head.programme


def pages(home: Path) -> Iterator[str]:
    """Every address that leads to something of the programme, with each decision that was superseded."""
    with open_reading(Settings(home=home)) as reading:
        (head,) = reading.ledger.heads()
        state = reading.state(head.programme)
    root = f"/programmes/{head.programme}"
    yield from (
        "/",
        root,
        f"{root}/decisions",
        f"{root}/log",
        f"{root}/checkpoints",
        f"{root}/lab",
        f"{root}/lab/replay",
        f"{root}/lab/what-if",
        f"{root}/changes",
        f"{root}/changes?since=0",
    )
    yield from (f"{root}/log/{index}" for index in range(0, head.size, max(1, head.size // 12)))
    yield from (f"{root}?at={size}" for size in range(1, head.size, max(1, head.size // 12)))
    yield f"/results/{head.programme}"
    for name in state.entrants:
        yield f"{root}/entrants/{name}"
    for phase in state.phases.values():
        place = f"{root}/decisions/{phase.rules.id}"
        yield from (place, f"/results/{head.programme}/{phase.rules.id}")
        yield from (f"{place}?decision={event_id}" for event_id in phase.decisions)
        yield from (f"{place}/{name}" for name in phase.entrants)


def test_every_page_is_there_and_well_formed(home: Path) -> None:
    with visiting(home) as browser:
        wrong = [path for path in pages(home) if not is_well_formed(browser.get(path, params=None))]
    assert wrong == []


def is_well_formed(answer: httpx.Response) -> bool:
    page = Outline(answer.text)
    return answer.status_code == 200 and len(page.all("h1")) == 1 and len(page.ids) == len(set(page.ids))
