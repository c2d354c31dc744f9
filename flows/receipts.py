"""What became of a record that the intake gave a receipt for: not recorded yet, or its entry, verdict and proof."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from events.bundle import encode_opening
from events.entry import Entry, decode_entry
from events.errors import PhasegateError, Tampered
from events.note import VerifierKey, format_vkey
from events.record import Position
from flows.proving import Cosigned, prove_entry
from flows.reading import Reading
from flows.witnessed import witnessed
from infra.ledger import StoredRecord
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class Proven:
    """An entry as it stands in the log, and the proof file of it; without a proof `unproven` says why. `detail` explains
    the verdict to whoever sent the record.
    """

    entry: Entry
    data: bytes
    detail: str | None
    proof: bytes | None
    unproven: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The entries of a record: the first one, with what its commitment opens to, and the one that settled it, if any."""

    programme: str
    log: str
    vkey: str | None
    first: Proven
    opening: bytes | None
    settlement: Proven | None

    @property
    def last(self) -> Entry:
        """The entry whose verdict counts now."""
        return (self.settlement or self.first).entry


@dataclass(slots=True)
class Receipts:
    """Looks records up, from any thread. A checkpoint is shown to the witnesses once, not for everybody who asks."""

    reading: Reading
    settings: Settings
    _notes: dict[bytes, bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, position: Position) -> Standing | None:
        """What became of the record at a position; None as long as it is not recorded."""
        found = self.reading.ledger.record_at(position)
        if found is None:
            return None
        entry = decode_entry(found.entry)
        settled = None if found.settlement is None else decode_entry(found.settlement)
        head = self.reading.head(found.programme)
        keys: list[VerifierKey] = []
        first = self._proven(found, entry, found.entry, keys)
        settlement = (
            None
            if settled is None or found.settlement is None
            else self._proven(found, settled, found.settlement, keys)
        )
        opening = None if found.opening is None else encode_opening(found.index, found.opening)
        vkey = format_vkey(keys[0]) if keys else None
        return Standing(found.programme, head.origin, vkey, first, opening, settlement)

    def _proven(self, found: StoredRecord, entry: Entry, data: bytes, keys: list[VerifierKey]) -> Proven:
        stored = next(iter(self.reading.ledger.read(found.programme, entry.index, entry.index + 1)))
        try:
            proved = prove_entry(self.reading, self.reading.head(found.programme), entry.index, self.cosigned())
        except Tampered:
            raise
        except PhasegateError as error:
            # No checkpoint covers it yet, no key is known, or the witnesses do not answer: the entry stands all the same.
            return Proven(entry, data, stored.detail, None, error.message)
        keys.append(proved.key)
        return Proven(entry, data, stored.detail, proved.proof, "")

    def cosigned(self) -> Cosigned:
        """Asks the witnesses of the settings, or remembers what they said of this checkpoint."""

        def ask(programme: str, note: bytes, key: VerifierKey) -> bytes:
            with self._lock:
                if note not in self._notes:
                    found = witnessed(self.reading.ledger, programme, note, key, self.settings)
                    if len(self._notes) >= 64:
                        self._notes.clear()
                    self._notes[note] = found.note
                return self._notes[note]

        return ask
