"""Reading a bundle that somebody hostile may have made: nothing is unpacked, followed, or believed about its size.

A directory may hold regular files alone; a zip plain members, each at one place, none larger or better compressed than a
bundle's can be. Names are only compared with those that a bundle must have; none is ever used as a path on its own.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Protocol, Self

from events.errors import NotFound, Tampered, Unavailable

FILES_MAX = 1_000_000
DEPTH_MAX = 9
"""`tile/entries/x…/x…/x…/x…/x…/x…/….p/255` has no more parts."""

RATIO_MAX = 200
LINE_BYTES_MAX = 16 << 20
"""An opening's line: a record of a megabyte, each byte escaped to six, and room for the rest."""

SMALL = 4 << 20
"""Files up to this size may be as compressible as they like."""

_CHUNK = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Opened(Protocol):
    """Where the files are: their sizes by path, and each as a stream of bytes."""

    sizes: dict[str, int]

    def open(self, path: str) -> IO[bytes]: ...

    def close(self) -> None: ...


class Files:
    """The files of a bundle, each hashed as it is read."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self.names = frozenset(opened.sizes)
        self.sums: dict[str, str] = {}
        self.size = sum(opened.sizes.values())

    def read(self, path: str, limit: int) -> bytes:
        """The whole file. Raises Tampered when it is missing or longer than `limit`."""
        size = self._opened.sizes.get(path)
        if size is None:
            raise Tampered(f"{path} is missing from the bundle", file=path, expected="a file", found="none")
        if size > limit:
            raise Tampered(f"{path} has {size} bytes, more than the {limit} it can have",
                           file=path, expected=limit, found=size)  # fmt: skip
        return b"".join(self._parts(path))

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines of a file, each without its LF, which the last must have too."""
        if path not in self.names:
            raise Tampered(f"{path} is missing from the bundle", file=path, expected="a file", found="none")
        rest = b""
        for part in self._parts(path):
            *lines, rest = (rest + part).split(b"\n")
            yield from lines
            if len(rest) > LINE_BYTES_MAX:
                raise Tampered(f"{path} has a line of more than {LINE_BYTES_MAX} bytes", file=path)
        if rest:
            raise Tampered(f"{path} does not end in LF", file=path)

    def hash_rest(self) -> None:
        """Reads what nobody has asked for yet."""
        for path in sorted(self.names - self.sums.keys()):
            for _ in self._parts(path):
                pass

    def _parts(self, path: str) -> Iterator[bytes]:
        digest, total, size = sha256(), 0, self._opened.sizes[path]
        with translated(path), self._opened.open(path) as stream:
            while part := stream.read(_CHUNK):
                total += len(part)
                if total > size:
                    break
                digest.update(part)
                yield part
        if total != size:
            raise Tampered(f"{path} has {total} bytes or more, it was said to have {size}", file=path)
        self.sums[path] = digest.hexdigest()

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def translated(where: str) -> Iterator[None]:
    """What goes wrong while reading, as ours: damaged archives are Tampered, the machine's faults Unavailable."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise Tampered(f"{where}: the archive is damaged: {error}", file=where) from error
    except OSError as error:
        raise Unavailable(f"{where} cannot be read: {error.strerror or error}") from error


def open_bundle(path: Path) -> Files:
    """A bundle in a directory or a zip. Raises Tampered for one that no exporter would make."""
    if path.is_dir():
        return Files(_Directory(path))
    if not path.is_file():
        raise NotFound(f"there is no bundle at {path}", hint="give the directory or the zip that export made")
    with translated(str(path)):
        return Files(_Zip(path))


class _Directory:
    def __init__(self, root: Path) -> None:
        self._root = root
        self.sizes: dict[str, int] = {}
        with translated(str(root)):
            self._walk(root, "", 0)

    def _walk(self, folder: Path, prefix: str, depth: int) -> None:
        if depth > DEPTH_MAX:
            raise Tampered(f"{prefix!r} is deeper than a bundle's files are")
        with os.scandir(folder) as found:
            for one in found:
                path = prefix + one.name
                mode = one.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    self._walk(folder / one.name, path + "/", depth + 1)
                elif not stat.S_ISREG(mode):
                    raise Tampered(f"{path!r} is not a regular file: a bundle has no links and no devices", file=path)
                else:
                    self.sizes[path] = one.stat(follow_symlinks=False).st_size
                if len(self.sizes) > FILES_MAX:
                    raise Tampered(f"the bundle has more than {FILES_MAX} files")

    def open(self, path: str) -> IO[bytes]:
        return os.fdopen(os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW), "rb")

    def close(self) -> None:
        """Nothing is held."""


class _Zip:
    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)
        self.sizes: dict[str, int] = {}
        members = self._zip.infolist()
        try:
            _check_members(members, path.stat().st_size, self._zip.comment)
        except Tampered:
            self._zip.close()
            raise
        self.sizes = {member.filename: member.file_size for member in members}

    def open(self, path: str) -> IO[bytes]:
        return self._zip.open(path)

    def close(self) -> None:
        self._zip.close()


def _check_members(members: list[zipfile.ZipInfo], archive: int, comment: bytes) -> None:
    if len(members) > FILES_MAX or comment:
        raise Tampered(f"the zip has {len(members)} members, or a comment of {len(comment)} bytes")
    seen: set[str] = set()
    for member in members:
        if problem := _member_problem(member):
            raise Tampered(f"{member.orig_filename[:200]!r} in the zip {problem}", file=member.orig_filename[:200])
        if member.filename in seen:
            raise Tampered(f"{member.filename[:200]!r} is in the zip twice", file=member.filename[:200])
        seen.add(member.filename)
    if sum(member.compress_size for member in members) > archive:
        raise Tampered("members of the zip overlap: together they are longer than the file")


def _member_problem(member: zipfile.ZipInfo) -> str:
    """Why no exporter would write such a member, or nothing."""
    name = member.orig_filename
    parts = name.split("/")
    mode = member.external_attr >> 16
    if not name or name != member.filename or "\\" in name or "\0" in name or any(p in ("", ".", "..") for p in parts):
        return "has a name that is no relative path of a file"
    if len(parts) > DEPTH_MAX + 1:
        return "is deeper than a bundle's files are"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is not a regular file: a bundle has no links and no devices"
    if member.flag_bits & 0x1 or member.compress_type not in _METHODS:
        return "is encrypted, or compressed in a way that a bundle's files are not"
    if member.file_size > SMALL and member.file_size > RATIO_MAX * max(1, member.compress_size):
        return f"would unpack {member.compress_size} bytes to {member.file_size}"
    return ""
