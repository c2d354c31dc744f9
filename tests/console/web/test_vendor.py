"""What others wrote is here as they gave it out, and nothing besides."""

from __future__ import annotations

import hashlib
from pathlib import Path

import console.web

FOLDER = Path(console.web.__file__).parent / "vendor"


def test_every_vendored_file_is_the_one_in_the_lock() -> None:
    lines = [line.split() for line in (FOLDER / "vendor.lock").read_text().splitlines() if not line.startswith("#")]
    locked = {name: (digest, int(size)) for digest, size, name, _ in lines}
    scripts = [path for path in FOLDER.iterdir() if path.suffix in {".js", ".css"}]
    found = {path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size) for path in scripts}
    assert found == locked


def test_each_comes_with_its_licence() -> None:
    assert {path.stem for path in FOLDER.glob("*.LICENSE")} == {"htmx", "uplot"}
