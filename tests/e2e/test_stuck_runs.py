"""Runs that hang, fail, or are taken by nobody, under the automations that `serve` has written: what hangs is given up, its
slot and its process go, the programme goes on meanwhile, and somebody is told.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.slots import SLOT_WITHIN_S, slot_name
from infra.clock import now_ms
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.support.deployment import environment
from tests.support.prefect import Prefect, listening, own_prefect, paused
from tests.support.village import Village, children, eventually

STUCK_S = 20
"""More than whoever goes on waits for the slot of a run that hangs: that run is not stuck."""


@dataclass(frozen=True)
class Scene:
    village: Village
    prefect: Prefect
    alerts: list[Any]

    def told(self, run_name: str, state: str) -> bool:
        """Whether an alert said of a run of this name that it is in this state."""
        return any(f"run {run_name} is {state}" in said["text"] for said in self.alerts)

    def name(self, run_id: str) -> str:
        return str(self.prefect.ask(f"/flow_runs/{run_id}")["name"])


@pytest.fixture
def scene(kafka: TemporaryBroker, topic_prefix: str, tmp_path: Path) -> Iterator[Scene]:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    upgrade(url)
    bus = KafkaBus(kafka.bootstrap, topic_prefix, 2, "broker")
    bus.ensure_topics()
    with own_prefect(tmp_path / "prefect") as prefect, listening() as (alert_url, alerts), Ledger.open(url) as ledger:
        more = {
            "PHASEGATE_PREFIX": topic_prefix,
            "PHASEGATE_PARTITIONS": "2",
            "PHASEGATE_PROGRESS_SECONDS": "3600",
            "PHASEGATE_STUCK_SECONDS": str(STUCK_S),
            "PHASEGATE_ALERT_URL": alert_url,
            "PREFECT_API_URL": prefect.api_url,
            "PREFECT_RUNNER_POLL_FREQUENCY": "2",
            "PREFECT_HOME": str(tmp_path / "client"),
        }
        village = Village(tmp_path, environment(tmp_path, url, kafka.bootstrap) | more, bus, ledger)
        try:
            yield Scene(village, prefect, alerts)
        finally:
            village.end()
    bus.close()


@pytest.mark.kafka
@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_of_a_run_that_hangs_fails_or_is_not_taken_somebody_is_told_and_the_programme_goes_on(scene: Scene) -> None:
    village = scene.village
    for command, said in (("record", "recording"), ("serve", "serving")):
        service = village.service(command)
        eventually(lambda command=command, said=said: village.lines(command, said) > 0, service)  # type: ignore[misc]
    run_id, hung = hung_with_its_slot(scene)
    given_up(scene, run_id, hung)
    fails_or_dies(scene)
    nobody_takes(scene)


def hung_with_its_slot(scene: Scene) -> tuple[str, list[int]]:
    """A round stops for ever while it waits for the recorder. It is alone when the deadline passes: `serve`, whose watch would
    be faster, is held back until the round has the programme's slot.
    """
    village, prefect = scene.village, scene.prefect
    recorder, served = village.services["record"], village.services["serve"]
    closes = village.play("hung", 4.0, 30.0)
    eventually(lambda: "score.recorded" in village.accepted("hung"), recorder, served)
    before = children(served.pid)
    run_id = prefect.begin("rounds/all")
    eventually(lambda: set(children(served.pid)) > set(before), recorder, served)
    with paused(served), ExitStack() as stack:
        with stopped([pid for pid in children(served.pid) if pid not in before]):
            assert prefect.state(run_id) != "COMPLETED", "the round ended before it could be stopped"
            assert now_ms() < closes, "the deadline passed before serve could be stopped"
            time.sleep(max(0, closes + 1000 - now_ms()) / 1000)
            stack.enter_context(paused(recorder))
        eventually(lambda: prefect.state(run_id) == "RUNNING", recorder)
        eventually(lambda: prefect.slots_held(slot_name("hung")) == 1, recorder)
        hung = [pid for pid in children(served.pid) if pid not in before]
        for pid in hung:
            os.kill(pid, signal.SIGSTOP)
    return run_id, hung


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def given_up(scene: Scene, run_id: str, hung: list[int]) -> None:
    """The programme is decided without it; the server marks it, `serve` kills its process, an alert was posted, and the next
    round, of which one runs at a time, runs.
    """
    village, prefect = scene.village, scene.prefect
    recorder, served = village.services["record"], village.services["serve"]
    assert SLOT_WITHIN_S < STUCK_S
    eventually(lambda: "programme.concluded" in village.accepted("hung"), recorder, served)
    accepted = village.accepted("hung")
    for name in ("intake.closed", "phase.decided", "decision.finalised"):
        assert accepted.count(name) == 1, (name, accepted)
    assert village.lines("serve", "slot-held") == 1, "the watch went on without the slot"
    eventually(lambda: prefect.state(run_id) == "CRASHED", recorder, served)
    state = prefect.ask(f"/flow_runs/{run_id}")["state"]
    assert state["message"] == f"stuck: it had not ended after {STUCK_S} s"
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in hung), recorder, served)
    assert village.lines("serve", "killing") == 1
    eventually(partial(scene.told, scene.name(run_id), "Crashed"), recorder, served)
    following = prefect.begin("rounds/all")
    eventually(lambda: prefect.state(following) == "COMPLETED", recorder, served)


def fails_or_dies(scene: Scene) -> None:
    """A run that was asked for what cannot be, and one whose process is killed: a line tells each, and an alert."""
    village, prefect = scene.village, scene.prefect
    recorder, served = village.services["record"], village.services["serve"]
    failing = prefect.begin("progress/one", programme="hung", now="yesterday", what="fails")
    eventually(lambda: prefect.state(failing) == "FAILED", recorder, served)
    eventually(lambda: children(served.pid) == [], recorder, served)
    dying = prefect.begin("progress/one", programme="hung", what="dies")
    eventually(lambda: children(served.pid) != [], recorder, served)
    for pid in children(served.pid):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: prefect.state(dying) == "CRASHED", recorder, served)
    for run_id, state in ((failing, "Failed"), (dying, "Crashed")):
        eventually(lambda run_id=run_id: ended_badly(village, run_id), recorder, served)  # type: ignore[misc]
        eventually(partial(scene.told, scene.name(run_id), state), recorder, served)


def ended_badly(village: Village, run_id: str) -> bool:
    lines = village.log("serve").read_text().splitlines()
    return any(run_id in line and '"event": "run-ended-badly"' in line for line in lines)


def nobody_takes(scene: Scene) -> None:
    """Without any `serve`: what waits is late, of which somebody is told, and a round is let go; also the slot of the run that
    hung is free by now, of itself.
    """
    served = scene.village.services["serve"]
    served.send_signal(signal.SIGTERM)
    assert served.wait(timeout=150) == 0, scene.village.log("serve").read_text()
    asked, missed = scene.prefect.begin("progress/one", programme="hung"), scene.prefect.begin("rounds/all")
    for run_id in (asked, missed):
        eventually(partial(scene.told, scene.name(run_id), "Late"), scene.prefect.process)
    eventually(lambda: scene.prefect.state(missed) == "CANCELLED", scene.prefect.process)
    assert scene.prefect.state(asked) == "SCHEDULED", "whoever serves next takes it"
    eventually(lambda: scene.prefect.slots_held(slot_name("hung")) == 0, scene.prefect.process)
