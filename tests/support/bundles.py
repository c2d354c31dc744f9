"""Bundles in memory: exported from a stage's ledger, changed as a forger would, audited as an auditor does."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import IO

from events import merkle
from events.bundle import CHECKPOINT, OPENINGS, SUMS, decode_opening, encode_opening, encode_sums
from events.entry import Opening
from events.note import Checkpoint, VerifierKey, checkpoint_text, parse_checkpoint
from events.tiles import WIDTH, Tile, TileBuilder, bundles_of, join_entries, split_entries
from flows.audit_report import Findings, Trust
from flows.auditing import Audit
from flows.exporting import Exporter
from infra.bundle.reading import Files
from infra.bundle.writing import DirectoryWriter
from infra.ledger import Ledger
from tests.support import small
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, Stage

Bundle = dict[str, bytes]


class Memory:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self.sizes = {path: len(data) for path, data in files.items()}

    def open(self, path: str) -> IO[bytes]:
        return io.BytesIO(self._files[path])

    def close(self) -> None:
        """Nothing is held."""


def key_of(programme: str = small.PROGRAMME) -> VerifierKey:
    return LOG_KEY.named(f"{ORIGIN}/{programme}").verifier


def audit(
    files: Mapping[str, bytes], programme: str = small.PROGRAMME, *, since: bytes | None = None, office: bool = True
) -> Findings:
    """The audit with the stage's keys."""
    return Audit(Files(Memory(files)), Trust(key_of(programme), (OFFICE_KEY.verifier,) if office else (), since)).run()


def export_to(ledger: Ledger, place: Path, partitions: int, programme: str = small.PROGRAMME) -> Path:
    """Signs and exports one log as a directory."""
    head = ledger.head(programme)
    assert head is not None
    ledger.sign(programme, LOG_KEY.named(head.origin))
    exporter = Exporter(ledger, partitions, {OFFICE_KEY.kid: OFFICE_KEY.public}, (LOG_KEY.verifier,))
    return exporter.export(head, DirectoryWriter(place)).path


def exported(stage: Stage, place: Path, programme: str = small.PROGRAMME) -> Bundle:
    """The files of a log's bundle."""
    return loaded(export_to(stage.parts.ledger, place, stage.parts.bus.partitions, programme))


def loaded(place: Path) -> Bundle:
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def checkpoint_of(bundle: Mapping[str, bytes]) -> Checkpoint:
    note = bundle[CHECKPOINT]
    return parse_checkpoint(note[: note.rfind(b"\n\n") + 1])


def entries_of(bundle: Mapping[str, bytes]) -> list[bytes]:
    return [
        entry
        for tile in bundles_of(checkpoint_of(bundle).size)
        for entry in split_entries(bundle[tile.path], tile.width, tile.path, tile.number * WIDTH)
    ]


def openings_of(bundle: Mapping[str, bytes]) -> dict[int, Opening]:
    return dict(decode_opening(line, "line") for line in bundle[OPENINGS].split(b"\n")[:-1])


def resigned(bundle: Mapping[str, bytes], entries: Sequence[bytes], openings: Mapping[int, Opening]) -> Bundle:
    """What an operator who holds the log's key makes of other entries: everything consistent again, and signed."""
    forged = {path: data for path, data in bundle.items() if not path.startswith("tile/")}
    builder, stack = TileBuilder(), list[bytes]()
    for index, entry in enumerate(entries):
        merkle.append(stack, index, leaf := merkle.leaf_hash(entry))
        _put(forged, builder.grow(leaf))
    _put(forged, builder.finish())
    for tile in bundles_of(len(entries)):
        forged[tile.path] = join_entries(entries[tile.number * WIDTH : tile.number * WIDTH + tile.width])
    head = Checkpoint(checkpoint_of(bundle).origin, len(entries), merkle.root(stack))
    forged[CHECKPOINT] = LOG_KEY.named(head.origin).sign_note(checkpoint_text(head))
    forged[OPENINGS] = b"".join(encode_opening(index, openings[index]) for index in sorted(openings))
    return summed(forged)


def _put(files: Bundle, made: Iterable[tuple[Tile, bytes]]) -> None:
    files.update((tile.path, hashes) for tile, hashes in made)


def summed(bundle: Mapping[str, bytes]) -> Bundle:
    """The bundle with sums that fit it."""
    sums = {path: sha256(data).hexdigest() for path, data in bundle.items() if path != SUMS}
    return {**bundle, SUMS: encode_sums(sums)}
