"""Closing the attribution: true logs always agree, and no single lie about an offset that two of them reach is missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.bundle import CONTROL, Place
from events.errors import Tampered
from flows.audit_attribution import Attribution, close_attribution
from flows.exporting import ranges_of_others

AT = ("scores", 0)
LOGS = ("ash", "birch", "cedar")
OWNERS = st.lists(st.sampled_from((*LOGS, "absent", CONTROL)), min_size=1, max_size=40)


def told(owners: Sequence[str], programme: str, reach: int | None = None) -> Attribution:
    """What a true log says of a partition in which offset n is `owners[n]`'s; nothing when it has no record there."""
    own = [offset for offset, owner in enumerate(owners) if owner == programme and offset < (reach or len(owners))]
    if not own:
        return Attribution(programme, programme, (), {})
    stop = own[-1] + 1
    rows = [(offset, owner) for offset, owner in enumerate(owners[:stop]) if owner != CONTROL]
    return Attribution(programme, programme, (Place(*AT, stop, tuple(ranges_of_others(programme, rows))),), {})


@given(OWNERS)
def test_true_logs_agree_and_every_offset_is_counted_once(owners: list[str]) -> None:
    logs = [told(owners, name) for name in LOGS]
    closed = close_attribution(logs)
    reached = max((place.next for log in logs for place in log.places), default=0)
    assert closed.control == owners[:reached].count(CONTROL)
    assert closed.not_given.total() == owners[:reached].count("absent")
    assert closed.unsealed == closed.control + closed.not_given.total()
    assert not closed.beyond
    others = [log for log in logs if log.places]
    seen = [o for o in range(reached) if owners[o] in LOGS and sum(p.next > o for x in others for p in x.places) > 1]
    assert closed.found == len(seen)


@given(OWNERS, st.data())
def test_a_log_that_lies_about_one_offset_contradicts_whoever_reaches_it(
    owners: list[str], data: st.DataObject
) -> None:
    logs = [told(owners, name) for name in LOGS]
    liar = data.draw(st.sampled_from(LOGS))
    place = next((one for one in logs[LOGS.index(liar)].places), None)
    if place is None or not place.others:
        return
    offset = data.draw(st.sampled_from([n for start, end, _ in place.others for n in range(start, end)]))
    lied = data.draw(
        st.sampled_from([name for name in (*LOGS, "absent", CONTROL) if name not in (liar, owners[offset])])
    )
    believed = [*owners[:offset], lied, *owners[offset + 1 :]]
    logs[LOGS.index(liar)] = told(believed, liar)
    reach = [log.places[0].next for log in logs if log.places and log.programme != liar]
    if any(stop > offset for stop in reach):
        with pytest.raises(Tampered) as error:
            close_attribution(logs)
        assert error.value.details["offset"] == offset
    else:
        assert (lied if lied in LOGS else owners[offset]) in {*close_attribution(logs).beyond, owners[offset]}


@given(OWNERS, st.integers(0, 40))
def test_a_bundle_that_is_older_leaves_what_came_after_it_open(owners: list[str], reach: int) -> None:
    logs = [told(owners, "ash", reach), told(owners, "birch"), told(owners, "cedar")]
    closed = close_attribution(logs)
    known = logs[0].places[0].next if logs[0].places else 0
    reached = max((place.next for log in logs for place in log.places), default=0)
    assert closed.beyond["ash"] == owners[known:reached].count("ash")
    assert set(closed.beyond) <= {"ash"}


def test_what_a_closed_intake_of_any_log_covers_is_sealed() -> None:
    owners = ["absent", "ash", CONTROL, "birch", "absent", "ash"]
    ash, birch = told(owners, "ash"), told(owners, "birch")
    assert close_attribution([ash, birch]).unsealed == 3
    assert close_attribution([ash, replace(birch, covered={AT: 3})]).unsealed == 1
