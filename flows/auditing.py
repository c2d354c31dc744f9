"""The audit of a bundle: every byte read, everything that follows from it made again, by somebody who trusts a key alone.

Imports neither Prefect nor Kafka nor SQLAlchemy (tests/flows/test_auditing.py), and reads nothing but the bundle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from events.announced import Announced, read_event
from events.bundle import (
    CHECKPOINT,
    DEPLOYMENT,
    OPENINGS,
    POSITIONS,
    decode_deployment,
    decode_positions,
)
from events.cosignature import read_cosignatures, require_quorum
from events.entry import Entry, Opening, decode_entry
from events.errors import Tampered
from events.note import NOTE_BYTES_MAX, open_checkpoint
from events.origins import programme_of
from events.proofs import consistency_proof, verify_consistency
from events.tiles import (
    TILE_BYTES,
    Tile,
    reading_tiles,
    split_hashes,
    tiles_of,
)
from flows.audit_attribution import Attribution
from flows.audit_documents import DOCUMENT_BYTES, check_names, check_rulebooks, check_schemas, check_sums
from flows.audit_erasures import Erasures, listed
from flows.audit_faults import details_of, index_of
from flows.audit_openings import check_opening
from flows.audit_positions import Positions
from flows.audit_report import Findings, Trust, judging, located
from flows.audit_signatures import Signatures
from flows.audit_tree import Opened, Tree
from handlers.holes import Hidden
from handlers.replay import Replay
from infra.bundle.reading import Files

_CLOSED = "phasegate.intake.closed.v1"


class Audit:
    """One audit of one bundle; `run` gives the findings or raises Tampered at the first contradiction. When it `is_alone`,
    they say that the logs to which it attributes offsets were not looked at.
    """

    def __init__(self, files: Files, trust: Trust, *, is_alone: bool = True) -> None:
        self._files, self._trust, self._is_alone = files, trust, is_alone
        note = files.read(CHECKPOINT, NOTE_BYTES_MAX)
        with located(CHECKPOINT):
            checkpoint = open_checkpoint(note, [trust.log])
            if checkpoint.origin != trust.log.name:
                raise Tampered(
                    f"the checkpoint is of {checkpoint.origin!r}, not of {trust.log.name!r}", fault="another-log"
                )
            cosigned = read_cosignatures(note, trust.witnesses)
            fresh = require_quorum(cosigned, trust.quorum, since_s=trust.fresh_since_s)
        self.findings = Findings(checkpoint, cosigned=fresh)
        self._programme = programme_of(checkpoint.origin)
        check_names(files, checkpoint.size)
        said = decode_deployment(files.read(DEPLOYMENT, DOCUMENT_BYTES))
        self._judging, self._view = judging(said, trust, self.findings), said.view
        places = decode_positions(files.read(POSITIONS, DOCUMENT_BYTES))
        self._positions = Positions(self._programme, places, self._find)
        self._announced = Announced()
        self._replay = Replay(
            self._programme, checkpoint.origin, self._judging, details=False, hidden=lambda _index: Hidden()
        )
        self._counts = dict.fromkeys(("openings", "attributions"), 0)
        self._signatures = Signatures(self._judging.office_keys)
        self._erasures = Erasures()
        self._pending: dict[int, Opening] = {}

    def run(self) -> Findings:
        entries = Tree(self._files, self.findings.checkpoint).entries()
        try:
            for opened in entries:
                self._entry(opened)
        except Tampered:
            deque(entries, maxlen=0)  # Where the bytes are not what was signed, that is what is told.
            raise
        self._positions.finish()
        self._check_since()
        self._finish_replay()
        rulebooks = check_rulebooks(self._files, self._announced.files)
        equal, strange = check_schemas(self._files)
        check_sums(self._files)
        self.findings.checked |= {"rulebooks": rulebooks, "schemas": equal}
        if strange:
            self.findings.not_checked.append(f"schemas of another version of phasegate: {', '.join(strange)}")
        self._count()
        return self.findings

    def attribution(self, bundle: str) -> Attribution:
        """After `run`: whose this log says that each offset is."""
        return Attribution(bundle, self._programme, self._positions.places, self._positions.covered)

    # ---------------------------------------------------------------------------------------------------- entry by entry
    def _entry(self, opened: Opened) -> None:
        index, opening, path = opened.index, opened.opening, opened.path
        with located(path, index):
            entry = decode_entry(opened.entry)
            if entry.index != index:
                fault = "index-skipped" if entry.index > index else "index-repeated"
                raise Tampered(
                    f"entry {index} says that it is {entry.index}", expected=index, found=entry.index, fault=fault
                )
        if entry.of is None:
            self._positions.saw(entry)
            self._counts["openings"] += check_opening(entry, opening, self._index_of)
        elif opening is not None:
            raise Tampered(f"{OPENINGS} opens entry {index}, a settlement, which commits to nothing of its own",
                           file=OPENINGS, index=index, fault="settlement-opened")  # fmt: skip
        self._announced.saw(entry, opening)
        self._closings(entry, opening)
        self._check_signature(entry, opening, path)
        with located(path, index):
            self._erasures.saw(entry, opening)
            self._replay.feed(opened)
            self._stop_at_difference(path)

    def _check_signature(self, entry: Entry, opening: Opening | None, path: str) -> None:
        if opening is None or entry.verdict not in ("accepted", "pending"):
            return
        with located(path, entry.index):
            self._signatures.saw(entry, opening, self._announced.sources)
            if self._replay.report.hidden:
                self._signatures.require(self._programme, entry, opening, self._announced.sources)

    def _index_of(self, is_meant: Callable[[Entry], bool]) -> int | None:
        return index_of(self._files, self.findings.checkpoint.size, is_meant)

    def _find(self, topic: str, partition: int, offset: int) -> int | None:
        return self._index_of(lambda one: (one.topic, one.partition, one.offset) == (topic, partition, offset))

    def _closings(self, entry: Entry, opening: Opening | None) -> None:
        """What an accepted closing says of other logs' offsets; it may have been pending before."""
        if entry.type != _CLOSED:
            return
        if entry.verdict == "pending" and opening is not None:
            self._pending[entry.index] = opening
        found = opening if entry.of is None else self._pending.pop(entry.of, None)
        if entry.verdict == "accepted" and found is not None:
            with located(OPENINGS, entry.index):
                self._positions.closed(entry.index, read_event(entry.index, found).data)
            self._counts["attributions"] += 1

    # ----------------------------------------------------------------------------------------------- what follows of it
    def _stop_at_difference(self, path: str) -> None:
        if (first := self._replay.report.first_difference) is None:
            return
        raise Tampered(
            f"entry {first.index}: {first.what}: {first.member or 'the event'} is recorded as {first.recorded!r}, "
            f"replayed as {first.replayed!r}{first.reason and f' for {first.reason}'}",
            file=path, index=first.index, expected=first.replayed, found=first.recorded, **details_of(first),
        )  # fmt: skip

    def _finish_replay(self) -> None:
        if not self._view:
            self._erasures.require_all()
        found = self._replay.finish()
        self._stop_at_difference(CHECKPOINT)
        self.findings.checked |= {"verdicts": found.verdicts.checked, "decisions": found.decisions.checked}
        if found.hidden:
            self.findings.checked["erased"] = len(self._erasures.gone())
            self.findings.not_checked += [
                f"{len(tally.unchecked)} {name} that may rest on records that are not there: entries {listed(tally.unchecked)}"
                for name, tally in (("verdicts", found.verdicts), ("decisions", found.decisions))
                if tally.unchecked
            ]
        if found.earlier:
            self.findings.not_checked.append(
                f"size and root in {found.earlier} decisions: those of the log that this one was made again from"
            )

    def _check_since(self) -> None:
        """The older checkpoint is of this log, and this one extends it: proved from the bundle's own tiles."""
        if self._trust.since is None:
            return
        with located("the checkpoint given with --since"):
            old = open_checkpoint(self._trust.since, [self._trust.log])
            new = self.findings.checkpoint
            if old.size > new.size:
                raise Tampered(
                    f"the older checkpoint has {old.size} entries, the bundle {new.size}: it was rolled back or cut",
                    expected=old.size, found=new.size, fault="cut-off",
                )  # fmt: skip
            proof = consistency_proof(old.size, new.size, reading_tiles(new.size, self._hashes))
            try:
                verify_consistency(old.size, new.size, proof, old.root, new.root)
            except Tampered as error:
                error.details |= {"fault": "history-rewritten", "expected": old.root.hex()}
                error.message += ": the log was written anew since"
                raise
        self.findings.since = old.size

    def _hashes(self, tile: Tile) -> list[bytes]:
        return split_hashes(self._files.read(tile.path, TILE_BYTES), tile.width, tile.path)

    def _count(self) -> None:
        checked, size = self.findings.checked, self.findings.checkpoint.size
        checked |= {
            "files": len(self._files.names),
            "bytes": self._files.size,
            "entries": size,
            "tiles": sum(1 for _ in tiles_of(size)),
            "positions": self._positions.own,
            **self._counts,
            "signatures": self._signatures.verified,
            "cosignatures": len(self.findings.cosigned),
        }
        told = self.findings.not_checked
        told += self._positions.not_checked(is_alone=self._is_alone)
        told += self._erasures.not_checked()
        if self._signatures.unknown:
            told.append(f"{self._signatures.unknown} signatures that no rule asks for, by keys that are not known here")
        if self._trust.since is None:
            told.append("that the log was not rewritten since an older checkpoint; give one with --since")
        if not self._trust.witnesses:
            told.append("when the checkpoint was made, and that others were shown the same log; give --witness")
        told.append("the text of README.txt beyond its sum; signature lines of keys that were not given")
