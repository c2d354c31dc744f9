"""Hostile bundles: refused by what they are, before anything in them is believed or unpacked."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from events.errors import NotFound, Tampered
from infra.bundle import reading
from infra.bundle.reading import LINE_BYTES_MAX, Files, open_bundle


def member(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = mode << 16
    return info


def zipped(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for info, data in members:
            archive.writestr(member(info) if isinstance(info, str) else info, data, method)
    return path


NAMES = [
    "../checkpoint",
    "/checkpoint",
    "a/../../b",
    "a\\b",
    "./a",
    "a//b",
    "a/",
    "",
    "a/./b",
    "/".join("abcdefghijklm"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_relative_path_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Tampered):
        open_bundle(zipped(tmp_path / "b.zip", ("checkpoint", b"x"), (name, b"x")))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_a_zip_has_only_regular_files(tmp_path: Path, kind: int) -> None:
    with pytest.raises(Tampered, match="regular file"):
        open_bundle(zipped(tmp_path / "b.zip", (member("a", kind | 0o777), b"/etc/passwd")))


def test_a_name_twice_in_a_zip_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        zipped(tmp_path / "b.zip", ("a", b"one"), ("a", b"two"))
    with pytest.raises(Tampered, match="twice"):
        open_bundle(tmp_path / "b.zip")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    zipped(tmp_path / "b.zip", ("openings.ndjson", bytes(50 << 20)), method=zipfile.ZIP_DEFLATED)
    with pytest.raises(Tampered, match="would unpack"):
        open_bundle(tmp_path / "b.zip")


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    """Many names over one compressed stream: the way of bombs without nesting."""
    zipped(tmp_path / "b.zip", ("a", os.urandom(3000)), ("b", b"x"))
    data = (tmp_path / "b.zip").read_bytes()
    central = data.index(b"PK\x01\x02")
    first = data[central : data.index(b"PK\x01\x02", central + 4)]
    entries = first + first.replace(b"a", b"c", 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 2, 2, len(entries), central, 0)
    (tmp_path / "b.zip").write_bytes(data[:central] + entries + end)
    with pytest.raises(Tampered):
        open_bundle(tmp_path / "b.zip")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[:-30],
    "no zip at all": lambda data: b"x" * 100,
    "a changed byte of a file": lambda data: data.replace(b"contents", b"Contents"),
    "a size that is not so": lambda data: data.replace(struct.pack("<II", 8, 8), struct.pack("<II", 8, 9)),
    "another name in the member itself": lambda data: data.replace(b"some-file", b"some-fils", 1),
    "encrypted": lambda data: data.replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
    ),
    "another compression": lambda data: data.replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x0e\x00"
    ),
    "a comment": lambda data: data[:-2] + b"\x02\x00hi",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_zip_is_refused_with(tmp_path: Path, damage: str) -> None:
    data = zipped(tmp_path / "b.zip", ("some-file", b"contents")).read_bytes()
    changed = DAMAGES[damage](data)
    assert changed != data
    (tmp_path / "b.zip").write_bytes(changed)
    with pytest.raises(Tampered):
        open_bundle(tmp_path / "b.zip").read("some-file", 100)


@pytest.mark.parametrize("what", ["symlink to a file", "symlink to a folder", "fifo", "deep"])
def test_a_directory_has_only_regular_files(tmp_path: Path, what: str) -> None:
    root = tmp_path / "b"
    root.mkdir()
    match what:
        case "symlink to a file":
            (root / "checkpoint").symlink_to("/etc/passwd")
        case "symlink to a folder":
            (root / "tile").symlink_to("/etc")
        case "fifo":
            os.mkfifo(root / "checkpoint")
        case _:
            (root / "/".join("abcdefghijklm")).mkdir(parents=True)
    with pytest.raises(Tampered):
        open_bundle(root)


def test_more_files_than_a_bundle_can_have_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FILES_MAX", 3)
    for n in range(4):
        (tmp_path / str(n)).touch()
    with pytest.raises(Tampered, match="more than 3 files"):
        open_bundle(tmp_path)


def test_a_file_longer_than_it_can_be_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(bytes(101))
    with open_bundle(tmp_path) as files, pytest.raises(Tampered, match="101 bytes"):
        files.read("checkpoint", 100)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with open_bundle(tmp_path) as files:
        with pytest.raises(Tampered, match="checkpoint is missing"):
            files.read("checkpoint", 100)
        with pytest.raises(Tampered, match="openings is missing"):
            list(files.lines("openings"))
    with pytest.raises(NotFound):
        open_bundle(tmp_path / "none")


class _Endless:
    def __init__(self) -> None:
        self.sizes = {"a": LINE_BYTES_MAX * 3}

    def open(self, path: str) -> io.BytesIO:
        return io.BytesIO(b"x" * (LINE_BYTES_MAX + (2 << 20)))

    def close(self) -> None:
        """Nothing is held."""


def test_a_line_without_end_is_not_taken_in() -> None:
    with pytest.raises(Tampered, match="a line of more than"):
        list(Files(_Endless()).lines("a"))


def test_lines_end_in_lf_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("x\u2028y\r\nz\x0b\n\n".encode())
    (tmp_path / "b").write_bytes(b"x\ny")
    with open_bundle(tmp_path) as files:
        assert list(files.lines("a")) == ["x\u2028y\r".encode(), b"z\x0b", b""]
        with pytest.raises(Tampered, match="does not end in LF"):
            list(files.lines("b"))


def test_every_file_is_hashed_as_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\n")
    (tmp_path / "b").write_bytes(b"")
    with open_bundle(tmp_path) as files:
        files.read("a", 10)
        files.hash_rest()
        assert files.sums["a"] == "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"
        assert files.sums["b"] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
