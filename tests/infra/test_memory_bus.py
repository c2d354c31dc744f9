from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from infra.memory_bus import MemoryBus
from tests.contracts.bus import PARTITIONS, BusContract, MakeBus


class TestMemoryBus(BusContract):
    @pytest.fixture
    def make_bus(self) -> Iterator[MakeBus]:
        yield lambda clock="broker": MemoryBus("test", PARTITIONS, clock, lambda: time.time_ns() // 1_000_000)
