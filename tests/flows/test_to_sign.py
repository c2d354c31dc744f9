"""How much a recorder signs at one go, and that nothing stays unsigned."""

from __future__ import annotations

from typing import cast

import pytest

from events.errors import Conflict, Unavailable
from flows import to_sign
from flows.log_signer import LogSigner
from flows.to_sign import ToSign


class Signer:
    """Notes what it is asked to sign, and fails as it is told."""

    def __init__(self) -> None:
        self.signed: list[str] = []
        self.failures: dict[str, Exception] = {}

    def sign(self, programme: str) -> None:
        if (failure := self.failures.pop(programme, None)) is not None:
            raise failure
        self.signed.append(programme)


@pytest.fixture
def signer(monkeypatch: pytest.MonkeyPatch) -> Signer:
    monkeypatch.setattr(to_sign, "ENTRIES_AT_ONCE", 10)
    monkeypatch.setattr(to_sign, "LOGS_AT_ONCE", 3)
    return Signer()


@pytest.fixture
def waiting(signer: Signer) -> ToSign:
    return ToSign(cast(LogSigner, signer))


def test_a_log_that_never_pauses_is_signed_in_portions(signer: Signer, waiting: ToSign) -> None:
    for _ in range(7):
        waiting.grew("busy", 4)
        waiting.grew("slow", 1)
        waiting.sign_long(())
    assert signer.signed == ["busy", "busy"]


def test_what_was_decided_is_signed_at_once(signer: Signer, waiting: ToSign) -> None:
    waiting.grew("a", 1)
    waiting.grew("b", 1)
    waiting.sign_long({"b"})
    assert signer.signed == ["b"]


def test_a_pause_signs_so_many_entries_and_logs_and_the_next_one_goes_on(signer: Signer, waiting: ToSign) -> None:
    for name, grown in (("a", 6), ("b", 5), ("c", 90), ("d", 0), ("e", 0), ("f", 0), ("g", 0)):
        waiting.grew(name, grown)
    after_each = []
    for _ in range(5):
        waiting.sign_some()
        after_each.append("".join(signer.signed))
    assert after_each == ["a", "ab", "abc", "abcdef", "abcdefg"]


def test_what_could_not_be_signed_is_signed_later(signer: Signer, waiting: ToSign) -> None:
    waiting.grew("a", 1)
    waiting.grew("b", 1)
    signer.failures = {"a": Conflict("another"), "b": Unavailable("away")}
    with pytest.raises(Unavailable):
        waiting.sign_all()
    assert signer.signed == []
    waiting.sign_all()
    waiting.sign_all()
    assert signer.signed == ["a", "b"]
