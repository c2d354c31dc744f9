from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from tests.contracts.bus import PARTITIONS, BusContract, MakeBus

pytestmark = pytest.mark.kafka


class TestKafkaBus(BusContract):
    @pytest.fixture
    def make_bus(self, kafka: TemporaryBroker, topic_prefix: str) -> Iterator[MakeBus]:
        with ExitStack() as stack:

            def make(**settings: str) -> KafkaBus:
                bus = KafkaBus(kafka.bootstrap, topic_prefix, PARTITIONS, **settings)  # type: ignore[arg-type]
                return stack.enter_context(closing(bus))

            yield make
