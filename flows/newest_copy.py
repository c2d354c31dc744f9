"""Whether a ledger is the newest copy of itself: it has all that left this home, and all that its witnesses have cosigned.

A database that was restored from an older copy, or a replica that had not caught up when it took over, looks whole. What was
recorded after the copy is on Kafka still, but recording it again draws other salts: another history under the same name.
So whoever would write, sign or publish asks here first. docs/postgresql.md says what is to be done then.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from events.errors import Tampered
from events.origins import is_rebuilt
from flows.witnessed import given_out
from infra.ledger import Head, Ledger
from infra.settings import Settings
from infra.witness.client import Address, Seen, parse_addresses, seen_by

log = structlog.get_logger("phasegate.newest-copy")

ASKED_AT_ONCE = 8


def require_newest(ledger: Ledger, settings: Settings) -> None:
    """Against what left this home. Raises Tampered where the ledger lacks it or has gone on differently."""
    memory = given_out(ledger, settings)
    if memory is None:
        return
    heads = {head.origin: head for head in ledger.heads()}
    for origin in memory.origins():
        earlier = memory.latest(origin)
        assert earlier is not None  # Its origin was read from it.
        if (head := heads.get(origin)) is not None:
            ledger.require_extension(head.programme, head.size, earlier)
        elif (programme := _programme_of(origin, settings.origin)) is not None:
            ledger.require_extension(programme, 0, earlier)


def _programme_of(log_origin: str, origin: str) -> str | None:
    """The programme of a log of this origin; None for those of others, and of ledgers that were rebuilt from this one."""
    programme = log_origin.removeprefix(f"{origin}/")
    first = programme.partition("/")[0]
    return None if programme == log_origin or is_rebuilt(f"{origin}/{first}") else programme


def require_unseen(ledger: Ledger, settings: Settings) -> None:
    """Against the witnesses of the settings, none of whom is shown anything new. One that does not answer is told in the log:
    it will be asked again before anything is published. Raises Tampered where one has cosigned more than was signed here.
    """
    addresses, stream = parse_addresses(settings.witnesses), ledger.stream()
    if not addresses or (stream is not None and stream.clock == "scenario"):
        return
    with ThreadPoolExecutor(max_workers=ASKED_AT_ONCE) as pool:
        asking = [pool.submit(partial(_ask, ledger, head, addresses)) for head in ledger.heads()]
        for one in asking:
            one.result()


def _ask(ledger: Ledger, head: Head, addresses: Sequence[Address]) -> None:
    signed = ledger.checkpoints(head.programme)
    if not signed:
        return
    latest = signed[-1]
    for address in addresses:
        found = seen_by(address, latest.note, latest.size)
        if found.size is None:
            log.warning("witness-not-asked", origin=head.origin, witness=address.key.name, said=found.said)
        elif found.size > latest.size or found.is_other:
            raise _behind(head, latest.size, found)


def _behind(head: Head, size: int, found: Seen) -> Tampered:
    there = "with another root" if found.is_other else f"the latest checkpoint in the ledger has {size}"
    return Tampered(
        f"the witness {found.witness} has cosigned {head.origin} with {found.size} entries, {there}",
        hint="this is not the newest copy of the ledger, or not the only one: bring that back. Where it is lost the log ends "
        "here; a rebuilt log needs another PHASEGATE_ORIGIN",
        expected=found.size, found=size,
    )  # fmt: skip
