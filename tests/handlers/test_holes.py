"""A log of which records are not there: whatever is missing, what is still checked comes out the same (`handlers.rests`)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.entry import Entry, decode_entry
from events.errors import Tampered
from events.names import TYPES
from handlers.fold import Folder
from handlers.holes import Hidden
from handlers.replay import Replay
from handlers.replay_report import Report
from handlers.rests import SPINE
from tests.support import small
from tests.support.erased_history import played
from tests.support.log import DEPLOYMENT, Stored
from tests.support.rooted import NAME


@cache
def entries() -> list[tuple[Entry, Stored]]:
    return [(decode_entry(stored.entry), stored) for stored in played().stored]


def short(entry: Entry) -> str:
    return "" if entry.type is None else TYPES[entry.type].short


@cache
def able() -> list[int]:
    """First entries that can be missing without the course of the programme being lost."""
    return [entry.index for entry, _ in entries() if entry.of is None and short(entry) not in SPINE]


def without(missing: Collection[int]) -> Report:
    replay = Replay(small.PROGRAMME, NAME, DEPLOYMENT, hidden=lambda _index: Hidden())
    for entry, stored in entries():
        replay.feed(replace(stored, opening=None) if entry.index in missing else stored)
    return replay.finish()


@cache
def whole() -> Report:
    return without(())


def check(missing: Collection[int]) -> Report:
    found = without(missing)
    assert found.first_difference is None
    assert found.hidden == sorted(missing)
    assert found.verdicts.checked + len(found.verdicts.unchecked) == whole().verdicts.checked
    assert found.decisions.checked + len(found.decisions.unchecked) <= whole().decisions.checked
    return found


KINDS = sorted({short(entry) for entry, _ in entries() if entry.index in able()})


@pytest.mark.parametrize("kind", KINDS)
def test_every_record_of_a_kind_can_be_missing(kind: str) -> None:
    check([entry.index for entry, _ in entries() if entry.index in able() and short(entry) == kind])


@pytest.mark.parametrize("kind", KINDS)
def test_one_record_of_a_kind_can_be_missing(kind: str) -> None:
    of_kind = [entry.index for entry, _ in entries() if entry.index in able() and short(entry) == kind]
    for index in {of_kind[0], of_kind[len(of_kind) // 2], of_kind[-1]}:
        check([index])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.sampled_from(able()), min_size=1, max_size=40))
def test_any_records_can_be_missing(missing: set[int]) -> None:
    check(missing)


def test_all_of_them_can_be_missing() -> None:
    found = check(able())
    assert found.verdicts.checked > 60
    assert found.decisions.checked > 40


def mark_of(phase: str) -> int:
    value = f'"phase":"{phase}"'.encode()
    return next(
        entry.index
        for entry, stored in entries()
        if short(entry) == "score.recorded" and stored.opening is not None and value in (stored.opening.value or b"")
        if entry.verdict == "accepted"
    )


def test_decisions_of_other_phases_are_checked_as_before() -> None:
    found = check([mark_of("finale")])
    decided = [entry.index for entry, _ in entries() if short(entry) == "phase.decided" and entry.verdict == "accepted"]
    lost = [index for index in decided if index in found.decisions.unchecked]
    assert lost == decided[-1:]
    assert len(decided) > 4


def test_a_change_that_rests_on_nothing_missing_is_found() -> None:
    """With a mark of the heat missing, a decision of the finale that was changed is a difference all the same."""
    index = next(
        entry.index
        for entry, stored in reversed(entries())
        if short(entry) == "phase.decided" and entry.verdict == "accepted" and stored.opening is not None
    )
    replay = Replay(small.PROGRAMME, NAME, DEPLOYMENT, hidden=lambda _index: Hidden())
    missing = mark_of("heat")
    for entry, stored in entries():
        told = replace(stored, opening=None) if entry.index == missing else stored
        if entry.index == index:
            assert stored.opening is not None
            changed = (stored.opening.value or b"").replace(b"advanced", b"eliminated", 1)
            told = replace(stored, opening=replace(stored.opening, value=changed))
        replay.feed(told)
    difference = replay.finish().first_difference
    assert difference is not None
    assert difference.index == index


@pytest.mark.parametrize(
    "kind", ["score.recorded", "finding.recorded", "ruling.issued", "objection.ruled", "entrant.registered"]
)
def test_a_state_folds_to_the_same_course_without_them(kind: str) -> None:
    missing = [entry.index for entry, _ in entries() if short(entry) == kind]
    folder = Folder(small.PROGRAMME, judging=True, hidden=lambda _index: Hidden())
    for entry, stored in entries():
        folder.apply(replace(stored, opening=None) if entry.index in missing else stored)
    state, known = folder.finish(DEPLOYMENT), played().state
    assert {name: phase.status for name, phase in state.phases.items()} == {
        name: phase.status for name, phase in known.phases.items()
    }
    assert state.concluded is not None
    assert state.erased == known.erased


def test_a_record_that_is_missing_for_no_reason_stops_the_fold() -> None:
    folder = Folder(small.PROGRAMME)
    missing = mark_of("heat")
    for _, stored in entries()[:missing]:
        folder.apply(stored)
    with pytest.raises(Tampered, match="its record is not there"):
        folder.apply(replace(entries()[missing][1], opening=None))
