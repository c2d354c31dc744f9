"""The keeper, over real processes: what ends is started again, in time everything ends, and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from infra.kafka.process import birth
from infra.services.plan import Plan, Planned, State, read_state, write_plan

READY = """
import os, socket, sys, time
print("begins", flush=True)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
"""
STAYS = READY + "time.sleep(600)"
FAILS = "import sys; print('cannot'); sys.exit(6)"
IS_STUBBORN = "import signal; signal.signal(signal.SIGTERM, lambda *_: None)\n" + READY + "while True: time.sleep(1)"


def planned(name: str, code: str, *after: str) -> Planned:
    return Planned(name, [sys.executable, "-c", code], dict(os.environ), after=after)


class Kept:
    """A keeper of its own process."""

    def __init__(self, folder: Path, *services: Planned) -> None:
        self.folder = folder
        write_plan(folder, Plan(services))
        self.process = subprocess.Popen([sys.executable, "-m", "infra.services.keeper", str(folder)])

    def state(self) -> State:
        eventually(lambda: (found := read_state(self.folder)) is not None and found.pid == self.process.pid)
        state = read_state(self.folder)
        assert state is not None
        return state

    def condition(self, name: str) -> str:
        return next(row.condition for row in self.state().services if row.name == name)

    def pid(self, name: str) -> int:
        found = next(row.pid for row in self.state().services if row.name == name)
        assert found is not None
        return found


def eventually(is_so: Callable[[], bool], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Callable[..., Kept]]:
    kept: list[Kept] = []

    def start(*services: Planned) -> Kept:
        kept.append(Kept(tmp_path / "services", *services))
        return kept[-1]

    yield start
    for one in kept:
        one.process.kill()
        one.process.wait()


def test_a_service_that_is_killed_is_started_again(keep: Callable[..., Kept]) -> None:
    kept = keep(planned("stays", STAYS))
    eventually(lambda: kept.condition("stays") == "running")
    first = kept.pid("stays")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: kept.condition("stays") == "running" and kept.pid("stays") != first)
    row = kept.state().services[0]
    assert (row.restarts, row.ended) == (1, -signal.SIGKILL)
    assert (kept.folder / "stays.log").read_text() == "begins\nbegins\n"


def test_one_that_keeps_failing_says_how_it_ended_and_holds_back_what_needs_it(keep: Callable[..., Kept]) -> None:
    kept = keep(planned("fails", FAILS), planned("needs", STAYS, "fails"))
    eventually(lambda: kept.state().services[0].restarts >= 1)
    assert kept.state().services[0].ended == 6
    assert kept.condition("needs") == "waiting"
    assert "cannot" in (kept.folder / "fails.log").read_text()


def test_on_sigterm_services_end_and_the_last_one_goes_first(keep: Callable[..., Kept]) -> None:
    says = (
        READY
        + """
import signal
def end(*_):
    print("ends", time.monotonic(), flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
while True: time.sleep(0.05)
"""
    )
    kept = keep(planned("first", says), planned("second", says, "first"))
    eventually(lambda: kept.condition("second") == "running")
    pids = [kept.pid("first"), kept.pid("second")]
    kept.process.send_signal(signal.SIGTERM)
    assert kept.process.wait(60) == 0
    ends = [float((kept.folder / f"{name}.log").read_text().split()[-1]) for name in ("second", "first")]
    assert ends == sorted(ends)
    assert [birth(pid) for pid in pids] == [None, None]
    assert {row.condition for row in kept.state().services} == {"stopped"}


def test_one_that_does_not_end_is_killed(keep: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch) -> None:
    from infra.services import keeper

    folder = Path(keep(planned("other", STAYS)).folder).parent / "own"
    write_plan(folder, Plan((planned("stubborn", IS_STUBBORN),)))
    code = (
        "import sys; from pathlib import Path; from infra.services import keeper;"
        f"keeper.ENDS_WITHIN_S = 0.5; keeper.main(Path({str(folder)!r}))"
    )
    assert keeper.ENDS_WITHIN_S > 0.5
    process = subprocess.Popen([sys.executable, "-c", code])
    eventually(lambda: (state := read_state(folder)) is not None and state.services[0].condition == "running")
    state = read_state(folder)
    assert state is not None
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert birth(state.services[0].pid or 0) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_where_the_keeper_is_killed_its_services_end_as_well(keep: Callable[..., Kept]) -> None:
    kept = keep(planned("stays", STAYS))
    eventually(lambda: kept.condition("stays") == "running")
    pid = kept.pid("stays")
    kept.process.kill()
    kept.process.wait()
    eventually(lambda: not _lives(pid))


def _lives(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False
