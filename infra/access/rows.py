"""What is kept of sessions and of what somebody was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import orjson

Role = Literal["viewer", "entrant", "evaluator", "auditor", "operator", "approver"]
ROLES: tuple[Role, ...] = get_args(Role)
Origin = Literal["local", "oidc"]
ANY = "*"
"""Stands for every programme."""


@dataclass(frozen=True, slots=True)
class Given:
    """A role in a programme; `who`: which entrant or evaluator this is there."""

    programme: str
    role: Role
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. Times are Unix milliseconds."""

    account: str
    origin: Origin
    given: tuple[Given, ...]
    created_ms: int
    seen_ms: int


def encode_given(given: Sequence[Given]) -> str:
    return orjson.dumps([[one.programme, one.role, one.who] for one in given]).decode()


def decode_given(text: str) -> tuple[Given, ...]:
    """What `encode_given` wrote."""
    return tuple(Given(*one) for one in orjson.loads(text))
