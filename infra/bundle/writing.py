"""Writing a bundle: beside its place, every file durable before the checkpoint is there, then moved into place whole.

A crash or a full disk at any point leaves nothing at the bundle's place; at most a hidden `.partial` beside it, which
nobody takes for a bundle.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from events.bundle import CHECKPOINT, SUMS, encode_sums
from events.errors import Conflict, Unavailable
from infra import durable

_STAMP = (1980, 1, 1, 0, 0, 0)
"""The time of every member of a zip, so that the same bundle has the same bytes."""

_CHUNK = 1 << 20


class BundleWriter(Protocol):
    """Takes the files of one bundle. `add` may be called in any order; `publish` comes last and makes it visible."""

    def add(self, path: str, parts: Iterable[bytes]) -> None:
        """Writes one file. Raises Unavailable when the disk does not take it."""

    def publish(self, checkpoint: bytes) -> Path:
        """Writes the sums and the checkpoint, and puts the bundle into place; durable when it returns."""

    def abandon(self) -> None:
        """Removes what was written. Does nothing after `publish`."""


def _refuse_existing(place: Path) -> None:
    if place.is_symlink() or (place.exists() and not (place.is_dir() and not any(place.iterdir()))):
        raise Conflict(f"{place} exists; a bundle is never written over another", hint="name another place with --out")


def _unavailable(place: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"{place} could not be written: {error.strerror or error}",
        hint="nothing was published; free space or name another place with --out, and run it again",
    )


class DirectoryWriter:
    """A bundle as a directory."""

    def __init__(self, place: Path) -> None:
        _refuse_existing(place)
        self._place = place
        self._draft = place.parent / f".{place.name}.{os.getpid()}.partial"
        self._sums: dict[str, str] = {}
        self._folders: set[Path] = set()
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._draft.mkdir()
        except OSError as error:
            raise _unavailable(place, error) from error

    def add(self, path: str, parts: Iterable[bytes]) -> None:
        self._sums[path] = self._write(self._draft / path, parts)

    def _write(self, file: Path, parts: Iterable[bytes]) -> str:
        digest = sha256()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(file.parent)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            try:
                for part in parts:
                    durable.write_all(descriptor, part)
                    digest.update(part)
                durable.sync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _unavailable(self._place, error) from error
        return digest.hexdigest()

    def publish(self, checkpoint: bytes) -> Path:
        self._sums[CHECKPOINT] = sha256(checkpoint).hexdigest()
        self._write(self._draft / SUMS, [encode_sums(self._sums)])
        self._write(self._draft / f".{CHECKPOINT}", [checkpoint])
        try:
            for folder in sorted(self._all_folders()):
                durable.sync_directory(folder)
            durable.move(self._draft / f".{CHECKPOINT}", self._draft / CHECKPOINT)
            durable.sync_directory(self._draft)
            durable.move(self._draft, self._place)
            durable.sync_directory(self._place.parent)
        except OSError as error:
            raise _unavailable(self._place, error) from error
        return self._place

    def _all_folders(self) -> set[Path]:
        inner = {folder for leaf in self._folders for folder in (leaf, *leaf.parents)}
        return {folder for folder in inner if folder == self._draft or self._draft in folder.parents}

    def abandon(self) -> None:
        shutil.rmtree(self._draft, ignore_errors=True)


class ZipWriter:
    """A bundle as one zip."""

    def __init__(self, place: Path) -> None:
        _refuse_existing(place)
        self._place = place
        self._draft = place.parent / f".{place.name}.{os.getpid()}.partial"
        self._sums: dict[str, str] = {}
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._draft.open("xb")
        except OSError as error:
            raise _unavailable(place, error) from error
        self._zip = zipfile.ZipFile(self._file, "w")

    def add(self, path: str, parts: Iterable[bytes]) -> None:
        self._sums[path] = self._write(path, parts)

    def _write(self, path: str, parts: Iterable[bytes]) -> str:
        digest = sha256()
        member = zipfile.ZipInfo(path, _STAMP)
        member.external_attr = 0o100644 << 16
        member.compress_type = zipfile.ZIP_STORED if path.startswith("tile/") else zipfile.ZIP_DEFLATED
        try:
            with self._zip.open(member, "w", force_zip64=not path.startswith("tile/")) as file:
                for part in parts:
                    file.write(part)
                    digest.update(part)
        except OSError as error:
            raise _unavailable(self._place, error) from error
        return digest.hexdigest()

    def publish(self, checkpoint: bytes) -> Path:
        self._sums[CHECKPOINT] = sha256(checkpoint).hexdigest()
        self._write(SUMS, [encode_sums(self._sums)])
        self._write(CHECKPOINT, [checkpoint])
        try:
            self._zip.close()
            self._file.flush()
            durable.sync(self._file.fileno())
            self._file.close()
            _refuse_existing(self._place)
            durable.move(self._draft, self._place)
            durable.sync_directory(self._place.parent)
        except OSError as error:
            raise _unavailable(self._place, error) from error
        return self._place

    def abandon(self) -> None:
        with suppress(OSError, ValueError):
            self._zip.close()
        with suppress(OSError):
            self._file.close()
        self._draft.unlink(missing_ok=True)
