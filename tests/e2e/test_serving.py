"""`serve` beside `record`: due work is done by itself, also of a programme that is announced later; a run of the nightly
attestation is recorded; and on SIGTERM nothing is left behind, neither a process nor a run that never ends.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from events.derived import attestor_source
from events.envelope import Envelope
from events.names import TYPES
from events.rulebook import digest
from events.values import format_instant
from flows.office import message
from flows.prefect_server import PrefectServer
from flows.reader import Reader
from flows.sending import uuid7
from handlers.views import attestations_view
from infra.clock import now_ms
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.support.deployment import environment
from tests.support.stage import OFFICE_KEY

ROOT = Path(__file__).resolve().parents[2]

NAMES = ("first", "later")
OFFICE = "urn:village:office"
RULES = """
programme: {programme}
version: "1"
sources:
  - {{source: "urn:village:office", role: office, types: ["*"], signs: true}}
  - {{source: "urn:village:jury", panel: jury, types: [score.recorded]}}
phases:
  - id: tasting
    opens: {opens}
    windows: {{scores: {closes}}}
    criteria:
      - id: taste
        points: 20
        panel: jury
        items: {{cake: [0, 20]}}
        steps: [{{over: items, by: sum}}, {{over: evaluators, by: mean}}, {{round: {{places: 1, mode: half-up}}}}]
    advance: {{places: 1}}
"""

ATTEST = """
import asyncio, json
from prefect.deployments import arun_deployment
run = asyncio.run(arun_deployment("attest-all/nightly", timeout=300, poll_interval=0.5))
print(json.dumps(run.state.name))
"""

LEFT = """
import asyncio, json
from prefect import get_client

async def left():
    async with get_client() as client:
        runs = await client.read_flow_runs()
        deployments = await client.read_deployments()
    return sorted({run.state.type.value for run in runs}), sorted((one.name, one.paused) for one in deployments)

print(json.dumps(asyncio.run(left())))
"""


@dataclass
class Village:
    """The services as processes of their own; what people say goes straight onto the bus."""

    folder: Path
    environment: dict[str, str]
    bus: KafkaBus
    ledger: Ledger

    def python(self, code: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=self.environment, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def service(self, name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "console", name]
        with self.log(name).open("wb") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def play(self, programme: str) -> None:
        """Announces it, with two teams, and gives both a mark as soon as its phase has opened."""
        opens, closes = (format_instant(now_ms() + ms) for ms in (8_000, 16_000))
        document = yaml.load(RULES.format(programme=programme, opens=opens, closes=closes), yaml.BaseLoader)
        announced = {"rulebook": document, "digest": digest(document), "clock": "broker"}
        self.tell(programme, OFFICE, "programme.announced", announced)
        self.tell(programme, OFFICE, "evaluator.appointed", {"evaluator": "ann", "panel": "jury"})
        for team in ("ash", "birch"):
            self.tell(programme, OFFICE, "entrant.registered", {"entrant": team, "name": team, "members": []})
        time.sleep(9)
        slot = {"phase": "tasting", "criterion": "taste", "item": "cake", "evaluator": "ann"}
        for team, value in (("ash", "12"), ("birch", "15")):
            self.tell(programme, "urn:village:jury", "score.recorded", {**slot, "entrant": team, "value": value})

    def tell(self, programme: str, source: str, name: str, data: dict[str, Any]) -> None:
        said = Envelope(uuid7(now_ms()), source, f"phasegate.{name}.v1", programme, format_instant(now_ms()), data)
        publisher = self.bus.publisher()
        publisher.publish([message(TYPES[said.type].topics[0], said, OFFICE_KEY, None)])
        publisher.close()

    def is_final(self, programme: str) -> bool:
        return (
            self.ledger.head(programme) is not None
            and Reader(self.ledger).state(programme).status("tasting") == "final"
        )

    def attestations(self, programme: str) -> list[tuple[str, str]]:
        phase = Reader(self.ledger).state(programme).phases["tasting"]
        found = [row for decision in phase.decisions.values() for row in attestations_view(decision)]
        return [(row["source"], row["result"]) for row in found]


@pytest.fixture
def village(kafka: TemporaryBroker, topic_prefix: str, tmp_path: Path) -> Iterator[Village]:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    upgrade(url)
    bus = KafkaBus(kafka.bootstrap, topic_prefix, 2, "broker")
    bus.ensure_topics()
    more = {"PHASEGATE_PREFIX": topic_prefix, "PHASEGATE_PARTITIONS": "2", "PHASEGATE_PROGRESS_SECONDS": "5"}
    with PrefectServer() as prefect, Ledger.open(url) as ledger:
        prefect.ready()
        reached = {"PREFECT_API_URL": prefect.api_url, "PREFECT_HOME": str(tmp_path / "prefect")}
        yield Village(tmp_path, environment(tmp_path, url, kafka.bootstrap) | more | reached, bus, ledger)
    bus.close()


def eventually(is_so: Callable[[], bool], *watched: subprocess.Popen[bytes], within_s: float = 200.0) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert all(one.poll() is None for one in watched), "a service ended"
        assert time.monotonic() < deadline
        time.sleep(0.3)


def children(pid: int) -> list[int]:
    """The processes that this one has started, and theirs."""
    own = [int(text) for path in Path(f"/proc/{pid}/task").glob("*/children") for text in path.read_text().split()]
    return own + [grandchild for child in own for grandchild in children(child)]


@pytest.mark.kafka
@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(700)
def test_what_is_due_is_done_by_itself_and_decisions_are_attested_until_it_is_stopped(village: Village) -> None:
    recorder, served = village.service("record"), None
    try:
        eventually(lambda: "recording" in village.log("record").read_text(), recorder)
        served = village.service("serve")
        eventually(lambda: "serving" in village.log("serve").read_text(), recorder, served)
        for name in NAMES:  # Both are announced while the service runs.
            village.play(name)
        for name in NAMES:
            eventually(partial(village.is_final, name), recorder, served)
        assert village.python(ATTEST) == "Completed"
        assert [village.attestations(name) for name in NAMES] == [
            [(attestor_source(name), "identical")] for name in NAMES
        ]
        started = children(served.pid)
        served.send_signal(signal.SIGTERM)
        assert served.wait(timeout=150) == 0, village.log("serve").read_text()
        assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
        states, deployments = village.python(LEFT)
        assert set(states) <= {"COMPLETED", "CANCELLED", "SCHEDULED"}
        assert deployments == [["all", True], ["nightly", True], ["one", True], ["one", True]]
    finally:
        for one in (recorder, served):
            if one is not None:
                one.kill()
                one.wait()
