"""Files that are there after a power cut: written whole, synced, and moved into place in one step.

These are the only places where bundles and kept checkpoints touch the disk, so that tests can let each fail.
"""

from __future__ import annotations

import os
from pathlib import Path


def write_all(descriptor: int, data: bytes) -> None:
    """All of it, however little the system takes at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync(descriptor: int) -> None:
    os.fsync(descriptor)


def move(source: Path, target: Path) -> None:
    """In one step; a directory only onto nothing or an empty one."""
    source.rename(target)


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(place: Path, data: bytes) -> None:
    """The file has this content, durably; before, and after a crash at any line, the old one or the new. The caller lets
    nobody else write it meanwhile. Raises OSError.
    """
    draft = place.with_name(f".{place.name}.partial")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        write_all(descriptor, data)
        sync(descriptor)
    finally:
        os.close(descriptor)
    move(draft, place)
    sync_directory(place.parent)
