"""One application for the tests of a file; each makes keys and events of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.kafka.broker import TemporaryBroker
from tests.support.website import Website, website


@pytest.fixture(scope="module")
def site(
    kafka: TemporaryBroker, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Website]:
    home: Path = tmp_path_factory.mktemp("site")
    with website(home, kafka.bootstrap, f"web-{request.module.__name__.rpartition('.')[2].replace('_', '-')}") as site:
        yield site
