"""A village prize in the broker's time, with every service as a process of its own; what people say goes straight to
the bus.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from events.entry import decode_entry
from events.envelope import Envelope
from events.names import TYPES
from events.rulebook import digest
from events.values import format_instant
from flows.office import message
from flows.reader import Reader
from flows.sending import uuid7
from handlers.views import attestations_view
from infra.clock import now_ms
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from tests.support.stage import OFFICE_KEY

ROOT = Path(__file__).resolve().parents[2]
OFFICE = "urn:village:office"
RULES = """
programme: {programme}
version: "1"
sources:
  - {{source: "urn:village:office", role: office, types: ["*"], signs: true}}
  - {{source: "urn:village:jury", panel: jury, types: [score.recorded]}}
profiles:
  - {{id: public, when: final, shows: [outcomes, ranks]}}
phases:
  - id: tasting
    opens: {opens}
    windows: {{scores: {closes}}}
    publish: public
    criteria:
      - id: taste
        points: 20
        panel: jury
        items: {{cake: [0, 20]}}
        steps: [{{over: items, by: sum}}, {{over: evaluators, by: mean}}, {{round: {{places: 1, mode: half-up}}}}]
    advance: {{places: 1}}
"""


@dataclass
class Village:
    """`services` are those that were started, under the names of their logs."""

    folder: Path
    environment: dict[str, str]
    bus: KafkaBus
    ledger: Ledger
    services: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def python(self, code: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=self.environment, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def service(self, command: str, name: str = "") -> subprocess.Popen[bytes]:
        """Started, and kept under its name."""
        words = [sys.executable, "-m", "console", command]
        with self.log(name or command).open("ab") as log:
            self.services[name or command] = subprocess.Popen(
                words, cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        return self.services[name or command]

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def lines(self, name: str, event: str) -> int:
        """How often a service has said this."""
        return self.log(name).read_text().count(f'"event": "{event}"')

    def end(self) -> None:
        """Kills whatever was started and is still there, and what that has started."""
        for one in self.services.values():
            started = children(one.pid)
            one.kill()
            one.wait()
            for pid in started:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def announce(self, programme: str, opens_ms: int, closes_ms: int, panel: tuple[str, ...] = ("ann",)) -> None:
        opens, closes = format_instant(opens_ms), format_instant(closes_ms)
        document = yaml.load(RULES.format(programme=programme, opens=opens, closes=closes), yaml.BaseLoader)
        announced = {"rulebook": document, "digest": digest(document), "clock": "broker"}
        self.tell(programme, OFFICE, "programme.announced", announced)
        for evaluator in panel:
            self.tell(programme, OFFICE, "evaluator.appointed", {"evaluator": evaluator, "panel": "jury"})
        for team in ("ash", "birch"):
            self.tell(programme, OFFICE, "entrant.registered", {"entrant": team, "name": team, "members": []})

    def mark(self, programme: str) -> None:
        """Marks of ann's for both teams: the earliest that this can be said is when the phase has opened."""
        slot = {"phase": "tasting", "criterion": "taste", "item": "cake", "evaluator": "ann"}
        for team, value in (("ash", "12"), ("birch", "15")):
            self.tell(programme, "urn:village:jury", "score.recorded", {**slot, "entrant": team, "value": value})

    def play(
        self, programme: str, opens_s: float = 4.0, closes_s: float = 9.0, panel: tuple[str, ...] = ("ann",)
    ) -> int:
        """Announces it, and gives both teams a mark after its phase has opened. Returns when it closes (Unix milliseconds)."""
        opens, closes = (now_ms() + int(1000 * seconds) for seconds in (opens_s, closes_s))
        self.announce(programme, opens, closes, panel)
        time.sleep(max(0, opens + 500 - now_ms()) / 1000)
        self.mark(programme)
        return closes

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

    def accepted(self, programme: str) -> list[str]:
        """The short names of what was accepted, in the order of the log."""
        entries = (decode_entry(stored.entry) for stored in self.ledger.read(programme))
        return [TYPES[entry.type].short for entry in entries if entry.verdict == "accepted" and entry.type is not None]

    def attestations(self, programme: str) -> list[tuple[str, str]]:
        phase = Reader(self.ledger).state(programme).phases["tasting"]
        found = [row for decision in phase.decisions.values() for row in attestations_view(decision)]
        return [(row["source"], row["result"]) for row in found]


def eventually(is_so: Callable[[], bool], *watched: subprocess.Popen[bytes], within_s: float = 200.0) -> None:
    """Waits for a condition while all of these are alive."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert all(one.poll() is None for one in watched), "a service ended"
        assert time.monotonic() < deadline
        time.sleep(0.2)


def children(pid: int) -> list[int]:
    """The processes that this one has started, and theirs."""
    own = [int(text) for path in Path(f"/proc/{pid}/task").glob("*/children") for text in path.read_text().split()]
    return own + [grandchild for child in own for grandchild in children(child)]
