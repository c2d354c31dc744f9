"""Keys of the HTTP intake: what they open, and that they are kept, on both databases, in rows that never change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from events.errors import NotFound, PhasegateError, Refused
from events.record import Position
from infra.api_key import ApiKey, Scope, decode_scope, draw, hashed, is_secret, split
from infra.ledger import Given, IntakeStore, Ledger
from infra.ledger.database import connect, upgrade, writing
from tests.support import small

SCOPE = Scope(("urn:a", "urn:team:*"), ("score.recorded", "intake.marked"), ("small-cup",))
KEY = ApiKey("k3vfa2q7mbxy", "jury", hashed("secret"), SCOPE, 60, 10, 1_000, 2_000)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue(f"{request.param}_database")
    upgrade(address)
    return address


@pytest.fixture
def store(url: str) -> Iterator[IntakeStore]:
    with Ledger.open(url) as ledger:
        yield ledger.intake()


def test_a_key_is_found_by_its_id_as_it_was_made(store: IntakeStore) -> None:
    store.add_key(KEY)
    endless = replace(KEY, id="aaaaaaaaaaaa", expires_ms=None, created_ms=500)
    store.add_key(endless)
    assert store.key(KEY.id) == KEY
    assert store.all_keys() == [endless, KEY]
    assert store.key("bbbbbbbbbbbb") is None


def test_a_revoked_key_stays_and_opens_nothing(store: IntakeStore) -> None:
    store.add_key(KEY)
    store.revoke_key(KEY.id, 1_500, "lost")
    found = store.key(KEY.id)
    assert found is not None
    assert (found.revoked_ms, found.is_good(1_400), KEY.is_good(1_999), KEY.is_good(2_000)) == (
        1_500,
        False,
        True,
        False,
    )
    with pytest.raises(Refused, match="revoked already"):
        store.revoke_key(KEY.id, 1_600, "again")
    with pytest.raises(NotFound, match=KEY.id):
        store.revoke_key("bbbbbbbbbbbb", 1, "none")


def test_receipts_are_kept_all_or_none(store: IntakeStore) -> None:
    first, second = (
        Given(Position("scores", 1, offset), KEY.id, hashed(str(offset)), hashed("value"), 7) for offset in (4, 5)
    )
    store.give([])
    store.give([first])
    with pytest.raises(PhasegateError):
        store.give([second, first])
    assert store.given(first.position) == first
    assert store.given(second.position) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE api_keys SET scope = '{}'",
        "UPDATE api_keys SET expires_ms = NULL",
        "DELETE FROM api_keys",
        "DELETE FROM api_key_revocations",
        "UPDATE api_key_revocations SET revoked_ms = 9",
        "UPDATE receipts SET api_key = 'other'",
    ],
)
def test_what_was_kept_is_not_changed(store: IntakeStore, url: str, statement: str) -> None:
    store.add_key(KEY)
    store.revoke_key(KEY.id, 1_500, "lost")
    store.give([Given(Position("scores", 1, 4), KEY.id, hashed("t"), hashed("v"), 7)])
    engine = connect(url)
    with pytest.raises(PhasegateError, match="is refused"), writing(engine) as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_only_the_hash_of_a_key_is_kept_and_no_two_are_alike() -> None:
    drawn = {draw() for _ in range(50)}
    assert len({key_id for key_id, _ in drawn}) == len({whole for _, whole in drawn}) == 50
    for key_id, whole in drawn:
        assert split(whole) == key_id
        assert len(whole) == len("phg_") + 12 + 1 + 43
        assert is_secret(whole, hashed(whole))
        assert not is_secret(whole[:-1], hashed(whole))
        assert whole.encode() not in hashed(whole)


SECRET = "a" * 43


@pytest.mark.parametrize(
    "text",
    ["", "phg_", f"phg_ABCDEFGHIJKL_{SECRET}", f"phg_abcdefghijkl_{SECRET[1:]}", f"phg_abcdefghijkl_{SECRET}\n"],
)
def test_what_is_no_key_is_not_looked_for(text: str) -> None:
    assert split(text) is None


def test_a_scope_says_why_it_does_not_cover_an_event() -> None:
    score = small.scores()[0]
    covered = replace(score, source="urn:team:x")
    assert SCOPE.objection(covered) == ""
    assert "urn:bench" in SCOPE.objection(score)
    assert "urn:teams" in SCOPE.objection(replace(score, source="urn:teams"))
    assert "score.corrected" in SCOPE.objection(replace(covered, type="phasegate.score.corrected.v1"))
    assert "other-cup" in SCOPE.objection(replace(covered, subject="other-cup"))


def test_every_type_is_all_but_what_the_office_alone_may_say() -> None:
    marked = replace(small.scores()[0], type="phasegate.intake.marked.v1")
    anything = Scope(("*",), ("*",), ("*",))
    assert anything.objection(small.scores()[0]) == ""
    assert "intake.marked" in anything.objection(marked)
    assert Scope(("*",), ("*", "intake.marked"), ("*",)).objection(marked) == ""


def test_a_scope_of_nothing_or_of_unknown_types_is_refused() -> None:
    with pytest.raises(Refused, match="may send nothing"):
        Scope((), ("*",), ("*",))
    with pytest.raises(Refused, match=r"phasegate\.score\.recorded\.v1"):
        Scope(("*",), ("phasegate.score.recorded.v1",), ("*",))
    assert decode_scope(SCOPE.encode()) == SCOPE
