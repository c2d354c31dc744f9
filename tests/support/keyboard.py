"""A page used by somebody without a mouse: everything is reached with the tab key, and done with keys."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

STOPS_MAX = 150
IS_FOCUSED = "(one) => one === document.activeElement"


def go_to(page: Page, control: Locator) -> None:
    """The tab key until the control has the focus."""
    control.wait_for()
    for _ in range(STOPS_MAX):
        if control.evaluate(IS_FOCUSED):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the tab key does not come to {control}")


def press(page: Page, control: Locator) -> None:
    """A link or a button."""
    go_to(page, control)
    page.keyboard.press("Enter")


def write(page: Page, control: Locator, text: str) -> None:
    """Into a field of text, over what is there."""
    go_to(page, control)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def choose(page: Page, control: Locator, value: str) -> None:
    """In a list."""
    go_to(page, control)
    for _ in range(STOPS_MAX):
        if control.input_value() == value:
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{value!r} is not in {control}")


def fill_in(page: Page, said: dict[str, str]) -> None:
    """The fields of a form by their names, in the order of the page."""
    for name, value in said.items():
        control = page.locator(f"main [name='{name}']")
        if control.evaluate("(one) => one.tagName") == "SELECT":
            choose(page, control, value)
        else:
            write(page, control, value)
