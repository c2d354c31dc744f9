"""The programme's own attestor: what it says of each decision, when, and with which bytes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from events.derived import attestor_source
from events.envelope import encode
from events.errors import Tampered
from events.merkle import root
from events.values import format_instant
from flows.attesting import TOPIC, Attested, ReplayDiffers, announced, replayed
from flows.reading import Reading
from handlers.attestation import Recorded, Stand, attestation, is_different, missing
from handlers.decide import decision_id
from handlers.replay_report import Difference
from handlers.state import State
from handlers.views import phases_view
from infra.ledger import Ledger
from tests.support import small
from tests.support.attesting import doctored
from tests.support.stage import LOG_KEY, OFFICE_KEY, Stage, memory_stage, play

DECISION = decision_id(small.PROGRAMME, "heat")
ATTESTOR = attestor_source(small.PROGRAMME)
DIFFERENT = Difference(40, "verdict", "reason", "late", "None")


@pytest.fixture
def on(tmp_path: Path) -> Stage:
    stage = memory_stage(tmp_path)
    play(stage)
    return stage


def looked(on: Stage, *, again: bool = False) -> Attested:
    reading = Reading(
        on.parts.ledger, on.parts.bus.partitions, {OFFICE_KEY.kid: OFFICE_KEY.public}, (LOG_KEY.verifier,)
    )
    return replayed(reading, small.PROGRAMME, again=again)


def said(on: Stage, found: Attested) -> None:
    on.way.office.publish([(TOPIC, event) for event in found.new], found.stamp_ms)


def test_each_decision_is_attested_once_at_the_size_with_which_it_stood(on: Stage) -> None:
    found = looked(on)
    (event,) = found.new
    decided = on.way.state.phases["heat"].decisions[DECISION].fact
    assert event.source == ATTESTOR
    assert event.data["size"] == decided.index + 1
    assert event.data["root"] == on.way.reader.root(small.PROGRAMME, decided.index + 1).hex()
    assert event.time == format_instant(decided.received_ms)
    assert (event.data["decision"], event.data["result"], event.causationid) == (DECISION, "identical", DECISION)
    said(on, found)
    assert looked(on).new == []
    view = phases_view(on.way.state)[0]
    assert [(row["source"], row["result"]) for row in view["attested"]] == [(ATTESTOR, "identical")]
    assert on.replay().is_identical


def test_a_run_that_was_killed_before_it_was_recorded_says_the_same_again(on: Stage) -> None:
    first = looked(on)
    on.tell(small.event("evaluator.appointed", "appoint-zoe", small.OFFICE, small.OPENS, evaluator="zoe", panel="jury"))
    second = looked(on)
    assert second.gathered.stand.size == first.gathered.stand.size + 1
    assert [encode(event) for event in second.new] == [encode(event) for event in first.new]
    said(on, first)
    said(on, second)
    assert len(on.way.state.phases["heat"].decisions[DECISION].attested) == 1


def test_who_asks_for_it_gets_another_at_the_present_size(on: Stage) -> None:
    said(on, looked(on))
    found = looked(on, again=True)
    (event,) = found.new
    head = on.parts.ledger.head(small.PROGRAMME)
    assert head is not None
    assert (event.data["size"], event.data["root"]) == (head.size, root(head.stack).hex())
    said(on, found)
    assert on.way.state.phases["heat"].decisions[DECISION].attested[ATTESTOR].data["size"] == head.size


def test_a_doctored_decision_is_attested_as_different_and_is_no_success(tmp_path: Path) -> None:
    stage = memory_stage(tmp_path)
    with doctored():
        play(stage)
    found = looked(stage)
    (event,) = found.new
    assert event.data["result"] == "different"
    assert event.data["difference"]["what"] == f"phasegate.phase.decided.v1 {DECISION}"
    with pytest.raises(ReplayDiffers, match="differs from its replay, first at entry"):
        found.check()
    said(stage, found)
    after = looked(stage)
    assert after.new == []
    with pytest.raises(ReplayDiffers):
        after.check()


def test_a_ledger_that_contradicts_itself_is_not_attested_at_all(on: Stage, tmp_path: Path) -> None:
    on.parts.ledger.close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as intruder:
        for (name,) in intruder.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            intruder.execute(f"DROP TRIGGER {name}")
        intruder.execute("UPDATE openings SET value = CAST(value || ' ' AS BLOB) WHERE \"index\" = 9")
    intruder.close()
    on.parts.ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite")
    with pytest.raises(Tampered):
        looked(on)


def test_only_announced_programmes_are_looked_at(on: Stage) -> None:
    reading = Reading(on.parts.ledger, on.parts.bus.partitions, {}, ())
    assert [state.programme for state in announced(reading)] == [small.PROGRAMME]


# ------------------------------------------------------------------------------------------------ when, and what of it


def recorded(decision: str, size: int) -> Recorded:
    return Recorded(decision, "heat", size - 1, Stand(size, bytes([size]) * 32, size * 1000))


def test_a_difference_is_no_matter_of_the_decisions_before_it() -> None:
    assert not is_different(recorded("early", 40), DIFFERENT)
    assert is_different(recorded("late", 41), DIFFERENT)
    early, late = (attestation("p", "urn:a", recorded(name, size), DIFFERENT) for name, size in (("e", 40), ("l", 41)))
    assert (early.data["result"], late.data["result"]) == ("identical", "different")
    assert "difference" not in early.data


def test_endless_texts_are_cut() -> None:
    endless = Difference(1, "verdict", "detail", "x" * 5000, "")
    told = attestation("p", "urn:a", recorded("d", 5), endless).data["difference"]
    assert (len(told["recorded"]), told["replayed"], told["index"]) == (1000, "", 1)


def test_what_comes_out_otherwise_than_it_was_attested_is_said_at_the_present_size(on: Stage) -> None:
    said(on, looked(on))
    state, now = on.way.state, Stand(500, bytes(32), 7)
    (one,) = looked(on).gathered.decisions
    assert list(missing(state, ATTESTOR, [one], None, now, again=False)) == []
    (changed,) = missing(state, ATTESTOR, [one], Difference(0, "verdict", "", "", ""), now, again=False)
    assert (changed.data["size"], changed.data["result"]) == (500, "different")
    assert list(missing(State("p"), ATTESTOR, [], None, now, again=True)) == []
