"""Kafka clients that tests leave open: one whose broker is gone would complain on standard error until the interpreter ends,
after pytest's last line.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any

import pytest

from infra.kafka.client import Cluster

ENDS_WITHIN_S = 60.0


@contextmanager
def closed_afterwards() -> Iterator[None]:
    """Closes what is opened in the block and still open at its end."""
    opened: list[Callable[[], None]] = []

    def noting(build: Callable[..., Any], how: dict[str, Any]) -> Callable[..., Any]:
        @wraps(build)
        def built(*arguments: Any, **settings: Any) -> Any:
            client = build(*arguments, **settings)
            opened.append(lambda: client.close(**how))
            return client

        return built

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cluster, "producer", noting(Cluster.producer, {"timeout": 0}))
        patch.setattr(Cluster, "consumer", noting(Cluster.consumer, {"autocommit": False, "timeout_ms": 0}))
        patch.setattr(Cluster, "admin", noting(Cluster.admin, {}))
        yield
    for close in reversed(opened):
        with suppress(Exception):  # Its broker may be dead, and that is no matter of this test.
            close()


def none_is_left() -> None:
    """Fails with the names of the threads of Kafka clients that do not end."""
    deadline = time.monotonic() + ENDS_WITHIN_S
    while left := [thread.name for thread in threading.enumerate() if "kafka" in thread.name.lower()]:
        assert time.monotonic() < deadline, f"Kafka clients are still open: {left}"
        time.sleep(0.1)
