from __future__ import annotations

import time

import pytest

from infra.memory_bus import MemoryBus
from tests.contracts.bus import PARTITIONS, BusContract, MakeBus


class TestMemoryBus(BusContract):
    @pytest.fixture
    def make_bus(self) -> MakeBus:
        return lambda clock="broker": MemoryBus("test", PARTITIONS, clock, lambda: time.time_ns() // 1_000_000)
