"""The audit of a bundle: every byte read, everything that follows from it made again, by somebody who trusts a key alone.

Imports neither Prefect nor Kafka nor SQLAlchemy (tests/flows/test_auditing.py), and reads nothing but the bundle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from events.announced import Acceptance, Announced, read_event
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
from events.note import NOTE_BYTES_MAX
from events.origins import programme_of
from events.rulebook import Source
from events.tiles import (
    TILE_BYTES,
    Tile,
    reading_tiles,
    split_hashes,
    tiles_of,
)
from flows.audit_attestations import Attestations
from flows.audit_attribution import Attribution
from flows.audit_documents import DOCUMENT_BYTES, check_names, check_rulebooks, check_schemas, check_sums
from flows.audit_doubts import doubts
from flows.audit_erasures import Erasures, listed
from flows.audit_faults import differs, index_of
from flows.audit_handovers import LogKeys
from flows.audit_openings import check_opening
from flows.audit_positions import Positions
from flows.audit_report import Findings, Trust, judging, located, place
from flows.audit_signatures import Signatures
from flows.audit_since import check_since
from flows.audit_tree import Opened, Tree
from handlers.attestation import Decisions
from handlers.holes import Hidden
from handlers.replay import Replay
from handlers.replay_report import Difference, Report
from infra.bundle.reading import Files

_CLOSED = "phasegate.intake.closed.v1"


class Audit:
    """One audit of one bundle; `run` gives the findings or raises Tampered at the first contradiction. What it keeps in
    memory does not grow with the log, but for what judging has to know: without `judges` it is the log alone that is checked.

    With `decisions` it gathers those there, and goes on past what a replay finds different: `difference` says it, and is to
    be attested. When it `is_alone`, the findings say that the logs to which it attributes offsets were not looked at.
    """

    def __init__(self, files: Files, trust: Trust, decisions: Decisions | None = None, *,
                 judges: bool = True, is_alone: bool = True) -> None:  # fmt: skip
        self._is_alone = is_alone
        self._files, self._trust, self._decisions, self._judges = files, trust, decisions, judges
        self.difference: Difference | None = None
        note = files.read(CHECKPOINT, NOTE_BYTES_MAX)
        self._keys = LogKeys(files, note, trust.log)
        checkpoint = self._keys.checkpoint
        with located(CHECKPOINT):
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
        self._attestations = Attestations(self._programme, checkpoint.origin)
        self._replay = Replay(
            self._programme, checkpoint.origin, self._judging, details=False, hidden=lambda _index: Hidden()
        )
        self._counts = dict.fromkeys(("openings", "attributions"), 0)
        self._signatures = Signatures(self._judging.office_keys)
        self._erasures = Erasures()
        self._acceptance = Acceptance()

    @property
    def sources(self) -> Mapping[str, Source]:
        """Whom the latest rulebook names."""
        return self._announced.sources

    @property
    def report(self) -> Report:
        """What the replay found."""
        return self._replay.report

    def run(self) -> Findings:
        entries = Tree(self._files, self.findings.checkpoint, self._keys.earlier).entries()
        try:
            for opened in entries:
                self._entry(opened)
        except Tampered:
            deque(entries, maxlen=0)  # Where the bytes are not what was signed, that is what is told.
            raise
        self._keys.finish()
        self.findings.handed_over = self._keys.handed_over
        self._positions.finish()
        self._check_since()
        self.findings.attested = self._attestations.checked(reading_tiles(self.findings.checkpoint.size, self._hashes))
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
        try:
            entry = decode_entry(opened.entry)
        except Tampered as error:
            raise place(error, path, index) from None
        if entry.index != index:
            fault = "index-skipped" if entry.index > index else "index-repeated"
            raise Tampered(f"{path}: entry {index} says that it is {entry.index}",
                           file=path, index=index, expected=index, found=entry.index, fault=fault)  # fmt: skip
        if entry.of is None:
            self._positions.saw(entry)
            self._counts["openings"] += check_opening(entry, opening, self._index_of)
        elif opening is not None:
            raise Tampered(f"{OPENINGS} opens entry {index}, a settlement, which commits to nothing of its own",
                           file=OPENINGS, index=index, fault="settlement-opened")  # fmt: skip
        self._announced.saw(entry, opening)
        self._attestations.saw(entry, opening)
        if self._decisions is not None:
            self._decisions.saw(opened.entry, entry, opening)
        self._keys.saw(self._programme, entry, opening)
        if entry.type == _CLOSED:
            self._closings(entry, opening)
        self._erasures.saw(entry, opening)
        if self._judges:
            self._judge(opened, entry)

    def _judge(self, opened: Opened, entry: Entry) -> None:
        """The record's signature, and its verdict made again."""
        opening = opened.opening
        with located(opened.path, entry.index):
            if opening is not None and entry.verdict in ("accepted", "pending"):
                self._signatures.saw(entry, opening, self._announced.sources)
                if self._replay.report.hidden:
                    self._signatures.require(self._programme, entry, opening, self._announced.sources)
            if self.difference is None:
                self._replay.feed(opened)
                self._stop_at_difference(opened.path)

    def _index_of(self, is_meant: Callable[[Entry], bool]) -> int | None:
        return index_of(self._files, self.findings.checkpoint.size, is_meant)

    def _find(self, topic: str, partition: int, offset: int) -> int | None:
        return self._index_of(lambda one: (one.topic, one.partition, one.offset) == (topic, partition, offset))

    def _closings(self, entry: Entry, opening: Opening | None) -> None:
        """What an accepted closing says of other logs' offsets; it may have been pending before."""
        if (found := self._acceptance.counted(entry, opening)) is not None:
            with located(OPENINGS, entry.index):
                self._positions.closed(entry.index, read_event(entry.index, found).data)
            self._counts["attributions"] += 1

    # ----------------------------------------------------------------------------------------------- what follows of it
    def _stop_at_difference(self, path: str) -> None:
        if (first := self._replay.report.first_difference) is None:
            return
        if self._decisions is not None:
            self.difference = first
            return
        raise differs(first, path)

    def _finish_replay(self) -> None:
        if not self._view:
            self._erasures.require_all()
        if not self._judges:
            self.findings.not_checked.append("verdicts, decisions and signatures: nobody asked for them")
            return
        if self.difference is not None:
            self.findings.not_checked.append(
                f"verdicts and decisions from entry {self.difference.index} on: that came out differently"
            )
            return
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
        if self._trust.since is not None:
            head, keys = self.findings.checkpoint, self._keys.trusted
            self.findings.since = check_since(self._trust.since, keys, head, self._hashes)

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
            "attestations": sum(one.is_of_this_log for one in self.findings.attested),
        }
        if self._keys.handed_over:
            checked["handovers"] = len(self._keys.handed_over)
        of = self._positions, self._erasures, self._signatures, self._keys, self._trust
        self.findings.not_checked += doubts(*of, is_alone=self._is_alone)
