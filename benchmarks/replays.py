"""Reading a log: folding it, auditing it, the peer's replay of as many events, and the floor under all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.log import make_log
from benchmarks.measure import Row, against, flat, in_turns, timed
from benchmarks.peer import Peer
from benchmarks.programme import DEPLOYMENT, ORIGIN, PROGRAMME
from events.entry import commitment, decode_members
from events.envelope import decode
from events.merkle import leaf_hash
from handlers.fold import Folder
from handlers.replay import Replay
from infra.ledger import Ledger

FOLD_AIM = 5.0
AUDIT_AIM = 2.5
FLAT_AIM = 1.3
ROUNDS = 3


def side_by_side(folder: Path, events: int) -> Iterator[Row]:
    """Fold, audit, floor and peer in turns, over as many events."""
    ledger, peer = make_log(folder, events), Peer(folder, "peer-replay")
    peer.append(events)
    candidates = {
        "eventsourcing replay": timed(peer.replay),
        "fold": timed(lambda: fold(ledger, events)),
        "full audit": timed(lambda: audit(ledger, events)),
        "floor: read, hash, decode": timed(lambda: floor(ledger, events)),
    }
    rows = in_turns(candidates, ROUNDS)
    peer.close()
    ledger.close()
    theirs, floor_row = rows["eventsourcing replay"], rows["floor: read, hash, decode"]
    yield theirs
    yield against(rows["fold"], theirs, FOLD_AIM)
    yield against(rows["full audit"], theirs, AUDIT_AIM)
    yield against(rows["full audit"], floor_row)
    yield floor_row


def by_size(folder: Path, sizes: list[int]) -> Iterator[Row]:
    """The cost of one event while the log grows: prefixes of one log, so that the events are the same."""
    ledger = make_log(folder, sizes[-1])
    works: dict[str, Callable[[Ledger, int], int]] = {"fold": fold, "full audit": audit}
    for name, work in works.items():
        first: Row | None = None
        for size in sizes:
            rounds = max(1, min(9, 300_000 // size))
            row = in_turns({name: timed(lambda work=work, size=size: work(ledger, size))}, rounds)[name]  # type: ignore[misc]
            yield row if first is None else flat(row, first, FLAT_AIM)
            first = first or row
    ledger.close()


def fold(ledger: Ledger, events: int) -> int:
    """What is known after the log's first `events` entries, as every reader folds it."""
    folder = Folder(PROGRAMME)
    for index, entry, value in ledger.read_values(PROGRAMME, 0, events):
        folder.apply_value(index, entry, value)
    return folder.state.size


def audit(ledger: Ledger, events: int) -> int:
    """Every byte hashed, every verdict judged again, as `phasegate replay` does it."""
    replay = Replay(PROGRAMME, f"{ORIGIN}/{PROGRAMME}", DEPLOYMENT, ledger.attribution)
    for stored in ledger.read(PROGRAMME, 0, events):
        replay.feed(stored)
    report = replay.finish()
    if not report.is_identical:
        raise RuntimeError(f"the measured log is at fault: {report.first_difference}")
    return report.size


def floor(ledger: Ledger, events: int) -> int:
    """Read, hash and decode, and nothing else: what no audit can leave out."""
    count = 0
    for stored in ledger.read(PROGRAMME, 0, events):
        assert stored.opening is not None  # No entry of this log is a settlement.
        leaf_hash(stored.entry)
        commitment(stored.opening)
        decode_members(stored.entry)
        decode(stored.opening.value)
        count += 1
    return count
