"""What is malformed, unauthorised, late, repeated or contradictory, through a real broker: it stops nothing, hurts nothing
that stands beside it, is on record with its reason, and every refused one is found among the dead letters, unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
import pytest

from events.bus import Message
from events.derived import pipeline_source
from events.entry import Entry, decode_entry
from events.envelope import BYTES_MAX, Envelope
from events.record import DEAD_LETTERS, Position, Record
from flows.recorder import GROUP
from handlers.decide import decision_id
from handlers.judge import log_of
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from tests.support import small
from tests.support.log import PARTITION, PARTITIONS, record_of
from tests.support.stage import Stage, stage
from tests.support.told import ANN, BEN, BENCH, answered, correction, entered, found, handed_in, mark, ruled

pytestmark = pytest.mark.kafka

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES
NOW = OPENS + 15 * DAY
DECISION = decision_id(small.PROGRAMME, "heat")
CONTENT = ("content-type", b"application/cloudevents+json")
GOOD = mark("a-mark", ANN, NOW, "ash", "ann")
Case = tuple[str, Envelope | Record]
"""The reason it ends with (or `duplicate`), and what is sent."""


def bent(**parts: object) -> Record:
    """A good mark with another key, value, headers, topic or partition."""
    return replace(record_of(GOOD), **parts)  # type: ignore[arg-type]


def rewritten(**members: object) -> Record:
    """A good mark with other attributes."""
    return bent(value=orjson.dumps(orjson.loads(record_of(GOOD).value or b"") | members))


def unreadable() -> Iterator[Case]:
    """Bytes that are no events, or none of ours."""
    yield "not-json", bent(value=None)
    yield "not-json", bent(value=b"\x00\xff\xfe")
    yield "not-json", bent(value=b'{"id":')
    yield "not-json", bent(value=b'{"n":' + b"9" * 5000 + b"}")
    yield "not-cloudevents", bent(value=b"[1,2]")
    yield "not-cloudevents", bent(headers=())
    yield "not-cloudevents", bent(headers=(("content-type", b"\xff" * 900_000),))
    yield "not-cloudevents", rewritten(specversion="0.3")
    yield "duplicate-header", bent(headers=(CONTENT, CONTENT))
    yield "duplicate-json-key", bent(value=b'{"id":"x",' + (record_of(GOOD).value or b"")[1:])
    yield "too-large", bent(value=b"x" * (BYTES_MAX + 1))
    yield "too-large", bent(value=b"x" * 1_040_000)
    yield "too-deep", bent(value=b"[" * 1000)
    yield "key-mismatch", rewritten(subject="other-cup")
    yield "unknown-programme", bent(key=None, partition=0)
    yield "unknown-programme", bent(key=b"\xff\xfe", partition=1)
    yield "wrong-partition", bent(partition=(PARTITION + 1) % PARTITIONS)
    yield "wrong-topic", bent(topic="audits")
    yield "unknown-type", rewritten(type="phasegate.score.guessed.v9")
    yield "schema-invalid", rewritten(data={**GOOD.data, "value": 7})
    yield "schema-invalid", rewritten(data={**GOOD.data, "value": "1e3"})
    yield "schema-invalid", rewritten(data={**GOOD.data, "extra": "x"})
    yield "schema-invalid", rewritten(time="2030-02-31T00:00:00.000Z")
    yield "schema-invalid", rewritten(data={**GOOD.data, "comment": 0, "entrant": "\x00 ' \" ; drop table entries"})


def unauthorised() -> Iterator[Case]:
    """Well formed, by somebody who may not say it."""
    opened = small.event(
        "phase.opened", "o", small.OFFICE, NOW, phase="heat", entrants=[], opens=small_time(), windows={}
    )
    yield "signature-missing", record_of(opened, signed=False)
    yield "signature-missing", record_of(mark("p", pipeline_source(small.PROGRAMME), NOW, "ash", "ann"), signed=False)
    yield "signature-invalid", bent_signature(opened, b"nonsense")
    yield "signature-invalid", bent_signature(opened, dict(record_of(small.announced()).headers)["phasegate-jws"])
    yield "source-not-authorised", mark("n", "urn:nobody\x00", NOW, "ash", "ann")
    yield "source-not-authorised", mark("n", ANN, NOW, "ash", "ben")
    yield "source-not-authorised", mark("n", "urn:team:ash", NOW, "ash", "ann")
    yield "source-not-authorised", replace(found("n", "ash", NOW), source=BENCH)


def small_time() -> str:
    return small.announced().time


def bent_signature(event: Envelope, signature: bytes) -> Record:
    return replace(record_of(event), headers=(CONTENT, ("phasegate-jws", signature)))


def before_the_opening() -> Iterator[Case]:
    yield "too-early", handed_in("soon", "ash", OPENS - DAY)
    yield "unknown-phase", handed_in("s", "ash", OPENS, phase="final")
    yield "unknown-entrant", entered("w", "entrant.withdrawn", "fir", OPENS - DAY, reason="x")
    yield "illegal-transition", replace(small.announced(), id="another")
    yield (
        "unknown-reference",
        small.event("evaluator.appointed", "e", small.OFFICE, OPENS, evaluator="cy", panel="choir"),
    )
    yield "illegal-transition", entered("r", "entrant.registered", "ash", OPENS - DAY, name="x", members=[])


def among_the_scores() -> Iterator[Case]:
    ann = "score-ash-art-ann"
    yield "duplicate", small.scores()[0]
    yield "out-of-range", mark("high", ANN, NOW, "ash", "ann", "41")
    yield "unknown-criterion", small.event("score.recorded", "c", ANN, NOW, **{**GOOD.data, "item": "smell"})
    yield "unknown-evaluator", mark("cy", small.OFFICE, NOW, "ash", "cy")
    yield "not-eligible", mark("fir", ANN, NOW, "fir", "ann")
    yield "id-reused", mark(ann, ANN, NOW, "ash", "ann", "9")
    yield "already-scored", mark("again", ANN, NOW, "ash", "ann", "9")
    yield "unknown-reference", correction("c1", ANN, NOW, "nothing", "9")
    yield "source-not-authorised", correction("c2", BEN, NOW, ann, "9")
    yield "late", handed_in("late", "ash", NOW, supersedes="submit-ash")
    yield "unknown-reference", ruled("r1", "nothing", NOW, "met")
    yield "unknown-reference", answered("a2", "nothing", "ash", NOW)
    yield "unknown-criterion", found("f1", "ash", NOW, "weather")
    yield "too-early", ruled("r2", "finding-birch", small.OPENS + 16 * DAY + 1, "met")
    yield "not-eligible", answered("a1", "finding-birch", "ash", NOW)


def after_the_deadlines() -> Iterator[Case]:
    at = DEADLINES["audits"] + DAY
    yield "late", correction("c9", ANN, at, "score-ash-art-ann", "9")
    yield "late", found("f9", "ash", at)
    yield "illegal-transition", answered("a9", "finding-birch", "birch", at)
    yield "unknown-reference", small.signature("no-decision", at_ms=at)
    yield "duplicate", small.submissions()[0]


@dataclass
class Trial:
    """A programme played over Kafka with bad input between what is good."""

    on: Stage
    good: list[Position] = field(default_factory=list)
    bad: dict[Position, tuple[str, Record]] = field(default_factory=dict)

    def send(self, good: list[Envelope], bad: Iterator[Case]) -> None:
        """Good and bad in turn, all that is left of either at the end."""
        cases = list(bad)
        for number in range(max(len(good), len(cases))):
            self.good += self._publish([record_of(event) for event in good[number : number + 1]])
            for reason, sent in cases[number : number + 1]:
                record = record_of(sent) if isinstance(sent, Envelope) else sent
                (position,) = self._publish([record])
                self.bad[position] = (reason, record)
        self.on.way.office.await_recorded([*self.good, *self.bad])

    def _publish(self, records: list[Record]) -> list[Position]:
        return self.on.send(
            Message(
                r.topic, r.key, r.value, r.headers, r.received_ms, None if r.partition == PARTITION else r.partition
            )
            for r in records
        )

    def entries(self, position: Position) -> list[Entry]:
        """The first entry of a record, and its settlement."""
        record = self.bad.get(position)
        log = small.PROGRAMME if record is None else log_of(replace(record[1], partition=position.partition))
        rows = [decode_entry(stored.entry) for stored in self.on.parts.ledger.read(log)]
        return [row for row in rows if (row.topic, row.partition, row.offset) == astuple(position)]


def astuple(position: Position) -> tuple[str, int, int]:
    return position.topic, position.partition, position.offset


@pytest.fixture(scope="module")
def trial(kafka: TemporaryBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    folder: Path = tmp_path_factory.mktemp("bad")
    with closing(KafkaBus(kafka.bootstrap, "bad-input", PARTITIONS, clock="scenario")) as bus:
        on = stage(bus, f"sqlite:///{folder}/ledger.sqlite")
        trial = Trial(on)
        trial.send([small.announced(), *small.beginnings()], before_the_opening())
        on.progress(OPENS + 1)
        trial.send(small.submissions(), unreadable())
        on.progress(DEADLINES["submissions"] + 1)
        trial.send([], unauthorised())
        trial.send([*small.scores(), small.finding(), small.rebuttal()], among_the_scores())
        on.progress(DEADLINES["scores"] + 1)
        on.progress(DEADLINES["audits"] + 1)
        trial.send([small.ruling()], after_the_deadlines())
        on.progress(OPENS + 22 * DAY)
        trial.send([small.signature(DECISION)], iter(()))
        on.progress(OPENS + 33 * DAY + 1)
        yield trial
        on.recorder.close()


def test_there_are_more_than_forty_kinds_of_bad_input(trial: Trial) -> None:
    assert len(trial.bad) >= 55


def test_each_ends_with_its_reason_after_one_entry_and_at_most_one_settlement(trial: Trial) -> None:
    wrong = []
    for position, (reason, record) in trial.bad.items():
        rows = trial.entries(position)
        last = rows[-1].reason or rows[-1].verdict
        if (
            last != reason
            or len(rows) > 2
            or rows[0].of is not None
            or any(row.of != rows[0].index for row in rows[1:])
        ):
            wrong.append((reason, [(row.verdict, row.reason, row.of) for row in rows], (record.value or b"")[:200]))
    assert wrong == []


def test_everything_good_between_them_is_accepted(trial: Trial) -> None:
    assert {trial.entries(position)[-1].verdict for position in trial.good} == {"accepted"}


def test_the_programme_comes_out_as_without_them(trial: Trial) -> None:
    phase = trial.on.way.state.phases["heat"]
    assert phase.status == "final"
    assert phase.decision is not None
    outcomes = {row["entrant"]: row["outcome"] for row in phase.decision.fact.data["outcomes"]}
    assert outcomes == {"ash": "advanced", "birch": "eliminated", "cedar": "eliminated"}
    assert trial.on.replay().is_identical


def test_every_refused_one_is_among_the_dead_letters_unchanged_and_says_why(trial: Trial) -> None:
    letters: dict[tuple[str, int, int], Record] = {}
    for partition in range(PARTITIONS):
        for letter in trial.on.parts.bus.read(DEAD_LETTERS, partition, 0, 10_000):
            found_in = {name: value.decode() for name, value in letter.headers if name.startswith("__dlq.errors.")}
            origin = (
                found_in["__dlq.errors.topic"],
                int(found_in["__dlq.errors.partition"]),
                int(found_in["__dlq.errors.offset"]),
            )
            assert origin not in letters
            assert found_in["__dlq.errors.group"] == GROUP
            assert found_in["__dlq.errors.message"]
            letters[origin] = letter
    refused = {astuple(position): row for position, row in trial.bad.items() if row[0] != "duplicate"}
    assert letters.keys() == refused.keys()
    for origin, (reason, record) in refused.items():
        letter = letters[origin]
        assert (letter.key, letter.value) == (record.key, record.value)
        assert letter.headers[: len(record.headers)] == record.headers
        assert dict(letter.headers[len(record.headers) :])["phasegate_reason"] == reason.encode()
