"""The public page of results: what was published, and nothing beside it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.web.speech import LANGS
from events.entry import decode_entry
from events.envelope import decode
from flows.reading import Reading, open_reading
from handlers.disclosure import to_everybody
from infra.settings import Settings
from tests.console.web.test_pages import Outline, visiting
from tests.support.k_ai import PROGRAMME, played

RESULTS = f"/results/{PROGRAMME}"
PAGES = (RESULTS, f"{RESULTS}/phase-1", f"{RESULTS}/phase-2", f"{RESULTS}?at=900")
PROFILES = ("k-ai-public", "k-ai-averages")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    shutil.copy(played(), folder / "ledger.sqlite")
    return folder


@pytest.fixture(scope="module")
def public(home: Path) -> Iterator[httpx.Client]:
    """A browser of somebody who may read nothing else."""
    with visiting(home, console_reading="signed-in") as client:
        yield client


@pytest.fixture(scope="module")
def reading(home: Path) -> Iterator[Reading]:
    with open_reading(Settings(home=home)) as found:
        yield found


def scalars(data: Any) -> Iterator[str]:
    """Every text within JSON, keys too."""
    match data:
        case dict():
            for name, value in data.items():
                yield name
                yield from scalars(value)
        case list():
            for value in data:
                yield from scalars(value)
        case str():
            yield data
        case _:
            pass


@pytest.fixture(scope="module")
def private(reading: Reading) -> set[str]:
    """Every text of a record, refused ones too, that stands in no record of which the content is public."""
    shown, hidden = set[str](), set[str]()
    disclosures = [to_everybody(profile) for profile in PROFILES]
    for stored in reading.ledger.read(PROGRAMME, 0, reading.state(PROGRAMME).size):
        if stored.opening is None or stored.opening.value is None:
            continue
        verdict = decode_entry(stored.entry).verdict
        try:
            event = decode(stored.opening.value)
        except ValueError:
            continue
        is_public = verdict == "accepted" and any(shows(event) for shows in disclosures)
        (shown if is_public else hidden).update((event.id, *scalars(event.data)))
    return hidden - shown


def visible(text: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "\n", text.partition("<main")[2]))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_on_the_page_that_was_not_published(
    public: httpx.Client, private: set[str], path: str, lang: str
) -> None:
    """Words that the page itself says are no secret because a record has them as well; numbers, names and ids are."""
    answer = public.get(path, params={"lang": lang} | ({"at": "900"} if "?" in path else {}))
    assert answer.status_code == 200
    page = visible(answer.text)
    telling = [text for text in private if re.search(r"\d\.\d|[A-Z ]|.{12}", text)]
    assert len(telling) > 500
    leaked = [text for text in telling if re.search(rf"(?<![\w.-]){re.escape(text)}(?![\w.-])", page)]
    assert leaked == []


def test_what_was_published_is_there_with_its_outcomes(public: httpx.Client, reading: Reading) -> None:
    page = visible(public.get(RESULTS, params={"lang": "en"}).text)
    for phase in reading.state(PROGRAMME).phases.values():
        decision = phase.in_force
        assert decision is not None
        assert all(row["entrant"] in page for row in decision.fact.data["outcomes"])
        for fact in decision.published.values():
            figures = fact.data["figures"]
            assert all(value in page for value in figures["means"].values())
            assert all(row["score"] in page for row in figures.get("first", {}).values())


def test_before_it_was_published_nothing_is_shown(public: httpx.Client, reading: Reading) -> None:
    decision = reading.state(PROGRAMME).phases["phase-1"].in_force
    assert decision is not None
    fact = decision.published["k-ai-public"]
    total = fact.data["figures"]["means"]["total"]
    assert total not in public.get(f"{RESULTS}/phase-1?at={fact.index}").text
    assert total in public.get(f"{RESULTS}/phase-1?at={fact.index + 1}").text


@pytest.mark.parametrize("lang", LANGS)
def test_the_page_is_well_formed(public: httpx.Client, lang: str) -> None:
    outline = Outline(public.get(RESULTS, params={"lang": lang}).text)
    assert len(outline.all("h1")) == 1
    assert len(outline.ids) == len(set(outline.ids))
    assert all(one.get("scope") for one in outline.all("th"))
    assert [one["lang"] for one in outline.all("html")] == [lang]


@pytest.mark.parametrize("path", ["/results/nobody", f"{RESULTS}/nothing", "/results/_intake"])
def test_what_is_not_there_is_not_found(public: httpx.Client, path: str) -> None:
    assert public.get(path).status_code == 404
