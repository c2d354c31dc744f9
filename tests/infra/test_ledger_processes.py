"""The ledger among processes: killed in the middle, and two that write at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.contracts.ledger import KEY

ROOT = Path(__file__).resolve().parents[2]
BATCH = 7

_RECORDER = f"""
import sys
from events.errors import Conflict
from infra.ledger import Ledger
from tests.contracts.ledger import Writing

url, rounds, value = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
with Ledger.open(url) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    won = 0
    for _ in range(rounds):
        log, head = Writing("p"), ledger.head("p")
        if head is not None:
            log.size = log.offset = head.size
            log.stack = list(head.stack)
        try:
            ledger.append(log.batch(*[log.first(value=value) for _ in range({BATCH})]))
            won += 1
        except Conflict:
            continue
        print(log.size, flush=True)
"""


def recorder(url: str, rounds: int, value: str) -> subprocess.Popen[str]:
    """A process that appends batches in a loop; it is ready and waits for a line when this returns."""
    child = subprocess.Popen(
        [sys.executable, "-c", _RECORDER, url, str(rounds), value],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def go(*children: subprocess.Popen[str]) -> None:
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue(f"{request.param}_database")
    upgrade(address)
    return address


def test_a_recorder_killed_anywhere_leaves_whole_batches_and_loses_none_it_reported(url: str) -> None:
    for attempt in range(6):
        child = recorder(url, 1_000_000, f"attempt {attempt}" + "x" * 20_000)
        go(child)
        time.sleep(0.15 + 0.037 * attempt)
        child.kill()
        output, _ = child.communicate()
        time.sleep(0.3)  # PostgreSQL may still be committing what the dead client sent
        reported = [int(line) for line in output.splitlines()]
        with Ledger.open(url) as ledger:
            head = ledger.head("p")
            size = head.size if head else 0
            assert size % BATCH == 0
            assert size in ({reported[-1], reported[-1] + BATCH} if reported else {size})
            assert ledger.positions([("scores", 3)]) == {("scores", 3): size}
            assert sum(1 for _ in ledger.read("p")) == size
            ledger.sign("p", KEY)
            assert list(ledger.integrity(keys=[KEY.verifier])) == []
    assert size > 0


def test_of_two_processes_exactly_one_wins_each_place(url: str) -> None:
    children = [recorder(url, 60, name) for name in ("one", "two")]
    go(*children)
    outputs = [child.communicate()[0].split() for child in children]
    assert [child.returncode for child in children] == [0, 0]
    won = sorted(int(size) for output in outputs for size in output)
    with Ledger.open(url) as ledger:
        assert won == list(range(BATCH, ledger.heads()[0].size + 1, BATCH))
        values = [stored.opening.value for stored in ledger.read("p") if stored.opening]
        assert list(ledger.integrity()) == []
    assert all(len(set(values[at : at + BATCH])) == 1 for at in range(0, len(values), BATCH))
