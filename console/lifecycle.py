"""Writes docs/lifecycle.md from the table that the code keeps to. `python -m console.lifecycle`"""

from __future__ import annotations

from pathlib import Path

from handlers.lifecycle import lines

PAGE = Path(__file__).resolve().parents[1] / "docs" / "lifecycle.md"


def page() -> str:
    """The text of the page."""
    return "\n".join(lines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
