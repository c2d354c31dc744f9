"""Exporting a log: everything that a checkpoint covers, as a bundle that needs nothing else to be checked.

The tree is made again from the entries' bytes as they are written; nothing is published when it does not lead to the
signed root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from events import merkle, schemas
from events.announced import Announced
from events.bundle import (
    CONTROL,
    DEPLOYMENT,
    OPENINGS,
    POSITIONS,
    README,
    Place,
    canonical,
    encode_deployment,
    encode_opening,
    encode_positions,
    handover_path,
    is_handover,
)
from events.entry import Opening, decode_entry, decode_members
from events.envelope import decode_accepted
from events.errors import NotFound, Tampered
from events.note import Checkpoint, VerifierKey, open_checkpoint, open_note, verifier_key
from events.tiles import WIDTH, Tile, TileBuilder, bundles_of, join_entries
from events.upcast import present
from flows.bundle_readme import readme
from handlers.disclosure import Disclosure
from infra.bundle.writing import BundleWriter
from infra.ledger import Head, Ledger, StoredCheckpoint


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that is in place."""

    path: Path
    checkpoint: Checkpoint
    vkey: VerifierKey
    without_opening: int
    erased: int


@dataclass(frozen=True, slots=True)
class View:
    """A part of the openings: what it is called in the bundle's README.txt, and what it shows."""

    name: str
    shows: Disclosure


@dataclass(slots=True)
class Exporter:
    """Exports logs of one ledger. `office` are the public keys that may speak for the office, `keys` the log's."""

    ledger: Ledger
    partitions: int
    office: Mapping[str, bytes]
    keys: tuple[VerifierKey, ...]
    cosigned: Callable[[str, bytes, VerifierKey], bytes] = lambda _programme, note, _key: note
    """The note of a programme's checkpoint with what witnesses add to it; raises where it must not be published."""

    def export(self, head: Head, writer: BundleWriter, view: View | None = None) -> Exported:
        """Writes all that the latest checkpoint covers. Raises NotFound when none was signed, Tampered when the entries do
        not lead to it. Whatever happens, either the whole bundle is there afterwards or none.
        """
        try:
            return self._export(head, writer, view)
        finally:
            writer.abandon()

    def _export(self, head: Head, writer: BundleWriter, view: View | None) -> Exported:
        stored = latest_checkpoint(self.ledger, head)
        key, checkpoint = opened_checkpoint(head, stored, self.keys)
        log = _LogFiles(self.ledger, head.programme, checkpoint.size, writer, view.shows if view else None)
        log.write()
        if log.root != checkpoint.root:
            raise Tampered(
                f"the {checkpoint.size} entries of {head.programme!r} have root {log.root.hex()}, their checkpoint says "
                f"{checkpoint.root.hex()}",
                hint="nothing was exported; phasegate replay names the fault, keep a copy of the database",
            )
        writer.add(POSITIONS, [encode_positions(list(self._places(head.programme, log.last_offsets)))])
        office = [verifier_key(kid.rpartition("+")[0], public) for kid, public in sorted(self.office.items())]
        writer.add(DEPLOYMENT, [encode_deployment(self.partitions, office, view.name if view else "")])
        for path, data in sorted(log.announced.files.items()):
            writer.add(path, [data])
        for path, data in schema_files().items():
            writer.add(path, [data])
        handovers = self._handovers(head.programme, checkpoint.size)
        for path, note in handovers.items():
            writer.add(path, [note])
        writer.add(README, [readme(checkpoint, key, office, view.name if view else "", changed=bool(handovers))])
        note = self.cosigned(head.programme, stored.note, key)
        return Exported(writer.publish(note), checkpoint, key, log.without_opening, log.erased)

    def _handovers(self, programme: str, size: int) -> Mapping[str, bytes]:
        """Every checkpoint below this one that two keys of the log signed. This one is in the bundle anyway."""
        below = (stored for stored in self.ledger.checkpoints(programme) if stored.size < size)
        return {handover_path(stored.size): stored.note for stored in below if is_handover(stored.note)}

    def _places(self, programme: str, last_offsets: Mapping[tuple[str, int], int]) -> Iterator[Place]:
        for (topic, partition), last in sorted(last_offsets.items()):
            owners = self.ledger.attribution(topic, partition, last + 1)
            yield Place(topic, partition, last + 1, tuple(ranges_of_others(programme, owners)))


def latest_checkpoint(ledger: Ledger, head: Head) -> StoredCheckpoint:
    """The largest checkpoint that was signed. Raises NotFound."""
    signed = ledger.checkpoints(head.programme, latest=True)
    if not signed:
        hint = f"phasegate checkpoint {head.programme}"
        raise NotFound(f"no checkpoint of {head.programme!r} is signed yet", hint=hint)
    return signed[-1]


def opened_checkpoint(
    head: Head, stored: StoredCheckpoint, public: Iterable[VerifierKey]
) -> tuple[VerifierKey, Checkpoint]:
    """The checkpoint and which of the log's public keys signed it. Raises NotFound where none is known."""
    keys = [verifier_key(head.origin, key.public) for key in public]
    if not keys:
        raise NotFound(
            f"no public key of the log {head.origin} is known, so its checkpoint cannot be verified",
            hint="set PHASEGATE_LOG_VKEYS to its vkey; phasegate keys list shows it where the log signs",
        )
    checkpoint = open_checkpoint(stored.note, keys)
    _, signers = open_note(stored.note, keys)
    return signers[0], checkpoint


class _LogFiles:
    """Entries, tiles and openings, in one pass over the log. Openings are written last, from a second reading."""

    def __init__(
        self, ledger: Ledger, programme: str, size: int, writer: BundleWriter, shows: Disclosure | None
    ) -> None:
        self._ledger, self._programme, self._size, self._writer = ledger, programme, size, writer
        self._shows = shows
        self._accepted: set[int] = set()
        self.announced = Announced()
        self.last_offsets: dict[tuple[str, int], int] = {}
        self.root = merkle.EMPTY_ROOT
        self.without_opening = self.erased = 0

    def write(self) -> None:
        builder, stack = TileBuilder(), list[bytes]()
        entries = self._ledger.read(self._programme, 0, self._size, with_openings=False)
        for bundle in bundles_of(self._size):
            data = [stored.entry for stored in islice(entries, bundle.width)]
            self._note_accepted(data)
            self._writer.add(bundle.path, [join_entries(data)])
            for index, leaf in enumerate(map(merkle.leaf_hash, data), bundle.number * WIDTH):
                merkle.append(stack, index, leaf)
                self._add_tiles(builder.grow(leaf))
        self._add_tiles(builder.finish())
        self.root = merkle.root(stack)
        self._writer.add(OPENINGS, self._openings())

    def _add_tiles(self, made: Iterable[tuple[Tile, bytes]]) -> None:
        for tile, hashes in made:
            self._writer.add(tile.path, [hashes])

    def _note_accepted(self, entries: Iterable[bytes]) -> None:
        """Of a view only: which records were accepted, at once or by a later settlement."""
        if self._shows is None:
            return
        for index, *_, verdict, _, _, _, of in map(decode_members, entries):
            if verdict == "accepted":
                self._accepted.add(index if of is None else of)

    def _openings(self) -> Iterator[bytes]:
        for stored in self._ledger.read(self._programme, 0, self._size):
            entry = decode_entry(stored.entry)
            opening = stored.opening if entry.of is None and self._is_shown(entry.index, stored.opening) else None
            self.announced.saw(entry, opening)
            if entry.of is not None:
                continue
            self.last_offsets[entry.topic, entry.partition] = entry.offset
            if opening is None:
                self.without_opening += 1
                self.erased += stored.opening is None
            else:
                yield encode_opening(stored.index, opening)

    def _is_shown(self, index: int, opening: Opening | None) -> bool:
        if self._shows is None or opening is None:
            return opening is not None
        return index in self._accepted and self._shows(present(decode_accepted(opening.value)))


def ranges_of_others(programme: str, owners: Iterable[tuple[int, str]]) -> Iterator[tuple[int, int, str]]:
    """The ranges of offsets that are not the programme's own, as long as possible, up to the last of `owners`."""
    start, end, owner = 0, 0, programme
    for offset, name in owners:
        for first, last, found in ((end, offset, CONTROL), (offset, offset + 1, name)):
            if first == last:
                continue
            if found != owner:
                if owner != programme and start < end:
                    yield start, end, owner
                start, owner = first, found
            end = last
    if owner != programme and start < end:
        yield start, end, owner


def schema_files() -> dict[str, bytes]:
    """The JSON Schema of every event, by path in the bundle."""
    return {f"schemas/{name}": canonical(document) for name, document in schemas.documents()}
