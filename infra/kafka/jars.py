"""The broker's jars: fetched by coordinate, used only when size and SHA-256 are those of `broker.lock`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from events.errors import Tampered, Unavailable

LOCK = Path(__file__).with_name("broker.lock")
Say = Callable[[str], None]
"""Progress for people: one short sentence at a time."""

_OTHER_WAYS = (
    "Check the network (HTTPS_PROXY is honoured), copy the cache folder from a machine that has it and set "
    "PHASEGATE_CACHE, use any cluster with PHASEGATE_KAFKA=host:port, or do without Kafka: --bus memory."
)


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock. `size` in bytes."""

    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


def locked(text: str) -> list[Jar]:
    """The jars of a lock, in its order. Lines are `sha256 bytes group:artifact:version`; # starts a comment line."""
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [_jar(coordinate, int(size), sha256) for sha256, size, coordinate in lines]


def _jar(coordinate: str, size: int, sha256: str) -> Jar:
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, size, sha256)


def cache_folder() -> Path:
    """Where downloads stay between runs: PHASEGATE_CACHE, else the user's cache folder."""
    named = os.environ.get("PHASEGATE_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("phasegate")


def broker_jars(say: Say = lambda _: None, lock: Path = LOCK) -> list[Path]:
    """Paths of all jars of the lock, each verified now. Missing or altered ones are fetched first.

    Processes take turns at the cache. Raises Unavailable without a network, Tampered when the fetched bytes differ.
    """
    jars = locked(lock.read_text())
    version = next(jar.version for jar in jars if jar.artifact == "kafka-server")
    folder = cache_folder() / "kafka" / version
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / ".lock"):
        missing = [jar for jar in jars if not _is_genuine(folder / jar.file, jar)]
        if missing:
            _fetch(missing, folder, say)
    return [folder / jar.file for jar in jars]


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold an advisory lock on a file; the kernel drops it when its holder dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_genuine(path: Path, jar: Jar) -> bool:
    if not path.is_file() or path.stat().st_size != jar.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256


def _fetch(missing: list[Jar], folder: Path, say: Say) -> None:
    """Fetch through a private staging folder: what a killed run leaves there is never taken for a jar."""
    total = sum(jar.size for jar in missing) / 1e6
    say(f"fetching {len(missing)} jars of Apache Kafka, {total:.0f} MB, into {folder}")
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=folder))
    try:
        with ThreadPoolExecutor(max_workers=8) as threads:
            fetches = [threads.submit(_fetch_one, jar, folder, staging) for jar in missing]
            for done, fetch in enumerate(as_completed(fetches), start=1):
                say(f"{done}/{len(missing)} {fetch.result()}")
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fetch_one(jar: Jar, folder: Path, staging: Path) -> Jar:
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=staging, timeout=30)
    try:
        path = Path(context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
        raise Unavailable(f"{jar} cannot be fetched: {error}", hint=_OTHER_WAYS, coordinate=str(jar)) from error
    if not _is_genuine(path, jar):
        raise Tampered(
            f"{jar} is not the file of {LOCK.name}: wanted {jar.size} bytes with SHA-256 {jar.sha256}, "
            f"got {path.stat().st_size} bytes with {hashlib.sha256(path.read_bytes()).hexdigest()}",
            hint="Do not use it. Compare with another network before changing the lock.",
            coordinate=str(jar),
        )
    path.replace(folder / jar.file)
    return jar
