"""Debian's Chromium, driven by Playwright, whose own browsers are not used: they would have to be downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Error, sync_playwright

from events.errors import Unavailable

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--font-render-hinting=none")
"""Tests run as root and in containers. Without hinting, pictures come out alike on more machines."""


def path_of_chromium() -> str:
    """Raises Unavailable where there is none."""
    named = os.environ.get("PHASEGATE_CHROMIUM")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise Unavailable(
            f"none of {', '.join(NAMES)} is on the PATH",
            hint="`.ci/chromium` installs one as root on Debian; or name one by PHASEGATE_CHROMIUM",
        )
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Ends with the block. While it runs, nothing else in this thread may run an event loop. Raises Unavailable."""
    path = path_of_chromium()
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        except Error as error:
            raise Unavailable(f"{path} does not start: {error.message}", hint="run it by hand to see why") from error
        try:
            yield browser
        finally:
            browser.close()
