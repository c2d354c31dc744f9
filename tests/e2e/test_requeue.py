"""A mark written wrongly, over a real broker: refused, found among the dead letters, corrected, sent again by the command
line, counted, decided from, replayed and explained. One that was late stays late.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from console.main import main
from events.bus import Message
from events.record import Position
from events.values import format_instant
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from tests.support import small
from tests.support.deployment import environment
from tests.support.log import record_of
from tests.support.requeueing import AT, MARK, misshapen
from tests.support.stage import Stage, stage
from tests.support.told import ANN, correction

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).resolve().parents[2]
CUP, DAY = small.PROGRAMME, small.DAY


@contextmanager
def recording(on: Stage) -> Iterator[None]:
    """The recorder works in a thread of its own meanwhile."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            on.recorder.step(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_refused_mark_is_corrected_sent_again_and_decided_from(
    kafka: TemporaryBroker,
    topic_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    for name, setting in environment(tmp_path, url, kafka.bootstrap).items():
        monkeypatch.setenv(name, setting)

    def phasegate(*words: object, expected: int = 0) -> Any:
        capfd.readouterr()
        code = main([*map(str, words), "--json"])
        said = capfd.readouterr()
        assert code == expected, said.out + said.err
        return json.loads(said.out)

    with closing(KafkaBus(kafka.bootstrap, topic_prefix, 4, clock="scenario")) as bus:
        on = stage(bus, url)
        on.tell(small.announced(), *small.beginnings())
        on.progress(small.OPENS + 1)
        on.tell(*small.submissions())
        on.progress(small.DEADLINES["submissions"] + 1)
        index = sent_wrongly(on)
        _the_letter_says_why(kafka, topic_prefix)
        fixed = tmp_path / "fixed.json"
        shown = phasegate("refused", CUP, index, "--out", fixed)["data"]
        assert [row["pointer"] for row in shown["faults"]] == ["/data/value"]
        fixed.write_bytes(fixed.read_bytes().replace(b'"value":90', b'"value":"90"'))
        words = ("requeue", CUP, index, "--value", fixed, "--reason", "a number for a text")
        with recording(on):
            sent = phasegate(*words, "--now", format_instant(AT + DAY))["data"]
        assert (sent["record"]["verdict"], sent["as"]) == ("accepted", MARK.id)
        on.tell(*small.scores()[1:], small.finding(), small.rebuttal())
        on.progress(small.DEADLINES["scores"] + 1)
        _what_is_late_stays_late(on, phasegate)
        on.progress(small.DEADLINES["audits"] + 1)
        on.tell(small.ruling())
        on.progress(small.OPENS + 22 * DAY)
        (heat,) = phasegate("decisions", CUP)["data"]["phases"]
        assert heat["standings"][0]["total"] == "81.7"
        assert phasegate("replay", CUP)["data"]["verdicts"]["different"] == 0
        (told,) = phasegate("explain", CUP, "--record", index)["data"]["sent_again"]
        assert told["entries"] == [sent["said"], sent["record"]["index"]]
        on.publisher.close()
        on.recorder.close()
        on.parts.ledger.close()


def sent_wrongly(on: Stage) -> int:
    """The first mark with its value as a number; the index of its entry."""
    record = misshapen()
    return _sent(on, Message(record.topic, record.key, record.value, record.headers, record.received_ms))


def _sent(on: Stage, message: Message) -> int:
    positions: list[Position] = on.send([message])
    on.way.office.await_recorded(positions)
    found = on.parts.ledger.find(positions[0])
    assert found is not None
    return found[1]


def _the_letter_says_why(kafka: TemporaryBroker, prefix: str) -> None:
    """By the example that needs nothing of phasegate."""
    example = ROOT / "examples" / "dead-letters" / "letters.py"
    command = [sys.executable, str(example), kafka.bootstrap, prefix]
    done = subprocess.run(command, capture_output=True, check=True, timeout=300)
    (letter,) = map(json.loads, done.stdout.splitlines())
    assert (letter["reason"], letter["id"], letter["source"]) == ("schema-invalid", MARK.id, MARK.source)
    assert "value" in letter["why"]


def _what_is_late_stays_late(on: Stage, phasegate: Any) -> None:
    """Not sent unless it is asked for; and then refused again, with the act on record."""
    later = small.DEADLINES["scores"] + 10_000
    record = record_of(correction("late", ANN, later, "score-ash-art-ann", "9"))
    late = _sent(on, Message(record.topic, record.key, record.value, record.headers, later))
    words = ("requeue", CUP, late, "--reason", "please", "--now", format_instant(later + 1000))
    told = phasegate(*words, expected=6)
    assert (told["data"]["sent"], told["data"]["would_be"]["reason"]) == (False, "late")
    with recording(on):
        told = phasegate(*words, "--anyway", expected=6)
    assert (told["data"]["record"]["reason"], told["data"]["said"] is None) == ("late", False)
