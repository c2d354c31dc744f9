"""`record` and `progress`: the recorder ends cleanly and outlives its surroundings; what is due is done by the flow."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from events.envelope import Envelope
from events.errors import Tampered, Unavailable
from events.values import parse_instant
from flows import service
from flows.office import message
from flows.play import recording
from flows.recorder import Recorder
from flows.service import Service
from flows.wiring import Parts, open_parts
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.console.conftest import Phasegate
from tests.support import small
from tests.support.deployment import environment
from tests.support.stage import OFFICE_KEY, Stage, memory_stage

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def settings(
    tmp_path: Path,
    phasegate: Phasegate,
    monkeypatch: pytest.MonkeyPatch,
    kafka: TemporaryBroker,
    topic_prefix: str,
) -> dict[str, str]:
    """An empty ledger, and topics in scenario time that are not made yet."""
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    more = {"PHASEGATE_PREFIX": topic_prefix, "PHASEGATE_PARTITIONS": "4"}
    found = environment(tmp_path, url, kafka.bootstrap) | more
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    upgrade(url)
    with Ledger.open(url) as ledger:
        ledger.bind(topic_prefix, 4, "scenario")
    return found


def tell(settings: dict[str, str], *told: Envelope) -> None:
    """Publishes events over the bus of these settings."""
    bus = KafkaBus(settings["PHASEGATE_KAFKA"], settings["PHASEGATE_PREFIX"], 4, "scenario")
    bus.ensure_topics()
    publisher = bus.publisher()
    signed = (small.OFFICE, "urn:director")
    publisher.publish(
        [
            message(small.topic_of(said), said, OFFICE_KEY if said.source in signed else None, parse_instant(said.time))
            for said in told
        ]
    )
    publisher.close()
    bus.close()


# --- record -----------------------------------------------------------------------------------------------------------


@pytest.mark.kafka
def test_once_records_what_is_there_makes_topics_and_signs(phasegate: Phasegate, settings: dict[str, str]) -> None:
    answer = phasegate("record", "--once", "--json")
    assert (answer.code, answer.data["records"]) == (0, 0), answer.err
    tell(settings, small.announced(), *small.beginnings())
    lagging = phasegate("status", "--check", "--json")
    assert (lagging.code, lagging.data["recorder"]["behind"]) == (10, 7)
    answer = phasegate("record", "--once", "--json")
    assert (answer.code, answer.data["records"]) == (0, 7), answer.err
    told = phasegate("status", "small-cup", "--json").data
    assert (told["checkpoint"]["behind"], told["verdicts"]["accepted"]) == (0, 7)
    assert told["recorder"] == {
        "reachable": True,
        "problem": None,
        "behind": 0,
        "seconds": None,
        "erasures": [],
    }


@pytest.mark.kafka
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_with_everything_recorded_and_signed(
    settings: dict[str, str], phasegate: Phasegate, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "console", "record", "--json"]
    running = subprocess.Popen(
        command, cwd=ROOT, env=settings, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        tell(settings, small.announced(), *small.beginnings())
        with Ledger.open(settings["PHASEGATE_DATABASE"]) as ledger:
            eventually(lambda: sum(ledger.positions([("decisions", n) for n in range(4)]).values()) == 4)
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 0, err
    assert json.loads(out)["data"]["records"] >= 4
    assert [json.loads(line)["event"] for line in err.splitlines() if line.startswith("{")][-1] == "stopped"
    told = phasegate("status", "small-cup", "--json").data
    assert told["checkpoint"]["behind"] == 0


def eventually(is_so: Callable[[], bool], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Parts over the bus in memory, with events that nobody has recorded; pauses are short."""
    monkeypatch.setattr(service, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(service, "POLL_S", 0.01)
    made = memory_stage(tmp_path)
    made.send(made.message(said) for said in (small.announced(), *small.beginnings()))
    yield made
    made.parts.ledger.close()


def test_a_database_or_broker_that_goes_away_is_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails in the middle of a batch, and twice when it is opened again; afterwards everything is recorded once."""
    stop, opened, failing = threading.Event(), list[str](), Failing(Unavailable("the broker is away"))
    monkeypatch.setattr(Recorder, "step", failing.wrap(Recorder.step))

    def open_again() -> Parts:
        opened.append("")
        if len(opened) in (2, 3):
            raise Unavailable("the database is away")
        return stage.parts

    serving = Service(open_again, stop, _pause_s=0.01)
    thread = threading.Thread(target=serving.run)
    thread.start()
    eventually(lambda: serving.records == 7)
    stop.set()
    thread.join(10)
    head = stage.parts.ledger.head("small-cup")
    assert len(opened) == 4
    assert head is not None
    assert [row.size for row in stage.parts.ledger.checkpoints("small-cup")][-1] == head.size


def test_a_lag_that_cannot_be_told_interrupts_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The consumer finds a broker again by itself; a new one waits 45 s for the group to give up the one before."""
    stop, asked, opened = threading.Event(), list[str](), list[str]()

    def away() -> NoReturn:
        asked.append("")
        if len(asked) == 3:
            stop.set()
        raise Unavailable("the broker is away")

    def open_it() -> Parts:
        opened.append("")
        return stage.parts

    monkeypatch.setattr(service, "LINE_EVERY_S", 0)
    monkeypatch.setattr(stage.parts.bus, "ends", away, raising=False)
    monkeypatch.setattr(Recorder, "step", lambda _recorder, _timeout_s: 0)
    Service(open_it, stop, _pause_s=0.01).run()
    assert (len(opened), len(asked)) == (1, 3)


def test_a_tampered_ledger_ends_the_service(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorder, "step", Failing(Tampered("it contradicts itself")).wrap(Recorder.step))
    with pytest.raises(Tampered):
        Service(lambda: stage.parts, threading.Event()).run()


def test_what_cannot_be_opened_at_first_is_told_at_once() -> None:
    def nothing_there() -> Parts:
        raise Unavailable("no tables")

    with pytest.raises(Unavailable):
        Service(nothing_there, threading.Event()).run()


def test_a_stop_ends_the_waiting_for_what_is_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    monkeypatch.setattr(Recorder, "step", Failing(Unavailable("away"), then=stop.set).wrap(Recorder.step))
    serving = Service(lambda: stage.parts, stop, _pause_s=600)
    serving.run()
    assert serving.records == 0


class Failing:
    """Fails at its first call, and then does what the wrapped one does."""

    def __init__(self, error: Exception, then: Callable[[], None] = lambda: None) -> None:
        self._error: Exception | None = error
        self._then = then

    def wrap(self, real: Callable[[Recorder, float], int]) -> Callable[[Recorder, float], int]:
        def step(recorder: Recorder, timeout_s: float) -> int:
            error, self._error = self._error, None
            if error is not None:
                self._then()
                raise error
            return real(recorder, timeout_s)

        return step


# --- progress ---------------------------------------------------------------------------------------------------------


@pytest.mark.kafka
@pytest.mark.prefect
@pytest.mark.slow
def test_what_is_due_is_done_by_the_flow_and_told(phasegate: Phasegate, settings: dict[str, str]) -> None:
    parts = open_parts(make_topics=True)
    with recording(parts):
        tell(settings, small.announced(), *small.beginnings())
        eventually(lambda: (head := parts.ledger.head("small-cup")) is not None and head.size >= 7)
        assert phasegate("progress", "small-cup").code == 2
        assert phasegate("progress", "big-cup", "--now", "2030-01-01T00:00:00Z").code == 5
        first = in_a_process(settings, "progress", "small-cup", "--now", "2030-01-01T00:00:00.001Z", "--json")
    parts.close()
    assert first["schema"] == "phasegate/progress/v1"
    assert first["data"]["done"] == ["heat / mark registration (2030-01-01T00:00:00.000Z)", "heat / open"]
    assert first["data"]["due_next"] == "2030-01-11T00:00:00.001Z"
    told = phasegate("status", "small-cup", "--json").data
    assert (told["due"], told["phases"][0]["status"]) == (None, "open")


def in_a_process(settings: dict[str, str], *words: str) -> dict[str, Any]:
    """The document of a command. Prefect keeps the address of its first server for as long as a process lives."""
    command = [sys.executable, "-m", "console", *words]
    run = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    document: dict[str, Any] = json.loads(run.stdout)
    return document
