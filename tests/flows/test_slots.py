"""A slot for each programme, of a real Prefect server: held, waited for, given back, and nothing left of it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import slots
from flows.slots import programme_slot, slot_name
from tests.support.prefect import Prefect, own_prefect

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    home = tmp_path_factory.mktemp("slots") / "prefect"
    with own_prefect(home) as prefect, temporary_settings({PREFECT_API_URL: prefect.api_url}):
        yield prefect


def test_who_comes_second_waits_and_then_goes_on_without(server: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOT_WITHIN_S", 5.0)

    async def both() -> tuple[bool, bool, int]:
        async with programme_slot("cup") as first, programme_slot("cup") as second:
            return first, second, server.slots_held(slot_name("cup"))

    assert asyncio.run(both()) == (True, False, 1)
    assert server.slots_held(slot_name("cup")) == 0


def test_who_waits_gets_it_when_it_is_free(server: Prefect) -> None:
    async def one(began: list[str], name: str) -> bool:
        async with programme_slot("relay") as held:
            began.append(name)
            await asyncio.sleep(0.2)
            began.append(name)
            return held

    async def both(began: list[str]) -> tuple[bool, bool]:
        return await asyncio.gather(one(began, "a"), one(began, "b"))

    began: list[str] = []
    assert all(asyncio.run(both(began)))
    assert began in (["a", "a", "b", "b"], ["b", "b", "a", "a"])
    assert server.slots_held(slot_name("relay")) == 0


def test_a_lease_is_renewed_while_a_run_lasts(server: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = PrefectClient.renew_concurrency_lease
    renewed: list[int] = []

    async def run() -> None:
        enough = asyncio.Event()

        async def noted(client: PrefectClient, lease_id: UUID, lease_duration: float) -> None:
            renewed.append((await whole(client, lease_id, lease_duration)).status_code)
            if len(renewed) == 2:
                enough.set()

        monkeypatch.setattr(PrefectClient, "renew_concurrency_lease", noted)
        monkeypatch.setattr(slots, "RENEW_EVERY_S", 0.1)
        async with programme_slot("long"):
            await enough.wait()

    asyncio.run(asyncio.wait_for(run(), 60))
    assert set(renewed) <= {200, 204}
    assert server.slots_held(slot_name("long")) == 0


def test_many_programmes_leave_neither_threads_nor_connections(server: Prefect) -> None:
    async def through(names: range) -> None:
        for number in names:
            async with programme_slot(f"many-{number}") as held:
                assert held

    asyncio.run(through(range(1)))
    threads, handles = threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only counted
    asyncio.run(through(range(1, 21)))
    assert threading.active_count() <= threads
    assert len(os.listdir("/proc/self/fd")) <= handles + 2  # noqa: PTH208 - only counted


def test_without_a_server_the_block_runs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOT_WITHIN_S", 1.0)

    async def run() -> bool:
        async with programme_slot("alone") as held:
            return held

    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert asyncio.run(run()) is False
