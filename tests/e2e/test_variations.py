"""Every variation under examples/ plays to what it expects on every bus and database, and replays identically."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from tests.support.scenarios import Outcome, memory, play_scenario

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
VARIATIONS = sorted(path.parent for path in (EXAMPLES / "variations").glob("*/scenario.yaml"))
ON_POSTGRES = "upheld-objection"
HELD = {
    "upheld-objection": ["objection-outstanding"],
    "tie-at-the-cut": ["tie-unresolved", "tie-unresolved"],
    "k-ai-refill-from-the-ranking": ["ruling-outstanding"],
}
REFUSED = {"two-vacancies-one-applicant": 1}

each = pytest.mark.parametrize("folder", VARIATIONS, ids=lambda folder: folder.name)


def as_it_should(played: Outcome) -> dict[str, bytes]:
    """What the pipeline said, after everything that holds of every play has been looked at."""
    assert played.unmet == []
    assert played.expected > 5
    assert played.replay.is_identical, played.replay.first_difference
    assert played.state.waiting == {}
    return played.said


def in_memory(folder: Path, home: Path) -> Outcome:
    return play_scenario(folder, memory(), f"sqlite:///{home / 'memory.sqlite'}")


@each
def test_a_variation_comes_to_what_it_expects_and_replays(folder: Path, tmp_path: Path) -> None:
    played = in_memory(folder, tmp_path)
    as_it_should(played)
    held = [
        row["code"] for phase in played.state.phases.values() for fact in phase.held for row in fact.data["missing"]
    ]
    assert set(held) == set(HELD.get(folder.name, []))
    assert len(played.refused) == REFUSED.get(folder.name, 0)
    assert played.state.concluded is not None


def test_a_variation_that_expects_something_else_says_what(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "variations", tmp_path / "variations")
    folder = tmp_path / "variations" / "upheld-objection"
    wrong = (folder / "scenario.yaml").read_text(encoding="utf-8").replace("cedar: advanced", "cedar: eliminated")
    (folder / "scenario.yaml").write_text(wrong, encoding="utf-8")
    assert in_memory(folder, tmp_path).unmet == ["phases.heat.outcomes.cedar: expected eliminated, found advanced"]


def test_every_variation_has_its_line_in_the_readme() -> None:
    text = (EXAMPLES / "variations" / "README.md").read_text(encoding="utf-8")
    assert len(VARIATIONS) == 7
    assert [folder.name for folder in VARIATIONS if f"[{folder.name}]({folder.name}/scenario.yaml)" not in text] == []


@each
@pytest.mark.kafka
@pytest.mark.slow
def test_a_variation_says_the_same_over_kafka(
    folder: Path, kafka: TemporaryBroker, topic_prefix: str, tmp_path: Path
) -> None:
    bus = KafkaBus(kafka.bootstrap, topic_prefix, 12, "scenario")
    over_kafka = as_it_should(play_scenario(folder, bus, f"sqlite:///{tmp_path / 'kafka.sqlite'}"))
    assert over_kafka == as_it_should(in_memory(folder, tmp_path))


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.slow
def test_a_variation_says_the_same_over_kafka_and_postgresql(
    kafka: TemporaryBroker, topic_prefix: str, postgres_database: str, tmp_path: Path
) -> None:
    folder = EXAMPLES / "variations" / ON_POSTGRES
    bus = KafkaBus(kafka.bootstrap, topic_prefix, 12, "scenario")
    assert as_it_should(play_scenario(folder, bus, postgres_database)) == as_it_should(in_memory(folder, tmp_path))
