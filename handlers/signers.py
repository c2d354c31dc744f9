"""Whose signature counts: a source's keys of the rulebook, or the office's, and what the office has changed of them since.

A change is said on every topic, and counts on each for what stands behind it there and was received at or after its `from`.
So a verdict rests on its own topic alone, and no order among topics can change it (docs/decisions/0022).
"""

from __future__ import annotations

from collections.abc import Mapping

from events.derived import pipeline_source
from events.envelope import Envelope
from events.names import TYPES
from events.note import parse_vkey
from events.rulebook import Source
from events.values import parse_instant
from handlers.state import Fact, KeyChange, State


def keys_of(state: State, source: Source | None, fact: Fact, office: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The public keys by kid under which a source speaks when this record was received; None asks for the office's.
    `office` are the office's own keys, which also sign for a source that must sign and has none.
    """
    own = announced(source) if source is not None else {}
    return _changed(state, source.source if source is not None and own else None, fact, own or office)


def key_change(event: Envelope, offset: int) -> KeyChange:
    """What a `key.rotated` or `key.revoked` at this place of its topic says."""
    vkey = parse_vkey(event.data["key"])
    is_revoked = TYPES[event.type].short == "key.revoked"
    kid = f"{vkey.name}+{vkey.key_id.hex()}"
    return KeyChange(offset, parse_instant(event.data["from"]), kid, vkey.public, is_revoked)


def announced(source: Source) -> dict[str, bytes]:
    """The keys that the rulebook gives a source."""
    found = {}
    for text in source.keys:
        vkey = parse_vkey(text)
        found[f"{vkey.name}+{vkey.key_id.hex()}"] = vkey.public
    return found


def _changed(state: State, chain: str | None, fact: Fact, first: Mapping[str, bytes]) -> Mapping[str, bytes]:
    if not state.key_changes:
        return first
    changes = state.key_changes.get((fact.topic, chain or pipeline_source(state.programme)), [])
    return in_force(changes, fact.offset, fact.received_ms, first)


def in_force(
    changes: list[KeyChange], offset: int, received_ms: int, first: Mapping[str, bytes]
) -> Mapping[str, bytes]:
    """The key of the latest rotation, or the first keys where there is none, less what was revoked. Which rotation is the
    latest its `from` says, not its place: one that is due later may be on record already.
    """
    since = [change for change in changes if change.offset < offset and change.from_ms <= received_ms]
    rotated = max((c for c in since if not c.is_revoked), key=lambda c: (c.from_ms, c.offset), default=None)
    keys = first if rotated is None else {rotated.kid: rotated.public}
    revoked = {change.public for change in since if change.is_revoked}
    return {kid: public for kid, public in keys.items() if public not in revoked}
