"""An hour at a steady rate over the real parts: are memory and handles flat, and is the recorder never far behind?

`python -m tests.endurance.soak --minutes 60 --rate 500`. Kafka, PostgreSQL, a Prefect server, `phasegate record` and
`phasegate serve` run as processes of their own; this one sends, and looks from outside.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

from flows.prefect_server import PrefectServer
from flows.reader import Reader
from flows.reading import has_concluded
from infra.clock import now_ms
from infra.kafka.broker import temporary_broker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from infra.services.plan import MALLOC
from tests.endurance.load import Load
from tests.endurance.postgres import temporary_postgres
from tests.endurance.processes import (
    children,
    cpu_seconds,
    disk_bytes,
    handles,
    proportional_bytes,
    resident_bytes,
    service,
)
from tests.endurance.samples import MB, Lags, Minute, slopes
from tests.support.deployment import environment

PREFIX, PARTITIONS = "soak", 12
LOOK_EVERY_S = 1.0
LOOK_CLOSER_EVERY = 10
"""Looks at the lag for each at memory and handles."""
WARM_S = 75
"""Until programmes are open and marked at the full rate. Not counted."""
LAG_AIM_S = 2.0
ROUNDS_EVERY_S = 20
BROKER_HEAP = "-Xms512m -XX:+AlwaysPreTouch"
"""All of the heap from the start, so that what grows is not the heap on its way to the size that it may have."""

Amount = TypeVar("Amount", int, float)


@dataclass(slots=True)
class World:
    """What runs. `watched` are the processes of each part: a function, for they come and go."""

    bus: KafkaBus
    ledger: Ledger
    pids: Mapping[str, list[int]]
    postgres_pids: list[int]
    folders: Mapping[str, Path]
    lags: Lags = field(default_factory=Lags)
    _cpu: dict[str, float] = field(default_factory=dict)

    def lag_s(self) -> float:
        """How long the record that waits longest has waited: of those that were there, and not recorded a moment later."""
        ends = self.bus.ends()
        positions, now = self.ledger.positions(ends), now_ms()
        first = [
            self.bus.read(*place, positions[place], positions[place] + 1)
            for place in ends
            if positions[place] < ends[place]
        ]
        return max((now - one[0].received_ms for one in first if one), default=0) / 1000

    def memory(self) -> dict[str, float]:
        own = {name: sum(map(resident_bytes, pids)) / MB for name, pids in self.pids.items()}
        return own | {"postgres": sum(map(proportional_bytes, self.postgres())) / MB}

    def handles(self) -> dict[str, int]:
        own = {name: sum(map(handles, pids)) for name, pids in self.pids.items()}
        return own | {"postgres": sum(map(handles, self.postgres()))}

    def postgres(self) -> list[int]:
        return [self.postgres_pids[0], *children(self.postgres_pids[0])]

    def cpu(self) -> dict[str, float]:
        """Processor seconds since the last call."""
        now = {name: sum(map(cpu_seconds, pids)) for name, pids in self.pids.items()}
        now["postgres"] = sum(map(cpu_seconds, self.postgres()))
        spent = {name: value - self._cpu.get(name, value) for name, value in now.items()}
        self._cpu = now
        return spent

    def disk(self) -> dict[str, float]:
        return {name: disk_bytes(folder) / MB for name, folder in self.folders.items()}


@contextmanager
def world(folder: Path) -> Iterator[World]:
    with ExitStack() as stack:
        prefect = stack.enter_context(PrefectServer())
        postgres = stack.enter_context(temporary_postgres())
        os.environ["KAFKA_HEAP_OPTS"] = BROKER_HEAP
        broker = stack.enter_context(temporary_broker())
        upgrade(postgres.url)
        bus = KafkaBus(broker.bootstrap, PREFIX, PARTITIONS, "broker")
        stack.callback(bus.close)
        bus.ensure_topics()
        ledger = stack.enter_context(Ledger.open(postgres.url))
        ledger.bind(PREFIX, PARTITIONS, "broker")
        prefect.ready()
        own = (
            MALLOC
            | environment(folder, postgres.url, broker.bootstrap)
            | {
                "PHASEGATE_PREFIX": PREFIX,
                "PHASEGATE_PROGRESS_SECONDS": str(ROUNDS_EVERY_S),
                "PREFECT_API_URL": prefect.api_url,
                "PREFECT_HOME": str(folder / "prefect"),
            }
        )
        record = stack.enter_context(service("record", own, folder / "record.log"))
        serve = stack.enter_context(service("serve", own, folder / "serve.log", patience_s=90))
        pids = {"record": [record.pid], "serve": [serve.pid], "broker": [broker.running.pid]}
        yield World(bus, ledger, pids, postgres.pids(), {"kafka": broker.home, "ledger": postgres.data})


def watch(on: World, load: Load, number: int, until: float) -> Minute:
    """One minute, looked at all the time."""
    before, began = load.acknowledged, time.monotonic()
    lags, memory, open_handles = list[float](), list[dict[str, float]](), list[dict[str, int]]()
    while (left := until - time.monotonic()) > 0:
        if len(lags) % LOOK_CLOSER_EVERY == 0:
            memory.append(on.memory())
            open_handles.append(on.handles())
        time.sleep(min(LOOK_EVERY_S, left))
        lags.append(on.lag_s())
    on.lags.seconds += lags
    rate = (load.acknowledged - before) / (time.monotonic() - began)
    spent = {name: seconds / (time.monotonic() - began) for name, seconds in on.cpu().items()}
    concluded = sum(has_concluded(on.ledger, cup.name) for cup in load.cups)
    return Minute(
        number, rate, lags, least(memory), least(open_handles), on.disk(), spent, concluded, os.getloadavg()[0]
    )


def least(looks: list[dict[str, Amount]]) -> dict[str, Amount]:
    """Of each part the least of several looks: connections come and go, and what leaks stays."""
    return {name: min(one[name] for one in looks) for name in looks[0]}


def play(minutes: int, rate: int, out: Path, keep: Path | None) -> bool:
    with tempfile.TemporaryDirectory(prefix="phasegate-soak-") as name, world(keep or Path(name)) as on:
        load, rows = Load(on.bus, rate), list[Minute]()
        load.start()
        time.sleep(WARM_S)
        began = time.monotonic()
        on.cpu()
        for number in range(1, minutes + 1):
            rows.append(watch(on, load, number, began + number * 60))
            say(rows[-1].line())
            out.write_text(json.dumps([asdict(row) for row in rows]))
        load.stop.set()
        load.join(60)
        return told(on, load, rows)


def told(on: World, load: Load, rows: list[Minute]) -> bool:
    """The verdicts, a line each; whether all of them are good."""
    found = slopes(rows)
    for one in found:
        say(one.line())
    median_s, most_s = on.lags.at(0.5), max(on.lags.seconds)
    share = sum(one > LAG_AIM_S for one in on.lags.seconds) / len(on.lags.seconds)
    met = "met" if most_s <= LAG_AIM_S else "MISSED"
    say(f"{met}: lag under {LAG_AIM_S:g} s: median {median_s:.2f}, 99 % {on.lags.at(0.99):.2f}, most {most_s:.2f} s")
    say(f"lag above that in {share:.2%} of {len(on.lags.seconds)} looks")
    reader = Reader(on.ledger)
    ended = [cup for cup in load.cups if cup.phases[-1][1] + 120_000 < now_ms()]
    open_ones = [cup.name for cup in ended if reader.state(cup.name).concluded is None]
    say(f"{load.acknowledged} events acknowledged, {load.again} times sent again, at worst {load.late_s:.1f} s late")
    say(
        f"{len(load.cups)} programmes begun, {len(ended)} past their deadline by two minutes; of these open: {open_ones}"
    )
    return all(one.is_flat for one in found) and most_s <= LAG_AIM_S and not open_ones


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rate", type=int, default=500, help="events per second")
    parser.add_argument("--out", type=Path, default=Path("soak.json"), help="where every minute is written as JSON")
    parser.add_argument("--keep", type=Path, help="a folder for keys and logs of the processes, which then stay")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    return 0 if play(given.minutes, given.rate, given.out, given.keep) else 1


if __name__ == "__main__":
    sys.exit(main())
