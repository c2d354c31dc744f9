"""A checkpoint on its way to publication: what the witnesses of the settings say to it."""

from __future__ import annotations

from events.note import VerifierKey, open_checkpoint
from events.proofs import consistency_proof
from events.tiles import reading_tiles
from infra.ledger import Ledger
from infra.settings import Settings
from infra.witness.client import Witnessed, gather, parse_addresses


def witnessed(ledger: Ledger, programme: str, note: bytes, log: VerifierKey, settings: Settings) -> Witnessed:
    """The note, signed by its log alone, with the cosignatures of a quorum; the note itself where no witness is set.
    Raises Unavailable below the quorum: then it must not be published.
    """
    addresses = parse_addresses(settings.witnesses)
    quorum = len(addresses) if settings.quorum is None else settings.quorum
    size = open_checkpoint(note, [log]).size
    read = reading_tiles(size, ledger.tiles(programme).hashes)
    return gather(note, log, addresses, quorum, lambda old: consistency_proof(old, size, read))
