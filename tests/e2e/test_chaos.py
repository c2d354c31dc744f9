"""The short form of `make chaos`: each kind of fault once while six programmes run to their end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.kafka.broker import TemporaryBroker
from tests.endurance.chaos import SHORT, play
from tests.endurance.faults import KINDS

SEED = 20260115


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_whatever_is_killed_nothing_is_lost_or_doubled_and_every_decision_is_that_of_a_quiet_run(
    kafka: TemporaryBroker, postgres_url: str, tmp_path: Path
) -> None:
    """The fixtures say loudly where a part cannot be had; those that are killed here are others."""
    found = play(SHORT, SEED, tmp_path, lambda text: print(text, file=sys.stderr))  # noqa: T201 - shown when it fails
    assert found.faults.keys() == KINDS.keys()
    assert found.acknowledged >= 3000
    assert found.decisions == SHORT.programmes * 2
