"""How trust in a log's key goes on to the keys after it, from the bundle alone.

A signature covers a root and no key, and anybody can add a line to a note. So the new key's own line under a note proves
nothing. A hand-over counts when the key trusted so far signed the note, the new key signed it, and an accepted `key.rotated`
among the entries under that root names the new key: then the old key vouched for the name when it signed the root.
"""

from __future__ import annotations

from collections.abc import Mapping

from events.announced import Acceptance, read_event
from events.bundle import CHECKPOINT, HANDOVER, handover_path
from events.derived import log_source
from events.entry import Entry, Opening
from events.errors import Refused, Tampered
from events.note import (
    NOTE_BYTES_MAX,
    Checkpoint,
    VerifierKey,
    has_line,
    open_checkpoint,
    open_note,
    unverified,
    verifier_key,
)
from flows.audit_report import HandedOver, located
from handlers.signers import key_change
from handlers.state import KeyChange
from infra.bundle.reading import Files

CHANGES = ("phasegate.key.rotated.v1", "phasegate.key.revoked.v1")


class LogKeys:
    """The key that counts now, from that which the auditor brought to that which signed the bundle's checkpoint. Told each
    entry in order; `finish` comes last, and until then the checkpoint may be signed by nobody who is trusted.
    """

    def __init__(self, files: Files, note: bytes, given: VerifierKey) -> None:
        self._note, self._given, self.key = note, given, given
        self._notes = _handovers(files)
        with located(CHECKPOINT):
            self.checkpoint = self._claimed()
        self._said = {size: self._unverified(size, one) for size, one in self._notes.items()}
        self._changes: list[tuple[int, KeyChange]] = []
        self._acceptance = Acceptance()
        self._last_ms = 0
        self.handed_over: list[HandedOver] = []

    def _claimed(self) -> Checkpoint:
        """The checkpoint, verified already unless hand-overs may lead from the given key to another."""
        given = self._given
        if not has_line(self._note, given) and any(has_line(one, given) for one in self._notes.values()):
            return unverified(self._note)
        return open_checkpoint(self._note, [given])

    def _unverified(self, size: int, note: bytes) -> Checkpoint:
        path, head = handover_path(size), self.checkpoint
        with located(path):
            said = unverified(note)
            if (said.origin, said.size) != (head.origin, size) or size >= head.size:
                raise Tampered(
                    f"it is a checkpoint of {said.origin!r} at {said.size}; a hand-over in this place is of {head.origin!r} "
                    f"at {size}, below {head.size}",
                    expected=size, found=said.size, fault="handover-misplaced",
                )  # fmt: skip
        return said

    @property
    def earlier(self) -> Mapping[int, tuple[str, bytes]]:
        """Size -> file and root, for whoever makes the tree."""
        return {size: (handover_path(size), said.root) for size, said in self._said.items()}

    @property
    def trusted(self) -> list[VerifierKey]:
        """The given key and those after it."""
        return [self._given, *(one.after for one in self.handed_over)]

    @property
    def others(self) -> int:
        """How many hand-overs compare with the tree, but are not by keys that are trusted."""
        return len(self._notes) - len(self.handed_over)

    def saw(self, programme: str, entry: Entry, opening: Opening | None) -> None:
        """The next entry, with its opening."""
        self._last_ms = max(self._last_ms, entry.received_ms)
        if entry.type in CHANGES:
            self._note_change(programme, entry, opening)
        if (note := self._notes.get(entry.index + 1)) is not None:
            with located(handover_path(entry.index + 1)):
                self._pass_on(entry.index + 1, note)

    def _note_change(self, programme: str, entry: Entry, opening: Opening | None) -> None:
        if (found := self._acceptance.counted(entry, opening)) is None:
            return
        event = read_event(entry.index, found)
        try:
            if event.data["source"] == log_source(programme):
                self._changes.append((entry.index, key_change(event, entry.offset)))
        except (KeyError, TypeError, ValueError, AttributeError, Refused) as error:
            raise Tampered(f"entry {entry.index} changes a key, but says none: {error!r}", index=entry.index) from error

    def _pass_on(self, size: int, note: bytes) -> None:
        """To the key that was named last, of those that signed. A note without the trusted key's line is passed over: it is
        of keys before the given one, or proves nothing.
        """
        if not has_line(note, self.key):
            return
        open_note(note, [self.key])
        self._refuse_revoked()
        named = {
            key: rank for key, rank in self._named().items() if has_line(note, key) and rank > self._rank(self.key)
        }
        if not named:
            return
        after = max(named, key=lambda key: named[key])
        open_note(note, [after])
        self.handed_over.append(HandedOver(size, self.key, after))
        self.key = after

    def _named(self) -> dict[VerifierKey, tuple[int, int]]:
        """The keys that the log names, each with the instant and the index of the last time it did; none that is revoked."""
        keys = [(verifier_key(self.checkpoint.origin, one.public), one.from_ms, at) for at, one in self._rotations()]
        return {
            key: (from_ms, at) for key, from_ms, at in sorted(keys, key=lambda row: row[1:]) if not self._revoked(key)
        }

    def _rank(self, key: VerifierKey) -> tuple[int, int]:
        return max(((one.from_ms, at) for at, one in self._rotations() if one.public == key.public), default=(-1, -1))

    def _rotations(self) -> list[tuple[int, KeyChange]]:
        return [(at, one) for at, one in self._changes if not one.is_revoked]

    def _revoked(self, key: VerifierKey) -> bool:
        """By what came in up to here. A checkpoint has no time; the entries under it have."""
        return any(
            one.is_revoked and one.public == key.public and one.from_ms <= self._last_ms for _, one in self._changes
        )

    def _refuse_revoked(self) -> None:
        if self._revoked(self.key):
            raise Tampered(
                f"it is signed by {_kid(self.key)}, which an entry under it revokes",
                hint="a log hands over before its old key is revoked; take its next key from its operator",
                fault="key-revoked",
            )

    def finish(self) -> None:
        """Raises Tampered unless the key that counts at the end signed the checkpoint."""
        with located(CHECKPOINT):
            if not has_line(self._note, self.key):
                raise Tampered(
                    f"it is not signed by {_kid(self.key)}, which is what {_kid(self._given)} and the hand-overs lead to",
                    hint=f"a hand-over has the lines of both keys, and a key.rotated of {log_source('<programme>')} before it "
                    "names the new one",
                    fault="not-followed",
                )  # fmt: skip
            open_checkpoint(self._note, [self.key])
            self._refuse_revoked()


def _handovers(files: Files) -> dict[int, bytes]:
    sizes = sorted(int(found[1]) for name in files.names if (found := HANDOVER.fullmatch(name)))
    return {size: files.read(handover_path(size), NOTE_BYTES_MAX) for size in sizes}


def _kid(key: VerifierKey) -> str:
    return f"{key.name}+{key.key_id.hex()}"
