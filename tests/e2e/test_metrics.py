"""`metrics` as a process beside `record`: a recorder that hangs shows, a broker that is away shows within ten seconds and
comes back by itself, in the metrics and in `status --check`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from events.bus import Message
from events.envelope import CONTENT_TYPE_HEADER
from infra.kafka.broker import TemporaryBroker, temporary_broker
from infra.kafka.bus import KafkaBus
from infra.ledger.database import upgrade
from tests.conftest import required
from tests.support.deployment import environment
from tests.support.speaking import Lines

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
SHOWS_WITHIN_S = 60.0
"""Ten seconds are promised, and two to seven are needed (tests/flows/test_bounded.py, test_metrics.py hold the bounds inside).
On a busy machine a process alone takes longer to start, so the times are noted and only nonsense fails.
"""


@pytest.fixture
def broker() -> Iterator[TemporaryBroker]:
    """A broker of this test's own: it is killed."""
    with ExitStack() as stack:
        yield required("Kafka", lambda: stack.enter_context(temporary_broker()))


@dataclass
class Processes:
    """Processes of phasegate with one environment; each tells its address on standard error."""

    environment: dict[str, str]
    stack: ExitStack = field(default_factory=ExitStack)

    def begin(self, *words: str) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "console", *words]
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process, Lines(process, process.stderr).wait_for(r"metrics at (\S+)/metrics")[1]

    def once(self, *words: str) -> tuple[int, str, float]:
        """Exit code, output and seconds of a command."""
        began = time.monotonic()
        command = [sys.executable, "-m", "console", *words]
        run = subprocess.run(command, cwd=ROOT, env=self.environment, text=True, capture_output=True, check=False)
        return run.returncode, run.stdout, time.monotonic() - began


def scrape(url: str) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels; a scrape waits for nothing."""
    began = time.monotonic()
    with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    assert time.monotonic() - began < 5
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def eventually(is_so: Callable[[], bool], within_s: float = 90.0) -> float:
    """How long it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < within_s
        time.sleep(0.2)
    return time.monotonic() - began


def test_a_hanging_recorder_and_a_dead_broker_show_and_heal(
    broker: TemporaryBroker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    upgrade(url)
    bus = KafkaBus(broker.bootstrap, partitions=2)
    bus.ensure_topics()
    publisher = bus.publisher()
    on = Processes(environment(tmp_path, url, broker.bootstrap) | {"PHASEGATE_PARTITIONS": "2"})

    def publish(count: int) -> None:
        publisher.publish([Message("scores", b"cup", b"no JSON", (CONTENT_TYPE_HEADER,), partition=0)] * count)

    with on.stack:
        recorder, times = on.begin("record", "--metrics", "127.0.0.1:0")
        exporter, seen = on.begin("metrics", "--listen", "127.0.0.1:0")
        publish(5)
        eventually(lambda: scrape(seen).get(("phasegate_refused_total", "not-json")) == 5)
        eventually(lambda: scrape(seen).get(("phasegate_up", "broker")) == 1)
        assert scrape(times)["phasegate_record_seconds_count",] == 5

        recorder.send_signal(signal.SIGSTOP)
        publish(7)
        eventually(lambda: scrape(seen)["phasegate_lag_records", "0", "scores"] == 7)
        eventually(lambda: scrape(seen)["phasegate_lag_seconds", "0", "scores"] > 1)
        recorder.send_signal(signal.SIGCONT)
        eventually(lambda: scrape(seen)["phasegate_lag_records", "0", "scores"] == 0)

        broker.kill()
        took = eventually(lambda: scrape(seen)["phasegate_up", "broker"] == 0)
        record_property("seconds until a dead broker shows", round(took, 1))
        assert took < SHOWS_WITHIN_S
        assert scrape(seen)["phasegate_up", "database"] == 1
        assert scrape(seen)["phasegate_log_size", "cup"] == 12, "the last known value stays"
        with urllib.request.urlopen(f"{seen}/healthz", timeout=5) as answer:
            assert answer.status == 200, "a broker that is away is no reason to restart the exporter"
        code, shown, seconds = on.once("status", "--check")
        record_property("seconds of status --check", round(seconds, 1))
        assert (code, seconds < SHOWS_WITHIN_S) == (10, True), shown
        assert "kafka-unreachable" in shown

        broker.restart()
        eventually(lambda: scrape(seen)["phasegate_up", "broker"] == 1)
        publish(3)
        eventually(lambda: scrape(seen).get(("phasegate_refused_total", "not-json")) == 15)
        for process in (recorder, exporter):
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
    publisher.close()
    bus.close()


def test_nothing_but_metrics_and_health_is_served(tmp_path: Path) -> None:
    """And without ledger or broker the exporter stands, and says that they are away."""
    on = Processes(environment(tmp_path, f"sqlite:///{tmp_path}/none.sqlite", "127.0.0.1:1"))
    with on.stack:
        _, url = on.begin("metrics", "--listen", "127.0.0.1:0")
        assert {scrape(url)["phasegate_up", part] for part in ("database", "states", "broker")} == {0}
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}/", timeout=5)
