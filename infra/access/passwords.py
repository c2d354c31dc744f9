"""Passwords: argon2id with the parameters of RFC 9106 for machines with little memory (64 MiB, three passes, four lanes)."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from events.errors import Refused

LENGTH_MIN = 12
LENGTH_MAX = 256
_AT_ONCE = threading.BoundedSemaphore(2)
"""Each takes 64 MiB: many sign-ins at once must not take the memory of the machine."""


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


@cache
def _of_nobody() -> str:
    """What is compared where there is no such account: it takes as long, and never fits."""
    return _hasher().hash("of nobody")


def hash_password(password: str, account: str) -> str:
    """What is stored. Raises Refused for a password that is easy to guess."""
    said = unicodedata.normalize("NFKC", password)
    if not LENGTH_MIN <= len(said) <= LENGTH_MAX:
        raise Refused(
            f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters; this one has {len(said)}",
            hint="several words that do not belong together are easy to keep and hard to guess",
        )
    if account.casefold() in said.casefold() or len(set(said)) < LENGTH_MIN // 2:
        raise Refused("the password is easy to guess", hint="leave the account's name out, and repeat less")
    with _AT_ONCE:
        return _hasher().hash(said)


def is_password(presented: str, stored: str | None) -> bool:
    """Whether it is the password; takes the same time where there is none."""
    said = unicodedata.normalize("NFKC", presented[: 4 * LENGTH_MAX])
    with _AT_ONCE:
        try:
            _hasher().verify(stored or _of_nobody(), said)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None
