"""One trace, from the command that sends a ruling to the decision that it completes: in the headers of their records, in the
lines of the recorder, and in what `log` shows.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from events.envelope import Envelope, encode
from events.traceparent import Span
from events.values import parse_instant
from flows.office import message
from flows.transitions import Progress
from flows.wiring import assemble
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.support import small
from tests.support.deployment import environment
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OF_A_MARK = Span("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


@contextmanager
def recorder(settings: dict[str, str], lines: Path) -> Iterator[None]:
    """A recorder process that logs each entry, ended by a signal."""
    command = [sys.executable, "-m", "console", "record", "-v"]
    with (
        lines.open("w") as file,
        subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL, stderr=file) as process,
    ):
        try:
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()


def run(settings: dict[str, str], *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "console", *words, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    data: dict[str, Any] = json.loads(done.stdout)["data"]
    return data


def test_a_trace_leads_from_its_producer_to_the_decision(
    kafka: TemporaryBroker, topic_prefix: str, tmp_path: Path
) -> None:
    url, lines = f"sqlite:///{tmp_path}/ledger.sqlite", tmp_path / "record.log"
    upgrade(url)
    bus = KafkaBus(kafka.bootstrap, topic_prefix, 2, "scenario")
    bus.ensure_topics()
    parts = assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY)
    performed: list[list[Span]] = []
    way, publisher = Progress(parts, small.PROGRAMME), bus.publisher()
    way.tell = lambda _what, _span, _entries, links: performed.append(list(links))
    settings = environment(tmp_path, url, kafka.bootstrap) | {
        "PHASEGATE_PREFIX": topic_prefix,
        "PHASEGATE_PARTITIONS": "2",
    }

    def tell(*said: Envelope) -> None:
        """Published at their own times, and recorded when this returns."""
        keys = [OFFICE_KEY if one.source == small.OFFICE else None for one in said]
        messages = [
            message(small.topic_of(one), one, key, parse_instant(one.time)) for one, key in zip(said, keys, strict=True)
        ]
        way.office.await_recorded(publisher.publish(messages))

    with recorder(settings, lines):
        tell(small.announced(), *small.beginnings())
        list(way.steps(small.OPENS + 1))
        tell(*small.submissions())
        list(way.steps(small.DEADLINES["submissions"] + 1))
        traced_mark, *scores = small.scores()
        at_ms = parse_instant(traced_mark.time)
        marked = publisher.publish([message("scores", traced_mark, None, at_ms, OF_A_MARK)])
        tell(*scores, small.finding(), small.rebuttal())
        way.office.await_recorded(marked)
        list(way.steps(small.DEADLINES["audits"] + 1))
        (tmp_path / "ruling.ndjson").write_bytes(encode(small.ruling()) + b"\n")
        traced = settings | {"TRACEPARENT": f"00-{TRACE}-00f067aa0ba902b7-01"}
        sent = run(traced, "publish", str(tmp_path / "ruling.ndjson"), "--wait")
        list(way.steps(small.OPENS + 22 * small.DAY))
    publisher.close()
    parts.close()

    told = [json.loads(line) for line in lines.read_text().splitlines()]
    followed = {row["entry"]: row for row in told if TRACE in row.get("traceparent", "")}
    assert {row["type"].split(".")[1] for row in followed.values()} == {"ruling", "entrant", "phase"}
    assert not any(TRACE in row["traceparent"] for row in told if row.get("type") == "phasegate.intake.marked.v1")
    ruling = followed[sent["events"][0]["index"]]
    assert (ruling["event"], ruling["programme"], ruling["id"]) == ("accepted", small.PROGRAMME, small.ruling().id)

    (decided,) = [row for row in followed.values() if row["type"] == "phasegate.phase.decided.v1"]
    record = run(settings, "log", small.PROGRAMME, str(decided["entry"]))["entry"]["record"]
    assert dict(record["headers"])["traceparent"] == decided["traceparent"]
    assert "traceparent" not in record["event"], "never inside a derived event"
    spans = {row["traceparent"].split("-")[2] for row in (ruling, decided)} | {"00f067aa0ba902b7"}
    assert len(spans) == 3, "each a step of its own"

    leads_from_the_mark_to_it(settings, [links for links in performed if links], decided["entry"])


def leads_from_the_mark_to_it(settings: dict[str, str], linked: list[list[Span]], decision: int) -> None:
    """By what the flow told of its decision, and by the mark's trace alone."""
    assert len(linked) == 1, "a decision alone names the steps that it rests on"
    assert OF_A_MARK in linked[0]
    (mark,) = run(settings, "log", small.PROGRAMME, "--trace", OF_A_MARK.text())["entries"]
    assert (mark["verdict"], mark["type"]) == ("accepted", "phasegate.score.recorded.v1")
    assert mark["decisions"] == [decision]
