"""A checkpoint on its way to publication: it extends what left before, is remembered, and is shown to the witnesses."""

from __future__ import annotations

from events.note import VerifierKey, open_checkpoint
from events.proofs import consistency_proof
from events.tiles import reading_tiles
from infra.given_out import GivenOut
from infra.ledger import Ledger
from infra.settings import Settings
from infra.witness.client import Witnessed, gather, parse_addresses


def given_out(ledger: Ledger, settings: Settings) -> GivenOut | None:
    """What left this home. A ledger of a scenario has none: it is played again and again under one name, and convinces
    nobody.
    """
    stream = ledger.stream()
    return None if stream is not None and stream.clock == "scenario" else GivenOut(settings.home / "checkpoints")


def witnessed(ledger: Ledger, programme: str, note: bytes, log: VerifierKey, settings: Settings) -> Witnessed:
    """The note, signed by its log alone, with the cosignatures of a quorum; the note itself where no witness is set.
    Raises Unavailable below the quorum and Tampered where something else left before: then it must not be published.
    """
    if (memory := given_out(ledger, settings)) is not None:
        _remember(ledger, programme, note, log, memory)
    addresses = parse_addresses(settings.witnesses)
    quorum = len(addresses) if settings.quorum is None else settings.quorum
    size = open_checkpoint(note, [log]).size
    read = reading_tiles(size, ledger.tiles(programme).hashes)
    return gather(note, log, addresses, quorum, lambda old: consistency_proof(old, size, read))


def _remember(ledger: Ledger, programme: str, note: bytes, log: VerifierKey, memory: GivenOut) -> None:
    """Before anybody sees it. One that is smaller than what left may be of another history too, so the whole log is asked."""
    checkpoint = open_checkpoint(note, [log])
    head, before = ledger.head(programme), memory.latest(checkpoint.origin)
    if before is not None:
        ledger.require_extension(programme, 0 if head is None else head.size, before)
    memory.keep(note)
