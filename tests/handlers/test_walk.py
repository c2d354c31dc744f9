"""The long cup walked at random: anybody says anything at any time. Whatever happens, a few things hold."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from events.envelope import decode, encode
from events.record import TOPICS, Record
from handlers.due import due, next_instant
from handlers.fold import fold
from handlers.readiness import all_owed
from handlers.windows import is_complete, round_windows
from tests.support import long_cup, small
from tests.support.log import Log, folded
from tests.support.long_cup import day
from tests.support.long_told import beginnings, requeued
from tests.support.rooted import RootedLog
from tests.support.walker import SAYINGS, Walker, what_is_owed

AGAINST = {
    "rank-below-places", "floor-not-reached", "gate-not-met", "withdrawn", "no-submission", "not-recognised",
}  # fmt: skip
BACK = ("eliminated", "withdrawn")
RULES: list[dict[str, Any]] = [
    {},
    {"heat": {"approvals": dict.fromkeys(("score.voided", "marks.annulled", "mark.waived", "tie.resolved"), "director")}},
    {"heat": {"advance": {"places": "3", "withdrawn": "next-in-line"}, "conflicts": "recuse"}},
    {
        "heat": {"late": {"grace": "PT6H"}, "approvals": {"score.corrected": "director"}, "missing": "exclude"},
        "again": {"call": {**long_cup.rulebook()["phases"][1]["call"], "eligible": dict.fromkeys(BACK, "true")}},
    },
]  # fmt: skip


class Walk(RuleBasedStateMachine):
    """Time only moves forward. What is said is stamped a millisecond after what was said before."""

    @initialize(rules=st.sampled_from(RULES), seed=st.integers(0, 2**32))
    def announce(self, rules: dict[str, Any], seed: int) -> None:
        self.walker = Walker(Random(seed))
        self.log = RootedLog()
        self.now_ms = day(-10)
        self.finals: dict[str, bytes] = {}
        self.log.tell(long_cup.announced(long_cup.rulebook(**rules)), *beginnings())

    def at(self) -> float:
        self.now_ms += 1
        return (self.now_ms - small.OPENS) / small.DAY

    def is_on(self) -> bool:
        """After the conclusion nobody speaks: what then waits for another topic ends by which of them is read first."""
        return self.log.state.concluded is None

    @precondition(is_on)
    @rule(kind=st.sampled_from(sorted(SAYINGS)), times=st.integers(1, 3))
    def anybody_says_something(self, kind: str, times: int) -> None:
        for _ in range(times):
            self.log.tell(self.walker.say(kind, self.log.state, self.at()))

    @precondition(is_on)
    @rule()
    def people_do_what_they_owe(self) -> None:
        for said in list(what_is_owed(self.walker, self.log.state, self.at())):
            self.log.tell(said)

    @precondition(lambda self: self.is_on() and self.refused())
    @rule(is_said=st.booleans())
    def a_refused_record_is_sent_again(self, is_said: bool) -> None:
        """The same bytes, with or without a word about it on record: it is judged anew, as a record that comes now."""
        record = self.walker.dice.choice(self.refused())
        if is_said:
            place = (record.topic, record.partition, record.offset)
            self.log.tell(requeued(self.walker.new_id(), place, self.at(), decode(record.value).id))
        self.now_ms += 1
        self.log.tell(replace(record, received_ms=self.now_ms))

    def refused(self) -> list[Record]:
        outcomes = self.log.outcomes()
        return [row for row in self.log.records if outcomes[row.topic, row.offset][0] == "refused"]

    @rule(hours=st.integers(1, 200))
    def time_passes(self, hours: int) -> None:
        self.now_ms += hours * 3_600_000

    @precondition(lambda self: next_instant(self.log.state, self.now_ms) is not None)
    @rule()
    def the_next_deadline_passes(self) -> None:
        self.now_ms = next_instant(self.log.state, self.now_ms) or self.now_ms
        self.what_is_due_happens()

    @rule()
    def what_is_due_happens(self) -> None:
        self.now_ms += 1
        self.log.progress(self.now_ms)
        assert due(self.log.state, self.now_ms) is None
        self.now_ms += 1

    @precondition(lambda self: self.is_on() and due(self.log.state, self.now_ms) is not None)
    @rule(kind=st.sampled_from(sorted(SAYINGS)), times=st.integers(1, 3))
    def a_flow_is_overtaken(self, kind: str, times: int) -> None:
        """What was due is published after somebody has said something that the flow has not seen."""
        made = self.log.due_now(self.now_ms)
        for _ in range(times):
            self.log.tell(self.walker.say(kind, self.log.state, self.at()))
        self.now_ms += 1
        self.log.tell(*(replace(record, received_ms=self.now_ms) for record in made))

    @invariant()
    def a_decision_is_by_the_rules(self) -> None:
        for phase in self.log.state.phases.values() if hasattr(self, "log") else ():
            for event_id, decision in phase.decisions.items():
                outcomes = decision.fact.data["outcomes"]
                assert phase.rules.advance is not None
                assert [row["outcome"] for row in outcomes].count("advanced") <= phase.rules.advance.places
                for row in outcomes:
                    assert row["outcome"] == "advanced" or AGAINST & {reason["code"] for reason in row["reasons"]}
                assert phase.rounds[decision.number - 1].cut == decision.fact.data["basis"]["size"]
                if decision.finalised is not None:
                    assert phase.in_force is decision
                    assert self.finals.setdefault(event_id, encode(decision.fact.event)) == encode(decision.fact.event)
        for event_id in self.finals if hasattr(self, "finals") else ():
            assert self.log.state.find_decision(event_id) is not None

    def teardown(self) -> None:
        if not hasattr(self, "log"):
            return
        self._decided_from_a_complete_cut()
        report = self.log.replay()
        assert report.is_identical, report.first_difference
        assert folded(self.log.stored, judging=True) == self.log.state
        self._same_in_another_order()

    def _decided_from_a_complete_cut(self) -> None:
        for name, phase in self.log.state.phases.items():
            for decision in phase.decisions.values():
                state = fold(small.PROGRAMME, self.log.stored[: decision.fact.data["basis"]["size"]])
                then = state.phases[name]
                assert then.round.number == decision.number
                assert all(is_complete(state, name, window) for window in round_windows(then))
                assert list(all_owed(state, then)) == []

    def _same_in_another_order(self) -> None:
        queues = {topic: [row for row in self.log.records if row.topic == topic] for topic in TOPICS}
        weights = [self.walker.dice.randint(1, 20) for _ in TOPICS]
        again = Log()
        for record in self._shuffled(queues, weights):
            again.feed(record)
        found, expected = again.outcomes(), self.log.outcomes()
        assert {at: (row, found[at]) for at, row in expected.items() if found[at] != row} == {}
        said = {
            event_id for phase in self.log.state.phases.values() for event_id in (*phase.decisions, *phase.assessed)
        }
        first, second = ({e.id: encode(e) for e in log.decisions if e.id in said} for log in (self.log, again))
        assert first == second

    def _shuffled(self, queues: dict[str, list[Record]], weights: list[int]) -> list[Record]:
        left = {topic: iter(rows) for topic, rows in queues.items()}
        turns = self.walker.dice.choices(TOPICS, weights, k=2 * len(self.log.records))
        order = [row for topic in turns if (row := next(left[topic], None)) is not None]
        return order + [row for rows in left.values() for row in rows]


TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=40, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
