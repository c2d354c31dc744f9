"""This machine: Python, packages, Java, the broker's jars, keys, disk."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

from console.health import Finding
from events.errors import NotFound
from infra.settings import Settings

OLDEST_PYTHON = (3, 11)
NEEDED = (
    *("prefect", "kafka-python", "pydantic", "pydantic-settings", "sqlalchemy", "alembic", "psycopg", "cryptography"),
    *("orjson", "rfc8785", "pyyaml", "rich", "structlog"),
)
EXACT = {"prefect": "3.8.8", "kafka-python": "3.0.12"}
"""Other versions were not tried with this code; requirements.in says why these."""
LOW_DISK, NO_DISK = 2 * 10**9, 200 * 10**6
"""Bytes: below the first a warning, below the second a failure. A broker and its jars take 0.2 GB before any record."""


def python(_: Settings) -> Finding:
    text = f"Python {platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("python", "failed", text, "install Python 3.11 or later, then `make venv`")
    return Finding("python", "ok", text)


def packages(_: Settings) -> Finding:
    found = {name: _version(name) for name in (*NEEDED, "crc32c")}
    missing = [name for name in NEEDED if found[name] is None]
    if missing:
        return Finding("packages", "failed", f"not installed: {', '.join(missing)}", "make venv")
    other = [f"{name} {found[name]} instead of {wanted}" for name, wanted in EXACT.items() if found[name] != wanted]
    if other:
        return Finding("packages", "warning", "; ".join(other), "make venv installs what was tested")
    if found["crc32c"] is None:
        return Finding("packages", "warning", "crc32c is missing: reading Kafka is four times slower", "make venv")
    return Finding(
        "packages", "ok", ", ".join(f"{name} {found[name]}" for name in EXACT) + f" and {len(found) - 2} more"
    )


def _version(name: str) -> str | None:
    try:
        return installed(name)
    except PackageNotFoundError:
        return None


def java(settings: Settings) -> Finding:
    """Only the local broker needs one; with another cluster its absence is nothing."""
    if settings.kafka:
        return Finding("java", "ok", "not needed: PHASEGATE_KAFKA names a cluster")
    from infra.kafka.java import find_java

    found = find_java()
    return Finding("java", "ok", f"{found} at {found.path}")


def jars(settings: Settings) -> Finding:
    if settings.kafka:
        return Finding("broker jars", "ok", "not needed: PHASEGATE_KAFKA names a cluster")
    from infra.kafka.jars import LOCK, cache_folder, locked

    wanted = locked(LOCK.read_text(encoding="utf-8"))
    folder = cache_folder() / "kafka" / next(jar.version for jar in wanted if jar.artifact == "kafka-server")
    missing = [jar for jar in wanted if not _has_size(folder / jar.file, jar.size)]
    if missing:
        text = f"{len(missing)} of {len(wanted)} are not in {folder}"
        size = sum(jar.size for jar in missing) / 1e6
        return Finding("broker jars", "warning", text, f"phasegate kafka up fetches them ({size:.0f} MB)")
    return Finding("broker jars", "ok", f"{len(wanted)} in {folder}")


def _has_size(path: Path, size: int) -> bool:
    """Their SHA-256 is checked at each start of the broker."""
    return path.is_file() and path.stat().st_size == size


def office_key(settings: Settings) -> Finding:
    return _key("office key", settings.office_key)


def log_key(settings: Settings) -> Finding:
    return _key("log key", settings.log_key)


def _key(name: str, path: Path) -> Finding:
    from infra.keys import load_key

    try:
        key = load_key(path)
    except NotFound:
        return Finding(name, "failed", f"there is no {path}", f"phasegate keys new {path.stem}")
    return Finding(name, "ok", f"{key.kid} in {path}, mode 0600")


def disk(settings: Settings) -> Finding:
    """The fullest of the disks that hold the home, a ledger in a file, and the local broker's data. What stands elsewhere, a
    cluster or a database server, is looked at there.
    """
    free = sorted((shutil.disk_usage(place).free, str(place), whose) for place, whose in _places(settings).items())
    least, place, whose = free[0]
    text = f"{least / 1e9:.1f} GB free at {place} ({whose})" + (f", more on {len(free) - 1} other" if free[1:] else "")
    if least < NO_DISK:
        return Finding("disk", "failed", text, "free some space: docs/operating.md#full-disk")
    if least < LOW_DISK:
        return Finding("disk", "warning", text, "free some space, or move it to another disk")
    return Finding("disk", "ok", text)


def _places(settings: Settings) -> dict[Path, str]:
    """One place for each file system, and what of ours is there."""
    from infra.ledger.database import database_url

    url = database_url(settings.database)
    wanted = {"home": settings.home}
    if url.drivername == "sqlite":
        wanted["ledger"] = Path(str(url.database)).parent
    if not settings.kafka:
        wanted["broker"] = settings.home / "kafka" / "data"
    found: dict[int, tuple[Path, list[str]]] = {}
    for whose, path in wanted.items():
        place = _existing(path.absolute())
        found.setdefault(place.stat().st_dev, (place, []))[1].append(whose)
    return {place: ", ".join(whose) for place, whose in found.values()}


def _existing(place: Path) -> Path:
    while not place.exists():
        place = place.parent
    return place
