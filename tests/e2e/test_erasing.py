"""An erasure through a real broker into both databases: gone from every column, and done whole or not at all when killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine, select

from events.entry import decode_entry
from flows.lag import still_on_the_bus
from flows.wiring import assemble
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import database_url, upgrade
from tests.support import small
from tests.support.bundles import audit, exported
from tests.support.deployment import environment
from tests.support.erasing import erasure, first_entry, place_of
from tests.support.erasing_recorder import POINTS
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, Stage, play

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a third person named in a comment"
DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


class OnKafka(Stage):
    """A stage whose records arrive when the broker hands them out."""

    def record(self) -> int:
        """Records until nothing published is left."""
        total, deadline = 0, time.monotonic() + 60
        ends = self.parts.bus.ends()
        while sum(ends.values()) > sum(self.parts.ledger.positions(list(ends)).values()):
            assert time.monotonic() < deadline, "the recorder does not catch up"
            total += self.recorder.step(0.1)
        self.recorder.settle_up()
        return total


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    address: str = request.getfixturevalue("postgres_database")
    return address


@pytest.fixture
def on(kafka: TemporaryBroker, topic_prefix: str, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[OnKafka]:
    """The small programme played to its end; one mark has a comment."""
    scores = small.scores()
    scores[0].data["comment"] = SECRET
    monkeypatch.setattr(small, "scores", lambda: scores)
    upgrade(url)
    bus = KafkaBus(kafka.bootstrap, topic_prefix, 4, "scenario")
    bus.ensure_topics()
    stage = OnKafka(assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY))
    play(stage)
    yield stage
    stage.publisher.close()
    stage.recorder.close()
    stage.parts.close()


def everything(url: str) -> list[Any]:
    """Every row of every table, whichever they are."""
    engine = create_engine(database_url(url))
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        rows = [row for table in tables.sorted_tables for row in connection.execute(select(table)).all()]
    engine.dispose()
    return rows


def holding(url: str, text: str) -> list[Any]:
    needle = text.encode()
    return [
        row
        for row in everything(url)
        if any(needle in (value if isinstance(value, bytes) else str(value).encode()) for value in row)
    ]


def test_what_is_erased_is_in_no_column_and_everything_goes_on(on: OnKafka, url: str, tmp_path: Path) -> None:
    mark = first_entry(on.parts.ledger, small.scores()[0].id)
    assert len(holding(url, SECRET)) == 1
    assert still_on_the_bus(on.parts.bus, on.parts.ledger) == []
    on.tell(erasure(place_of(mark)))
    assert holding(url, SECRET) == []
    if url.startswith("sqlite"):
        assert not [path for path in tmp_path.glob("ledger.sqlite*") if SECRET.encode() in path.read_bytes()]
    on.tell(small.scores()[0])
    last = decode_entry(list(on.parts.ledger.read(small.PROGRAMME))[-1].entry)
    assert last.verdict == "duplicate"
    assert list(on.parts.ledger.integrity()) == []
    replayed = on.replay()
    assert replayed.is_identical
    assert replayed.hidden == [mark.index]
    found = audit(exported(on, tmp_path / "bundle"))
    assert found.checked["erased"] == 1
    (left,) = still_on_the_bus(on.parts.bus, on.parts.ledger)
    assert (left["topic"], left["records"], left["delete_before"]) == ("scores", 1, mark.offset + 1)


def test_a_recorder_killed_at_an_erasure_has_done_all_of_it_or_nothing(
    on: OnKafka, url: str, kafka: TemporaryBroker, tmp_path: Path
) -> None:
    mark = first_entry(on.parts.ledger, small.scores()[0].id)
    before = on.parts.ledger.head(small.PROGRAMME)
    assert before is not None
    on.recorder.close()
    on.send([on.message(erasure(place_of(mark)))])
    for point in POINTS:
        life = killed(point, environment(tmp_path, url, kafka.bootstrap))
        assert life.returncode == -signal.SIGKILL, life.stderr
        is_done = point == "committed"
        head = on.parts.ledger.head(small.PROGRAMME)
        assert head is not None
        assert head.size == before.size + is_done
        assert bool(holding(url, SECRET)) != is_done
        assert [row.index for row in on.parts.ledger.erased(small.PROGRAMME)] == ([mark.index] if is_done else [])
        assert list(on.parts.ledger.integrity()) == []
    on.recorder = on.parts.recorder()
    on.record()
    assert on.replay().is_identical


def killed(point: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.support.erasing_recorder", point, f"erasing-{point}"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
