"""The largest checkpoint of each log that left this home, in a file of its own beside the database.

A database that is restored from an older copy has forgotten what was signed after that copy, and its log would grow into a
second history under the same name. Here it is remembered, so that signing and publishing can refuse. It is one memory, of
one home: who can change it can make the log forget, and only witnesses and others who hold a checkpoint remain.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from events.errors import Tampered, Unavailable
from events.note import Checkpoint, unverified
from infra import durable


class GivenOut:
    """A folder with one note for each log. Processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, origin: str) -> Path:
        """The file of a log; a slash in its origin is written `~`."""
        return self._folder / origin.replace("/", "~")

    def latest(self, origin: str) -> Checkpoint | None:
        """The largest checkpoint that may have left. Raises Tampered when the file holds anything else."""
        place = self.place(origin)
        with _translated(place):
            try:
                note = place.read_bytes()
            except FileNotFoundError:
                return None
        found = unverified(note)
        if found.origin != origin:
            raise Tampered(f"{place} holds a checkpoint of {found.origin!r}, not of {origin!r}")
        return found

    def origins(self) -> list[str]:
        """Every log of which something left, by name."""
        with _translated(self._folder):
            found = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
            notes = [path.read_bytes() for path in found if not path.name.startswith(".")]
        return [unverified(note).origin for note in notes]

    def keep(self, note: bytes) -> None:
        """Durable when this returns: then the checkpoint may leave. One that is smaller than what is kept changes nothing.
        Raises Tampered when another root was given out at its size.
        """
        said = unverified(note)
        place = self.place(said.origin)
        with _translated(place), self._alone():
            kept = self.latest(said.origin)
            if kept is not None and kept.size == said.size and kept.root != said.root:
                raise Tampered(f"{place} has root {kept.root.hex()} at size {kept.size}, not {said.root.hex()}")
            if kept is None or kept.size < said.size:
                durable.replace_file(place, note)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The lock ends with the process, however it ends."""
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


@contextmanager
def _translated(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"what was given out cannot be kept in {place}: {error.strerror or error}",
            hint="nothing was given out; free space or permissions, and run it again",
        ) from error
