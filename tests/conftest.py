"""What all tests share. Fixtures of real parts start once per session and say loudly when they cannot."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

import pytest
import structlog

from events.errors import PhasegateError
from infra.kafka.broker import TemporaryBroker, temporary_broker
from tests.support.kafka_clients import closed_afterwards, none_is_left
from tests.support.secured import SecuredBroker, secured_broker


def pytest_configure() -> None:
    """Tables are as wide as in a pipe: xdist tells its workers, and so what they start, how wide the terminal is."""
    os.environ.pop("COLUMNS", None)


@pytest.fixture(scope="session")
def kafka() -> Iterator[TemporaryBroker]:
    """One real broker per test session. It ends with the session, also when that is killed."""
    with ExitStack() as stack:
        yield required("Kafka", lambda: stack.enter_context(temporary_broker()))


@pytest.fixture(scope="session")
def secured_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    """One real broker per test session that lets nobody in without a password, and allows nothing by itself."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("secured")
        yield required("Kafka", lambda: stack.enter_context(secured_broker(folder)))


@pytest.fixture(scope="session", autouse=True)
def _no_kafka_client_is_left() -> Iterator[None]:
    yield
    none_is_left()


@pytest.fixture(scope="module", autouse=True)
def _kafka_clients_end_with_their_module() -> Iterator[None]:
    with closed_afterwards():
        yield


@pytest.fixture(autouse=True)
def _lines_go_where_they_went() -> Iterator[None]:
    """A command that a test runs in this process says how loud its log is; the next test shall not inherit that."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def topic_prefix(_prefixes: Iterator[str]) -> str:
    """A prefix that no other test of this session uses: tests share the broker, never topics."""
    return next(_prefixes)


@pytest.fixture(scope="session")
def _prefixes() -> Iterator[str]:
    return (f"test{number}" for number in itertools.count())


Part = TypeVar("Part")


def required(name: str, start: Callable[[], Part]) -> Part:
    """Start a real part. Without it tests are skipped with its reason; under CI=true they fail."""
    try:
        return start()
    except PhasegateError as error:
        reason = f"{name} cannot be had: {error.message} {error.hint}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
