"""The pictures of the console in docs/pictures. PHASEGATE_WRITE_PICTURES=1 makes them again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import Over
from tests.support.browsing import window
from tests.support.console_pages import K_AI, PAGES, show
from tests.support.pictures import BYTES_MAX, FOLDER, HEIGHT, PHONE, WIDTH, write_picture

ROOT = Path(__file__).resolve().parents[2]
PICTURES = [shown.picture for shown in PAGES if shown.picture]
PHONES = {"phone": f"{K_AI}?lang=ko"}


@pytest.mark.parametrize("name", [*PICTURES, *PHONES])
def test_a_picture_of_each_screen_is_in_the_documents_with_a_sentence(name: str) -> None:
    picture = FOLDER / f"console-{name}.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size <= BYTES_MAX
    assert f"(pictures/{picture.name})" in (ROOT / "docs" / "console.md").read_text(encoding="utf-8")


@pytest.mark.skipif("PHASEGATE_WRITE_PICTURES" not in os.environ, reason="writes only when it is asked to")
@pytest.mark.timeout(900)
def test_pictures_are_made_again(browser: Browser, k_ai_console: Over) -> None:
    for shown in PAGES:
        if shown.picture:
            with window(browser, k_ai_console.url, width=WIDTH, height=HEIGHT) as seen:
                write_picture(show(seen, shown, k_ai_console.database), shown.picture)
    for name, path in PHONES.items():
        with window(browser, k_ai_console.url, "ko", *PHONE) as seen:
            write_picture(seen.open(path), name)
