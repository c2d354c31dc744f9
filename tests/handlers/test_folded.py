"""A folded log as bytes: whatever is known is the same when it is read back, and so is everything that comes after."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache
from random import Random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.entry import decode_entry
from events.envelope import encode as encode_event
from events.errors import Unavailable
from events.rulebook import Phase
from handlers import decide, folded
from handlers.columnar import Texts
from handlers.due import due
from handlers.engines import ENGINES
from handlers.fold import Folder
from handlers.folded import Folded, decode, encode, pack, unpack
from handlers.holes import Hidden
from handlers.judge import Deployment
from handlers.parts import Unreadable
from handlers.state import State
from tests.golden.recordings import Golden, Row, goldens
from tests.handlers.test_fold import looked_at, tangled
from tests.support import erased_history, long_cup, long_history, small
from tests.support.beside import beside
from tests.support.log import BASIS, DEPLOYMENT, Log, Stored
from tests.support.long_cup import day
from tests.support.long_told import beginnings
from tests.support.rooted import RootedLog
from tests.support.walker import SAYINGS, Walker, what_is_owed


@cache
def walked(seed: int) -> Log:
    """Thirty days or more of the long cup in which anybody says anything."""
    log, dice = RootedLog(), Random(seed)
    walker, at = Walker(dice), day(-10)
    log.tell(long_cup.announced(long_cup.rulebook()), *beginnings())
    while len(log.records) < 150 and log.state.concluded is None:
        at += dice.randint(1, 48) * 3_600_000
        log.tell(*(walker.say(kind, log.state, (at - small.OPENS) / small.DAY) for kind in dice.sample([*SAYINGS], 3)))
        log.tell(*list(what_is_owed(walker, log.state, (at - small.OPENS) / small.DAY)))
        log.progress(at := at + 1)
    return log


HISTORIES: dict[str, Callable[[], Log]] = {
    "tangled": lambda: tangled(3),
    "long cup": long_history.played,
    "long cup with erasures": erased_history.played,
    "walk 1": lambda: walked(1),
    "walk 2": lambda: walked(2),
}


def through(state: State) -> State:
    """Written and read back; what was read is written as the same bytes, so that it is the same down to the order of every
    dictionary and to what is one object in several places.
    """
    data = encode(Folded(state))
    found = decode(unpack(pack(data.head)), beside(data))
    assert encode(found) == data
    return found.state


def read_back(folded: Folded, *, judging: bool = True) -> Folded:
    data = encode(folded)
    return decode(data.head, beside(data), judging=judging)


@pytest.mark.parametrize("history", ["tangled", "walk 1", "walk 2", "long cup with erasures"])
def test_all_along_what_is_known_is_the_same_when_it_is_read_back(history: str) -> None:
    log = Log()
    for number, record in enumerate(HISTORIES[history]().records):
        log.feed(record)
        if number % 4 == 0:
            assert through(log.state) == log.state


@pytest.mark.parametrize("history", HISTORIES)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_judge_who_goes_on_from_the_bytes_writes_the_same_entries_and_decisions(
    history: str, data: st.DataObject
) -> None:
    whole = HISTORIES[history]()
    stop = data.draw(st.integers(1, len(whole.records)))
    log = Log()
    for record in whole.records[:stop]:
        log.feed(record)
    kept = Folder.opened(small.PROGRAMME, read_back(Folded(log.state)), judging=True).finish(DEPLOYMENT)
    assert kept == log.state
    again = Log(kept, log.stored, log.records, log.commitments, log.decisions)
    for record in whole.records[stop:]:
        again.feed(record)
    expected = fed(whole)
    assert [row.entry for row in again.stored] == [row.entry for row in expected.stored]
    assert [encode_event(one) for one in again.decisions] == [encode_event(one) for one in expected.decisions]
    assert again.state == expected.state


def fed(whole: Log) -> Log:
    """The same records, with decisions made at a fixed basis."""
    log = Log()
    for record in whole.records:
        log.feed(record)
    return log


@pytest.mark.parametrize("history", ["tangled", "long cup", "walk 1"])
@settings(max_examples=8, deadline=None)
@given(share=st.integers(0, 1000))
def test_a_reader_who_goes_on_from_the_bytes_knows_decides_and_finds_due_what_others_do(
    history: str, share: int
) -> None:
    log = HISTORIES[history]()
    cut = ends(log.stored)[share * len(ends(log.stored)) // 1001]
    kept = judged(log.stored[:cut])
    reader = Folder.opened(small.PROGRAMME, read_back(kept, judging=False))
    first = Folder(small.PROGRAMME)
    for stored in log.stored[:cut]:
        first.apply(stored)
    assert reader.state == first.state == looked_at(kept.state)
    for stored in log.stored[cut:]:
        reader.apply(stored)
        first.apply(stored)
        assert due(reader.state, log.records[-1].received_ms) == due(first.state, log.records[-1].received_ms)
    assert reader.state == first.state
    for name, phase in first.state.phases.items():
        if phase.cut is not None:
            assert decided(reader.state, name) == decided(first.state, name)


def ends(entries: Sequence[Stored | Row]) -> list[int]:
    """The sizes that a log has between two records: what settles others is written with the record that decides it."""
    return [size for size, stored in enumerate(entries) if decode_entry(stored.entry).of is None]


def decided(state: State, phase: str) -> list[bytes]:
    return [encode_event(one) for _, one in decide.phase_decided(state, phase, BASIS)]


def judged(entries: list[Stored]) -> Folded:
    folder = Folder(small.PROGRAMME, judging=True)
    for stored in entries:
        folder.apply(stored)
    return Folded(folder.finish(DEPLOYMENT), folder.hiding)


@pytest.mark.parametrize("golden", goldens(), ids=lambda golden: f"{golden.place.parent.name}/{golden.place.stem}")
def test_a_golden_programme_cut_anywhere_and_taken_up_from_the_bytes_is_folded_to_the_same(golden: Golden) -> None:
    """Some of their records are erased: those that pended then are settled without their content."""
    whole = opened(golden, 0)
    cuts = ends(golden.rows)
    for cut in cuts[1 :: max(1, len(cuts) // 8)]:
        assert opened(golden, cut) == whole


def opened(golden: Golden, cut: int) -> Folded:
    office = {f"{key.name}+{key.key_id.hex()}": key.public for key in golden.trust.office}
    deployment, kept = Deployment(json.loads(golden.files["deployment.json"])["partitions"], office), None
    if cut:
        before = Folder(golden.log, judging=True, hidden=lambda _index: Hidden())
        for row in golden.rows[:cut]:
            before.apply(row)
        kept = read_back(Folded(before.finish(deployment), before.hiding))
    folder = Folder.opened(golden.log, kept, judging=True, hidden=lambda _index: Hidden())
    for row in golden.rows[cut:]:
        folder.apply(row)
    return Folded(folder.finish(deployment), folder.hiding)


def test_what_is_one_object_in_two_places_is_one_again() -> None:
    """A signature must reach the decision of the round as well as that of the phase."""
    state = through(long_history.played().state)
    phase = state.phases["heat"]
    assert phase.decision is phase.decisions[phase.decision.fact.event.id]  # type: ignore[union-attr]


def test_reading_back_changes_nothing_in_what_was_written() -> None:
    state = deepcopy(tangled(5).state)
    through(state)
    assert state == tangled(5).state


def test_a_text_that_is_read_otherwise_than_it_was_written_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """That these tests would see a defect of one column."""
    read = Texts.read
    monkeypatch.setattr(Texts, "read", lambda *of: [text + " " if text == "ash" else text for text in read(*of)])
    state = tangled(3).state
    assert read_back(Folded(state)).state != state


def test_rules_that_would_be_read_otherwise_are_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    validate = Phase.model_validate
    monkeypatch.setattr(Phase, "model_validate", lambda document: validate({**document, "missing": "zero"}))
    with pytest.raises(Unreadable, match="some Phase is not read back"):
        encode(Folded(tangled(3).state))


def test_a_state_with_a_type_that_has_no_form_is_noticed_at_once() -> None:
    with pytest.raises(TypeError, match="say in handlers"):
        folded._Forms(Folded).column(complex)


@pytest.mark.parametrize("change", [
    lambda document: document | {"format": 0},
    lambda document: document | {"texts": document["texts"][:-1]},
    lambda document: document | {"pools": {name: row for name, row in document["pools"].items() if name != "Fact"}},
    lambda document: document | {"pools": document["pools"] | {"Mark": [0, {}]}},
    lambda document: {},
    lambda document: [],
])  # fmt: skip
def test_bytes_of_another_form_are_not_read(change: Callable[[dict[str, object]], object]) -> None:
    data = orjson.dumps(change(orjson.loads(encode(Folded(tangled(3).state)).head)))
    with pytest.raises(Unreadable):
        decode(data)


def test_bytes_that_are_cut_off_are_not_read() -> None:
    packed = pack(encode(Folded(tangled(3).state)).head)
    with pytest.raises(Unreadable):
        unpack(packed[:-20])
    with pytest.raises(Unreadable):
        decode(zlib.decompress(packed)[:-1])


def test_an_engine_that_this_build_has_not_stops_as_it_does_when_the_log_is_folded() -> None:
    data = encode(Folded(long_history.played().state)).head
    others = {"2": ENGINES["1"]}
    with pytest.raises(Unavailable, match="engine '1'"):
        decode(data, engines=others)
