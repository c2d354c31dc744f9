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

from events.derived import attestor_source
from events.values import format_instant
from flows.prefect_server import PrefectServer
from infra.clock import now_ms
from infra.kafka.broker import TemporaryBroker
from infra.ledger.database import upgrade
from tests.support.deployment import environment

ROOT = Path(__file__).resolve().parents[2]

NAMES = ("first", "later")
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
run = asyncio.run(arun_deployment("attest-all/nightly", timeout=120, poll_interval=0.5))
print(json.dumps([run.state.name, run.deployment_id and str(run.deployment_id)]))
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
    """The parts as processes of their own, and what their environment is."""

    folder: Path
    environment: dict[str, str]

    def phasegate(self, *words: str) -> Any:
        return json.loads(self.python("-m", "console", *words, "--json"))["data"]

    def python(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.environment, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def service(self, *words: str) -> subprocess.Popen[str]:
        log = (self.folder / f"{words[0]}.log").open("w")
        command = [sys.executable, "-m", "console", *words]
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, text=True)

    def announce(self, programme: str, *, opens_in_s: float, closes_in_s: float) -> None:
        at = [format_instant(now_ms() + int(seconds * 1000)) for seconds in (opens_in_s, closes_in_s)]
        path = self.folder / f"{programme}.yaml"
        path.write_text(RULES.format(programme=programme, opens=at[0], closes=at[1]))
        self.phasegate("announce", str(path))
        self.tell(
            programme,
            ("urn:village:office", "evaluator.appointed", {"evaluator": "ann", "panel": "jury"}),
            *(
                ("urn:village:office", "entrant.registered", {"entrant": team, "name": team, "members": []})
                for team in ("ash", "birch")
            ),
        )

    def mark(self, programme: str) -> None:
        slot = {"phase": "tasting", "criterion": "taste", "item": "cake", "evaluator": "ann"}
        self.tell(
            programme,
            *(
                ("urn:village:jury", "score.recorded", {**slot, "entrant": team, "value": value})
                for team, value in (("ash", "12"), ("birch", "15"))
            ),
        )

    def tell(self, programme: str, *told: tuple[str, str, dict[str, Any]]) -> None:
        lines = [
            json.dumps(
                {
                    "specversion": "1.0",
                    "id": f"{name}-{number}",
                    "source": source,
                    "type": f"phasegate.{name}.v1",
                    "subject": programme,
                    "time": format_instant(now_ms()),
                    "data": data,
                }
            )
            for number, (source, name, data) in enumerate(told)
        ]
        path = self.folder / f"{programme}.ndjson"
        path.write_text("\n".join(lines))
        self.phasegate("publish", str(path), "--wait", "--key", self.environment["PHASEGATE_OFFICE_KEY"])

    def phase(self, programme: str) -> Any:
        return self.phasegate("status", programme)["phases"][0]


@pytest.fixture
def village(kafka: TemporaryBroker, topic_prefix: str, tmp_path: Path) -> Iterator[Village]:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    upgrade(url)
    more = {"PHASEGATE_PREFIX": topic_prefix, "PHASEGATE_PARTITIONS": "2", "PHASEGATE_PROGRESS_SECONDS": "5"}
    with PrefectServer() as prefect:
        prefect.ready()
        reached = {"PREFECT_API_URL": prefect.api_url, "PREFECT_HOME": str(tmp_path / "prefect")}
        yield Village(tmp_path, environment(tmp_path, url, kafka.bootstrap) | more | reached)


def eventually(is_so: Callable[[], bool], *watched: subprocess.Popen[str], within_s: float = 200.0) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert all(one.poll() is None for one in watched), "a service ended"
        assert time.monotonic() < deadline
        time.sleep(0.3)


def is_at(village: Village, programme: str, status: str) -> bool:
    return bool(village.phase(programme)["status"] == status)


def children(pid: int) -> list[int]:
    """The processes that this one has started, and theirs."""
    own = [int(text) for path in Path(f"/proc/{pid}/task").glob("*/children") for text in path.read_text().split()]
    return own + [grandchild for child in own for grandchild in children(child)]


@pytest.mark.kafka
@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(700)
def test_what_is_due_is_done_by_itself_and_decisions_are_attested_until_it_is_stopped(village: Village) -> None:
    recorder = village.service("record")
    served = None
    try:
        eventually(lambda: "recording" in (village.folder / "record.log").read_text(), recorder)
        served = village.service("serve")
        eventually(lambda: "serving" in (village.folder / "serve.log").read_text(), recorder, served)
        for name in NAMES:  # Both are announced while the service runs.
            village.announce(name, opens_in_s=45, closes_in_s=110)
        for status in ("open", "final"):
            for name in NAMES:
                eventually(partial(is_at, village, name, status), recorder, served)
                if status == "open":
                    village.mark(name)
        assert json.loads(village.python("-c", ATTEST))[0] == "Completed"
        for name in NAMES:
            (said,) = village.phase(name)["attested"]
            assert (said["source"], said["result"]) == (attestor_source(name), "identical")
        started = children(served.pid)
        served.send_signal(signal.SIGTERM)
        assert served.wait(timeout=100) == 0, (village.folder / "serve.log").read_text()
        assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
        states, deployments = json.loads(village.python("-c", LEFT))
        assert set(states) <= {"COMPLETED", "CANCELLED", "SCHEDULED"}
        assert deployments == [["all", True], ["nightly", True], ["one", True], ["one", True]]
    finally:
        for one in (recorder, served):
            if one is not None:
                one.kill()
                one.wait()
