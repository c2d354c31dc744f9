"""The console in a real browser, over a real stack: K-AI played through Kafka, the recorder and Prefect while its board is
open; a decision read to its entry and proof, the slider, and the audit lab.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from events.note import format_vkey
from infra.kafka.broker import TemporaryBroker
from infra.ledger.database import upgrade
from tests.support.browsing import window
from tests.support.bundles import key_of
from tests.support.console_pages import K_AI, PHASE
from tests.support.console_process import console_process
from tests.support.deployment import environment
from tests.support.k_ai import EXAMPLE, PROGRAMME
from tests.support.stage import OFFICE_KEY

pytestmark = [pytest.mark.kafka, pytest.mark.prefect, pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
PLAYED_WITHIN_S = 600
LAST_PHASE = "#phase-final-projection"


@dataclass(frozen=True, slots=True)
class Stack:
    """A console over a ledger that is empty at first; whoever plays K-AI plays it into that one."""

    home: Path
    names: dict[str, str]
    url: str

    def play(self) -> subprocess.Popen[bytes]:
        with (self.home / "run.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "console", "run", str(EXAMPLE), "--json"],
                cwd=ROOT, env=self.names, stdout=log, stderr=log,
            )  # fmt: skip

    def phasegate(self, *words: str) -> None:
        command = [sys.executable, "-m", "console", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.names, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def stack(kafka: TemporaryBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("stack")
    database = f"sqlite:///{home / 'ledger.sqlite'}"
    names = environment(home, database, kafka.bootstrap)
    upgrade(database)
    with console_process(names, home / "console.log") as answering:
        yield Stack(home, names, answering.url)


@pytest.fixture(scope="module")
def played(stack: Stack, browser: Browser) -> Stack:
    """K-AI is played while its board is open, which follows by itself: nothing is loaded again, and at the end the board shows
    what it would show to somebody who comes then.
    """
    with window(browser, stack.url) as seen:
        page = seen.open("/")
        expect(page.locator("main .notice")).to_contain_text("No programme is announced yet")
        playing = stack.play()
        try:
            until_it_is_there(page)
            page.get_by_role("link", name=re.compile("Independent AI Foundation Model")).click()
            page.wait_for_url(f"**{K_AI}")
            expect(page.locator("#live-state")).to_contain_text("Live")
            opened = page.evaluate("performance.timeOrigin")  # whatever loads the page again begins another time
            expect(page.locator(f"{LAST_PHASE} h2 .tag")).to_have_text("final", timeout=PLAYED_WITHIN_S * 1000)
            assert playing.wait(timeout=PLAYED_WITHIN_S) == 0, (stack.home / "run.log").read_text()[-2000:]
            expect(page.locator("#feed li").first).to_contain_text("programme.concluded")
            assert page.evaluate("performance.timeOrigin") == opened
        finally:
            playing.kill()
        grown = standings(page)
        seen.open(K_AI)
        assert grown == standings(page)
    return stack


def until_it_is_there(page: Page) -> None:
    """The overview does not follow by itself: it is asked for again until the programme is announced."""
    for _ in range(PLAYED_WITHIN_S):
        if page.locator("main h2 a").count():
            return
        page.wait_for_timeout(1000)
        page.reload()
    raise AssertionError("no programme was announced")


def standings(page: Page) -> list[str]:
    return page.locator("#board table tr").all_inner_texts()


def test_the_board_follows_a_programme_without_being_loaded_again(played: Stack, browser: Browser) -> None:
    with window(browser, played.url) as seen:
        rows = [row for row in standings(seen.open(K_AI)) if "Naver Cloud" in row]
        assert any("81.8" in row and "a condition is not met" in row for row in rows)


def test_a_decision_is_followed_from_the_board_to_the_arithmetic_and_to_the_proof_of_its_entry(
    played: Stack, browser: Browser
) -> None:
    with window(browser, played.url) as seen:
        page = seen.open(K_AI)
        page.locator("#phase-phase-1").get_by_role("link", name="Naver Cloud").click()
        page.wait_for_url(f"**{PHASE}/naver-cloud")
        main = page.locator("main")
        expect(main).to_contain_text("Its total is 81.8 points: rank 2 of 5")
        expect(main).to_contain_text("is not met")
        again = page.locator("section", has=page.locator("#h-fragility"))
        expect(again.get_by_role("link", name="Make the decision again")).to_have_count(0)  # It came by itself.
        expect(again.locator("li").first).not_to_be_empty()
        seen.open(PHASE)
        page.get_by_role("link", name=re.compile(r"entry \d+")).first.click()
        expect(main).to_contain_text("phase.decided")
        expect(main).to_contain_text("phasegate verify")


def test_the_slider_shows_three_moments_each_with_an_address_of_its_own(played: Stack, browser: Browser) -> None:
    with window(browser, played.url) as seen:
        page = seen.open(PHASE)
        size = int(re.findall(r"first (\d+) entries", page.locator("aside").inner_text())[0])
        seen.open(K_AI)
        tag = page.locator("#phase-phase-1 h2 .tag")
        slider = page.locator("#at")
        slider.fill(str(size))
        page.wait_for_url(f"**at={size}**")
        expect(tag).to_have_text("intake closed")
        expect(page.locator(".moment")).to_contain_text(f"As it was at {size} of")
        slider.focus()
        page.keyboard.press("Home")  # As far back as it goes: the programme is announced there, or not even that.
        page.wait_for_url("**at=1**")
        expect(page.locator(".moment")).to_contain_text("As it was at 1 of")
        page.get_by_role("link", name="Phase 1 evaluation decided").click()
        expect(tag).to_have_text("decided")
        decided = page.url
        page.get_by_role("link", name="Back to now").click()
        expect(tag).to_have_text("final")
        page.goto(decided)
        expect(tag).to_have_text("decided")


def test_the_lab_says_that_a_bundle_holds_and_where_a_broken_one_does_not(
    played: Stack, browser: Browser, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole.zip", tmp_path / "broken.zip"
    played.phasegate("export", PROGRAMME, "--zip", "--out", str(whole))
    broken.write_bytes(forged(whole.read_bytes()))
    with window(browser, played.url) as seen:
        page = seen.open(f"{K_AI}/lab")
        verify(page, whole)
        expect(page.locator(".notice.good")).to_contain_text(key_of(PROGRAMME).name)
        seen.refusals += 1
        verify(page, broken)
        expect(page.get_by_role("alert")).to_contain_text("tile/entries/")
        assert seen.findings() == []


def verify(page: Page, bundle: Path) -> None:
    page.get_by_label("The bundle", exact=True).set_input_files(bundle)
    page.get_by_label("Public key of the log").fill(format_vkey(key_of(PROGRAMME)))
    page.get_by_label("Public key of the office").fill(format_vkey(OFFICE_KEY.verifier))
    page.get_by_role("button", name="Verify").click()


def forged(bundle: bytes) -> bytes:
    """With one verdict that is another."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as written:
        for name in archive.namelist():
            data = archive.read(name)
            is_first = name.startswith("tile/entries/000")
            written.writestr(name, data.replace(b'"accepted"', b'"rejected"', 1) if is_first else data)
    return made.getvalue()
