"""Export: whole or not at all, whatever the disk does; and the same bytes each time."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from events.bundle import CHECKPOINT
from events.bus import Message
from events.errors import Conflict, NotFound, PhasegateError, Tampered, Unavailable
from events.merkle import leaf_hash
from flows import exporting
from flows.audit_tree import Tree
from flows.exporting import Exporter, ranges_of_others
from infra import durable
from infra.bundle.reading import Files, open_bundle
from infra.bundle.writing import BundleWriter, DirectoryWriter, ZipWriter
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.contracts.ledger import Writing
from tests.support.bundles import Bundle, Memory, audit, checkpoint_of, entries_of, export_to, loaded
from tests.support.stage import LOG_KEY, OFFICE_KEY, Stage, memory_stage

TINY = "tiny-cup"
SEAMS = ("write_all", "sync", "move")


class Killed(BaseException):
    """The process is gone: nothing of ours runs any more."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    stage = memory_stage(tmp_path_factory.mktemp("stage"))
    stage.send(Message("scores", TINY.encode(), b"{}", (), 0) for _ in range(3))
    stage.record()
    stage.recorder.settle_up()
    return stage


@pytest.fixture
def few_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two schemas instead of all: each is a file that is written and synced."""
    files = dict(list(exporting.schema_files().items())[:2])
    monkeypatch.setattr(exporting, "schema_files", lambda: files)


def export(stage: Stage, writer: BundleWriter) -> Path:
    ledger = stage.parts.ledger
    head = ledger.head(TINY)
    assert head is not None
    return Exporter(ledger, 4, {OFFICE_KEY.kid: OFFICE_KEY.public}, (LOG_KEY.verifier,)).export(head, writer).path


def failing(seam: str, nth: int, fault: BaseException) -> Callable[..., Any]:
    """The seam as it is, but for its nth call."""
    real, calls = getattr(durable, seam), [0]

    def call(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] == nth:
            if seam == "write_all" and not isinstance(fault, Killed):
                os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
            raise fault
        return real(*arguments)

    return call


def faults() -> Iterator[tuple[str, BaseException]]:
    for seam in SEAMS:
        yield seam, OSError(errno.ENOSPC, "No space left on device")
        yield seam, OSError(errno.EIO, "Input/output error")
        yield seam, Killed()


@pytest.mark.parametrize("kind", [DirectoryWriter, ZipWriter])
@pytest.mark.parametrize(("seam", "fault"), list(faults()), ids=lambda one: one if isinstance(one, str) else repr(one))
def test_a_bundle_is_there_whole_or_not_at_all_whichever_write_fails(
    stage: Stage, tmp_path: Path, few_schemas: None, kind: type, seam: str, fault: BaseException
) -> None:
    """The last sync is of the folder that the bundle was moved into: then it is there, whole, and may be there."""
    for nth in range(1, 100):
        place = tmp_path / f"b{nth}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(durable, seam, failing(seam, nth, fault))
            if isinstance(fault, Killed):
                patch.setattr(kind, "abandon", lambda self: None)
            try:
                export(stage, kind(place))
            except (Unavailable, Killed):
                if place.exists():
                    assert seam == "sync"
                    with open_bundle(place) as files:
                        assert CHECKPOINT in files.names
                        audit({path: files.read(path, 1 << 24) for path in files.names}, TINY)
                elif not isinstance(fault, Killed):
                    assert not list(tmp_path.glob(f".b{nth}.*"))
                continue
        assert place.exists()
        assert nth > (1 if kind is ZipWriter else 2) or (kind is ZipWriter and seam == "write_all")
        return
    pytest.fail("the export never came to its end")


def test_what_a_killed_export_left_is_no_bundle_and_stops_no_other(stage: Stage, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "move", failing("move", 2, Killed()))
        patch.setattr(DirectoryWriter, "abandon", lambda self: None)
        patch.setattr(os, "getpid", lambda: 1)
        with pytest.raises(Killed):
            export(stage, DirectoryWriter(tmp_path / "b"))
    assert [path.name for path in tmp_path.iterdir()] == [".b.1.partial"]
    audit(loaded(export(stage, DirectoryWriter(tmp_path / "b"))), TINY)


def test_the_checkpoint_is_the_last_file_that_comes_to_its_name(stage: Stage, tmp_path: Path) -> None:
    seen: list[set[str]] = []
    with pytest.MonkeyPatch.context() as patch:
        real = durable.move

        def move(source: Path, target: Path) -> None:
            seen.append({str(p.relative_to(source.parent)) for p in source.parent.rglob("*") if p.is_file()})
            real(source, target)

        patch.setattr(durable, "move", move)
        place = export(stage, DirectoryWriter(tmp_path / "b"))
    assert seen[0] == (loaded(place).keys() - {CHECKPOINT}) | {f".{CHECKPOINT}"}


def test_a_bundle_is_never_written_over_another(stage: Stage, tmp_path: Path) -> None:
    place = export(stage, DirectoryWriter(tmp_path / "b"))
    for kind in (DirectoryWriter, ZipWriter):
        with pytest.raises(Conflict, match="never written over"):
            kind(place)
    (tmp_path / "empty").mkdir()
    assert export(stage, DirectoryWriter(tmp_path / "empty")).is_dir()


def test_directory_and_zip_hold_the_same_and_the_same_again(stage: Stage, tmp_path: Path) -> None:
    files = loaded(export(stage, DirectoryWriter(tmp_path / "b")))
    first = export(stage, ZipWriter(tmp_path / "one.zip"))
    second = export(stage, ZipWriter(tmp_path / "two.zip"))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_nothing_is_exported_before_a_checkpoint_is_signed(tmp_path: Path) -> None:
    upgrade(url := f"sqlite:///{tmp_path}/l.sqlite")
    with Ledger.open(url) as ledger:
        ledger.append(Writing("p").records(2))
        head = ledger.head("p")
        assert head is not None
        exporter = Exporter(ledger, 4, {}, (LOG_KEY.verifier,))
        with pytest.raises(NotFound, match="no checkpoint") as error:
            exporter.export(head, DirectoryWriter(tmp_path / "b"))
        assert error.value.hint == "phasegate checkpoint p"
        ledger.sign("p", LOG_KEY)
        with pytest.raises(NotFound, match="no public key"):
            Exporter(ledger, 4, {}, ()).export(head, DirectoryWriter(tmp_path / "b"))
        with pytest.raises(Tampered):
            Exporter(ledger, 4, {}, (OFFICE_KEY.verifier,)).export(head, DirectoryWriter(tmp_path / "b"))
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_logs_around_full_tiles_are_exported_entry_by_entry(tmp_path: Path, size: int) -> None:
    upgrade(url := f"sqlite:///{tmp_path}/l.sqlite")
    log = Writing("p")
    with Ledger.open(url) as ledger:
        ledger.append(log.records(size))
        bundle = loaded(export_to(ledger, tmp_path / "b", 4, "p"))
    assert entries_of(bundle) == [data for _, data in log.appended]
    leaves = b"".join(leaf_hash(data) for _, data in log.appended)
    names = sorted(name for name in bundle if name.startswith("tile/0/"))
    assert b"".join(bundle[name] for name in names) == leaves
    assert walked(bundle) == size
    with pytest.raises(PhasegateError, match="replayed as"):  # these entries say 'accepted' of what is no event
        audit(bundle, "p")


@pytest.mark.slow
@pytest.mark.parametrize("size", [65_535, 65_536, 65_537])
def test_logs_around_the_second_level_of_full_tiles_are_exported_with_their_tiles(tmp_path: Path, size: int) -> None:
    upgrade(url := f"sqlite:///{tmp_path}/l.sqlite")
    log = Writing("p")
    with Ledger.open(url) as ledger:
        for count in (60_000, size - 60_000):
            ledger.append(log.records(count))
        bundle = loaded(export_to(ledger, tmp_path / "b", 4, "p"))
    above = sorted(name for name in bundle if name.startswith(("tile/1/", "tile/2/")))
    assert above == {65_535: ["tile/1/000.p/255"]}.get(size, ["tile/1/000", "tile/2/000.p/1"])
    assert len(bundle[above[0]]) == 32 * min(255 + size - 65_535, 256)
    assert walked(bundle) == size
    for name in above:
        with pytest.raises(Tampered, match=f"{name} has .* as hash 0, the entries give"):
            walked({**bundle, name: bytes(32) + bundle[name][32:]})


def walked(bundle: Bundle) -> int:
    """Every entry under its leaf, every tile, and the root."""
    return sum(1 for _ in Tree(Files(Memory(bundle)), checkpoint_of(bundle)).entries())


def test_ranges_are_as_long_as_possible_and_name_what_no_record_has() -> None:
    owners = [(2, "a"), (3, "b"), (4, "b"), (5, "a"), (8, "c"), (9, "a")]
    assert list(ranges_of_others("a", owners)) == [(0, 2, "control"), (3, 5, "b"), (6, 8, "control"), (8, 9, "c")]
    assert list(ranges_of_others("a", [])) == []
