"""With which key an event is signed here: the office's where the rules ask for it, else one of the source's own that lies in
the folder of keys (`Settings.source_keys`). Which file it is does not matter: a key is known by its public half.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from events.derived import pipeline_source
from events.envelope import Envelope
from events.errors import Refused
from events.names import TYPES
from events.rulebook import Source
from events.values import parse_instant
from handlers.concerns import signs_with_office
from handlers.signers import announced, in_force
from handlers.state import State
from infra.keys import SigningKey, list_keys, load_key
from infra.settings import Settings

_BEHIND_ALL = 2**53
"""An offset that no record has: whatever changed keys on the topic stands before what is sent now."""


def signing_key(settings: Settings, state: State, event: Envelope) -> SigningKey | None:
    """The key that the record of this event needs; None where its source need not sign and no key of it lies here. Raises
    NotFound where the office has to sign and its key is not here, and Refused where another source has to.
    """
    source = state.sources.get(event.source)
    if event.source == pipeline_source(state.programme) or signs_with_office(source, event.type):
        return load_key(settings.office_key)
    if source is None:
        return None
    found = _held(settings.source_keys, keys_now(state, source, event))
    if found is None and source.signs:
        raise Refused(
            f"{source.source} signs with a key of its own, and none of its keys lies in {settings.source_keys}",
            hint="put the key file there (PHASEGATE_SOURCE_KEYS), or let its holder send it from the command line",
        )
    return found


def keys_now(state: State, source: Source, event: Envelope) -> Mapping[str, bytes]:
    """The public keys, by kid, with which the source may sign an event like this one now."""
    changes = state.key_changes.get((TYPES[event.type].topics[0], source.source), [])
    return in_force(changes, _BEHIND_ALL, parse_instant(event.time), announced(source))


def _held(folder: Path, wanted: Mapping[str, bytes]) -> SigningKey | None:
    if not wanted or not folder.is_dir():
        return None
    for key in list_keys(folder):
        for kid, public in wanted.items():
            if key.public == public:
                return key.named(kid.rpartition("+")[0])
    return None
