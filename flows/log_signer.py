"""Who signs the heads of a deployment's logs, each under its own name."""

from __future__ import annotations

from dataclasses import dataclass

from infra.given_out import GivenOut
from infra.keys import SigningKey
from infra.ledger import Ledger


@dataclass(slots=True)
class LogSigner:
    """`before` is the key before this one, where it was changed; `given_out` what left this home and must be extended.
    Without `key` nothing is signed.
    """

    ledger: Ledger
    origin: str
    key: SigningKey | None
    before: SigningKey | None = None
    given_out: GivenOut | None = None

    def sign(self, programme: str) -> None:
        """Signs the head of a log if it has grown. Raises Conflict when somebody else did meanwhile."""
        assert self.key is not None  # Nothing is to be signed without one.
        key = self.key.named(f"{self.origin}/{programme}")
        left = None if self.given_out is None else self.given_out.latest(key.name)
        self.ledger.sign(programme, key, before=self.before, given_out=left)
