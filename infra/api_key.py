"""Keys of the HTTP intake: what they look like, what they may send, and how one is recognised.

A key is `phg_<id>_<secret>`. The secret is 256 random bits, so its plain SHA-256 is enough to store: there is nothing to
guess that a slow hash would protect. Whoever reads the table learns no key; whoever writes to it can make one.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256

import orjson

from events.envelope import Envelope, short
from events.errors import Refused
from events.names import TYPES

ANY = "*"
_KEY = re.compile(r"phg_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
_SHORT = {row.short: row for row in TYPES.values()}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a key may send. A source may end in `*`, which stands for any rest; `*` among the types means all but those
    that only the office may say, each of which has to be named; `*` among the programmes means all.
    """

    sources: tuple[str, ...]
    types: tuple[str, ...]
    programmes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not (self.sources and self.types and self.programmes):
            raise Refused("a key without sources, types or programmes may send nothing", hint="name each of the three")
        for name in self.types:
            if name not in _SHORT and name != ANY:
                raise Refused(
                    f"{name!r} is no event type; types are named without prefix and version, as score.recorded",
                    hint="docs/reference.md lists them",
                )

    def objection(self, event: Envelope) -> str:
        """Why a key of this scope may not send an event; empty where it may."""
        row = TYPES[event.type]
        if not any(_covers(pattern, event.source) for pattern in self.sources):
            return f"the key does not speak for the source {short(event.source)}"
        if row.short not in self.types and (row.office or ANY not in self.types):
            return f"the key may not send {row.short}"
        if event.subject not in self.programmes and ANY not in self.programmes:
            return f"the key is not for the programme {short(event.subject)}"
        return ""

    def encode(self) -> str:
        """As JSON, for the table."""
        document = {"programmes": self.programmes, "sources": self.sources, "types": self.types}
        return orjson.dumps(document).decode()


def decode_scope(text: str) -> Scope:
    """What `encode` wrote."""
    document = orjson.loads(text)
    return Scope(tuple(document["sources"]), tuple(document["types"]), tuple(document["programmes"]))


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is known here: everything but its secret. Times are Unix milliseconds; `per_minute` and `burst` count
    events.
    """

    id: str
    label: str
    secret_sha256: bytes
    scope: Scope
    per_minute: int
    burst: int
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None

    def is_good(self, now_ms: int) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)


def draw() -> tuple[str, str]:
    """A new key: its id, and the whole of it, to be shown once."""
    key_id = base64.b32encode(secrets.token_bytes(8)).decode().lower()[:12]
    return key_id, f"phg_{key_id}_{secrets.token_urlsafe(32)}"


def split(key: str) -> str | None:
    """The id in what somebody presents as a key; None for what cannot be one."""
    found = _KEY.fullmatch(key)
    return None if found is None else found[1]


def hashed(secret: str) -> bytes:
    """What is stored of a key or of a receipt's token."""
    return sha256(secret.encode()).digest()


def is_secret(presented: str, stored_sha256: bytes) -> bool:
    """Whether it is the key or token whose hash is stored; takes the same time either way."""
    return hmac.compare_digest(hashed(presented), stored_sha256)


def _covers(pattern: str, source: str) -> bool:
    return source.startswith(pattern[:-1]) if pattern.endswith(ANY) else source == pattern
