"""Events that the pipeline itself makes: the same causes give the same id and the same bytes, whoever repeats them."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

import rfc8785

from events.envelope import Envelope
from events.values import format_instant

NAMESPACE = UUID("7a0f6d3e-52b1-5c0e-9b7d-3f1c8a54e0d2")
"""The UUIDv5 namespace of derived ids. Changing it would change the identity of every decision ever made."""


@lru_cache(maxsize=1024)
def pipeline_source(programme: str) -> str:
    """The `source` of everything that the pipeline of a programme says itself."""
    return f"urn:phasegate:{programme}:pipeline"


def attestor_source(programme: str) -> str:
    """Who says for the office what its own replays found. Apart from the pipeline, whose events a replay makes again."""
    return f"urn:phasegate:{programme}:attestor"


def log_source(programme: str) -> str:
    """What a change of the key that signs a programme's checkpoints is said of. Nothing is ever sent in its name."""
    return f"urn:phasegate:{programme}:log"


def derived_id(programme: str, name: str, phase: str, subject: str, ordinal: int) -> str:
    """UUIDv5 over the RFC 8785 array of what makes a derived event the one that it is; `ordinal` counts from 1."""
    return str(uuid5(NAMESPACE, rfc8785.dumps([programme, name, phase, subject, ordinal]).decode()))


def identity_hash(source: str, event_id: str) -> bytes:
    """SHA-256 of the RFC 8785 array of source and id: what is kept of the identity of a record that was erased."""
    return sha256(rfc8785.dumps([source, event_id])).digest()


def derive(
    programme: str, name: str, data: dict[str, Any], *, phase: str, subject: str, ordinal: int, caused_ms: int
) -> Envelope:
    """A derived event. `caused_ms` is the latest receipt time among its causes (Unix milliseconds), never a clock."""
    return Envelope(
        id=derived_id(programme, name, phase, subject, ordinal),
        source=pipeline_source(programme),
        type=name,
        subject=programme,
        time=format_instant(caused_ms),
        data=data,
        correlationid=f"{programme}/{phase}",
    )
