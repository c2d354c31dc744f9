"""`serve` beside `record`: due work is done by itself, also of a programme that is announced later; of one that is held it
is shown who owes what; a run of the nightly attestation is recorded, what is final is published; and on SIGTERM nothing is
left behind, neither a process nor a run that never ends.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from events.derived import attestor_source
from flows.audit_report import Trust
from flows.auditing import Audit
from flows.prefect_server import PrefectServer
from infra.bundle.reading import open_bundle
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.support.deployment import environment
from tests.support.stage import LOG_KEY, ORIGIN
from tests.support.village import OFFICE, Village, children, eventually

NAMES = ("first", "later")
HELD = "waiting"

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
        artifacts = await client.read_artifacts()
    states = sorted({run.state.type.value for run in runs})
    names = sorted({run.name for run in runs if run.name.endswith("publish")})
    keys = sorted({one.key for one in artifacts})
    oldest = sorted(artifacts, key=lambda one: one.created)
    held = [[one.key, one.description, json.loads(one.data)] for one in oldest if one.key.startswith("held-")]
    return states, sorted((one.name, one.paused) for one in deployments), names, keys, held

print(json.dumps(asyncio.run(left())))
"""


@pytest.fixture
def village(kafka: TemporaryBroker, topic_prefix: str, tmp_path: Path) -> Iterator[Village]:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    upgrade(url)
    bus = KafkaBus(kafka.bootstrap, topic_prefix, 2, "broker")
    bus.ensure_topics()
    more = {
        "PHASEGATE_PREFIX": topic_prefix,
        "PHASEGATE_PARTITIONS": "2",
        "PHASEGATE_PROGRESS_SECONDS": "15",
        "PHASEGATE_PUBLISH_DIR": str(tmp_path / "public"),
    }
    with PrefectServer() as prefect, Ledger.open(url) as ledger:
        prefect.ready()
        reached = {"PREFECT_API_URL": prefect.api_url, "PREFECT_HOME": str(tmp_path / "prefect")}
        made = Village(tmp_path, environment(tmp_path, url, kafka.bootstrap) | more | reached, bus, ledger)
        try:
            yield made
        finally:
            made.end()
    bus.close()


@pytest.mark.kafka
@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(700)
def test_what_is_due_is_done_by_itself_attested_and_published_until_it_is_stopped(village: Village) -> None:
    recorder = village.service("record")
    eventually(lambda: village.lines("record", "recording") > 0, recorder)
    served = village.service("serve")
    eventually(lambda: village.lines("serve", "serving") > 0, recorder, served)
    for name in NAMES:  # Both are announced while the service runs.
        village.play(name)
    village.play(HELD, panel=("ann", "bob"))
    eventually(lambda: "phase.held" in village.accepted(HELD), recorder, served)
    village.tell(HELD, OFFICE, "mark.waived", {"phase": "tasting", "evaluator": "bob", "reason": "bob is ill"})
    for name in (*NAMES, HELD):
        eventually(partial(village.is_final, name), recorder, served)
        eventually(lambda name=name: len(bundles(village, name)) == 1, recorder, served)  # type: ignore[misc]
    assert village.python(ATTEST) == "Completed"
    assert [village.attestations(name) for name in NAMES] == [[(attestor_source(name), "identical")] for name in NAMES]
    started = children(served.pid)
    served.send_signal(signal.SIGTERM)
    assert served.wait(timeout=150) == 0, village.log("serve").read_text()
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
    states, deployments, published, artifacts, held = village.python(LEFT)
    assert set(states) <= {"COMPLETED", "CANCELLED", "SCHEDULED"}
    others = [["nightly", False], ["one", False], ["one", False], ["one", False]]
    assert deployments == [["all", False], *others], "the schedules are left to whoever else serves"
    assert published == [f"{name} / publish" for name in (*NAMES, HELD)]
    assert {f"{what}-{name}-tasting" for name in NAMES for what in ("decision", "standings", "published")} <= {
        *artifacts
    }
    owed = [{"who": "bob", "owes": "mark-missing", "what": f"{team}/taste/cake"} for team in ("ash", "birch")]
    assert held[0] == [f"held-{HELD}-tasting", f"What {HELD} / tasting is held for", owed]
    assert held[-1] == [f"held-{HELD}-tasting", f"{HELD} / tasting: nothing is owed", []]
    for name in NAMES:
        verified(bundles(village, name)[0], name)


def bundles(village: Village, programme: str) -> list[Path]:
    return sorted((village.folder / "public" / programme).glob("*.zip"))


def verified(bundle: Path, programme: str) -> None:
    """By somebody who has the bundle and the log's key alone. No mark is in it."""
    with open_bundle(bundle) as files:
        Audit(files, Trust(LOG_KEY.named(f"{ORIGIN}/{programme}").verifier)).run()
        shown = files.read("openings.ndjson", 1_000_000)
    assert b"figures.published" in shown
    assert b"phasegate.score.recorded.v1" not in shown
