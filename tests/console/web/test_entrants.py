"""An entrant's own page and letters: everything of its own, and nothing of another's."""

from __future__ import annotations

import io
import shutil
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from console.web import access, page
from console.web.access import Role, Visitor
from console.web.speech import LANGS
from events.note import format_vkey, parse_vkey, verifier_key
from events.proof_file import verify_proof
from flows.reading import Reading, open_reading
from infra.settings import Settings
from tests.console.web.test_pages import Outline, visiting
from tests.support.k_ai import PROGRAMME, played
from tests.support.stage import LOG_KEY

LOG = f"phasegate.example/{PROGRAMME}"
VKEY = format_vkey(verifier_key(LOG, LOG_KEY.public))
OWN, OTHER = "nc-ai", "naver-cloud"


def own_pages(entrant: str) -> tuple[str, ...]:
    decided = f"/programmes/{PROGRAMME}/decisions/phase-1/{entrant}"
    return (f"/programmes/{PROGRAMME}/entrants/{entrant}", f"{decided}/letter", f"{decided}/letter.zip")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("entrants")
    shutil.copy(played(), folder / "ledger.sqlite")
    return folder


@pytest.fixture(scope="module")
def browser(home: Path) -> Iterator[httpx.Client]:
    with visiting(home, log_vkeys=(VKEY,)) as client:
        yield client


@pytest.fixture(scope="module")
def reading(home: Path) -> Iterator[Reading]:
    with open_reading(Settings(home=home)) as found:
        yield found


@pytest.fixture
def as_entrant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks is one entrant, signed in."""
    visitor = Visitor("somebody", {PROGRAMME: frozenset[Role]({"entrant"})}, {(PROGRAMME, "entrant"): OWN})
    for module in (access, page):
        monkeypatch.setattr(module, "visitor_of", lambda _request: visitor)


@pytest.mark.usefixtures("as_entrant")
def test_an_entrant_sees_its_own_and_not_another_s(browser: httpx.Client, reading: Reading) -> None:
    text = browser.get(own_pages(OWN)[0]).text
    phase = reading.state(PROGRAMME).phases["phase-1"]
    assert all(browser.get(path).status_code == 200 for path in own_pages(OWN))
    assert all(mark.value in text for slot, mark in phase.marks.items() if slot[0] == OWN)
    for other in (OTHER, "nobody-at-all"):
        answers = [browser.get(path) for path in own_pages(other)]
        assert [answer.status_code for answer in answers] == [403] * 3
        assert not any("Naver" in answer.text for answer in answers)


@pytest.mark.usefixtures("as_entrant")
def test_an_entrant_reads_no_page_that_is_for_others(browser: httpx.Client) -> None:
    decisions = f"/programmes/{PROGRAMME}/decisions"
    decided = f"{decisions}/phase-1/{OWN}"
    for path in (f"/programmes/{PROGRAMME}", decisions, f"{decisions}/phase-1", decided, f"{decided}/fragility"):
        assert browser.get(path).status_code == 403
    links = [one.get("href") or "" for one in Outline(browser.get(own_pages(OWN)[0]).text).all("a")]
    assert not [link for link in links if "/log/" in link or link.endswith("/decisions")]


@pytest.mark.usefixtures("as_entrant")
def test_an_entrant_s_own_page_names_nobody_else_and_no_score_of_theirs(
    browser: httpx.Client, reading: Reading
) -> None:
    state = reading.state(PROGRAMME)
    text = browser.get(own_pages(OWN)[0], params={"lang": "en"}).text
    others = {name: fact.data["name"] for name, fact in state.entrants.items() if name != OWN}
    assert not [name for name in (*others, *others.values()) if f">{name}<" in text or f" {name} " in text]
    own = {
        node.get("value") for fact in _assessed(reading) if fact["entrant"] == OWN for node in fact["scores"].values()
    }
    for fact in _assessed(reading):
        values = {node.get("value") for node in fact["scores"].values()} - own - {None}
        total = fact["scores"].get("total", {}).get("value")
        assert fact["entrant"] == OWN or total not in values or f">{total}<" not in text


def _assessed(reading: Reading) -> list[dict]:  # type: ignore[type-arg]
    return [fact.data for fact in reading.state(PROGRAMME).phases["phase-1"].assessed.values()]


@pytest.mark.parametrize("lang", LANGS)
def test_a_letter_is_one_page_whose_style_alone_is_let_in(browser: httpx.Client, lang: str) -> None:
    answer = browser.get(own_pages(OWN)[1], params={"lang": lang})
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert f'<html lang="{lang}">' in answer.text


def test_the_proofs_in_the_file_hold_under_the_log_s_key_alone(browser: httpx.Client) -> None:
    answer = browser.get(own_pages(OWN)[2], params={"lang": "ko"})
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    names = set(archive.namelist())
    assert {f"{OWN}-phase-1.ko.html", f"{OWN}-phase-1-assessment.opening.json"} <= names
    for what in ("decision", "assessment"):
        stem = f"{OWN}-phase-1-{what}"
        entry = archive.read(f"{stem}.entry.json")
        verify_proof(archive.read(f"{stem}.tlog-proof"), entry, [parse_vkey(VKEY)])
    assert answer.content == browser.get(own_pages(OWN)[2], params={"lang": "ko"}).content


@pytest.mark.parametrize("lang", LANGS)
def test_the_page_is_well_formed(browser: httpx.Client, lang: str) -> None:
    outline = Outline(browser.get(own_pages("lg-ai-research")[0], params={"lang": lang}).text)
    assert len(outline.ids) == len(set(outline.ids))
    assert all(one.get("scope") for one in outline.all("th"))
    assert outline.all("style") == []
