"""`replay`: re-reads every stored byte, judges and decides everything again, and names the first difference.

Needs the ledger and public keys, and neither Kafka nor Prefect.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result

if TYPE_CHECKING:
    from rich.console import Console

    from console.arguments import At
    from flows.reading import Reading
    from infra.ledger import Head
    from infra.settings import Settings

DIFFERENT = 4

LISTED_AT_MOST = 20
"""How many entries a line names."""


def replay(options: argparse.Namespace, report: Report) -> Result:
    """Exit code 3 when stored bytes contradict each other, 4 when a verdict or a decision comes out differently."""
    data = replay_programme(settings_of(options, report), options.programme, options.at, report)
    first = data["first_difference"]
    differs = data["verdicts"]["different"] + data["decisions"]["different"]
    if not first and not differs:
        return Result(data, partial(show_replay, data=data))
    problem = f"{differs} came out differently"
    if first:
        problem += f", first entry {first['index']}: {_sentence(first)}"
    hint = f"phasegate log {data['programme']} {first['index']} shows the entry" if first else ""
    return Result(data, partial(show_replay, data=data), DIFFERENT, problem, hint)


def replay_programme(
    settings: Settings, programme: str, at: At | None = None, report: Report | None = None
) -> dict[str, Any]:
    """Replays one log up to a moment. Raises Tampered when what is stored contradicts itself."""
    from flows.reading import open_reading
    from flows.replaying import check_integrity, intact_head, whole_records

    report = report or Report(quiet=True)
    with open_reading(settings) as reading:
        head = intact_head(reading, programme)
        reading.deployment()  # Without the office's key nothing can be judged; said before every byte is read.
        if not reading.log_keys:
            report.warn(
                "no public key of the log is known: checkpoints are compared, their signatures are not verified"
            )
        report.say(f"re-reading every stored byte of {head.programme}")
        check_integrity(reading, head.programme)
        size = whole_records(reading, head, reading.reader.size_at(head.programme, at))
        with report.progress(f"replaying {head.programme}", size) as advance:
            return _replayed(reading, head, size, advance)


def _replayed(reading: Reading, head: Head, size: int, advance: Callable[[int], None]) -> dict[str, Any]:
    from flows.replaying import replay_of

    replaying = replay_of(reading, head)
    for stored in reading.ledger.read(head.programme, 0, size):
        replaying.feed(stored)
        if stored.index % 500 == 0:
            advance(stored.index)
    advance(size)
    found = replaying.finish()
    return {
        "programme": head.programme,
        "size": found.size,
        "root": found.root.hex(),
        "checkpoint": _checkpoint(reading, head, size),
        "verdicts": found.verdicts.data(),
        "decisions": found.decisions.data(),
        "erased": found.hidden,
        "not_recomputed": {"verdicts": found.verdicts.unchecked, "decisions": found.decisions.unchecked},
        "earlier_log": found.earlier,
        "first_difference": found.first_difference.data() if found.first_difference else None,
    }


def _checkpoint(reading: Reading, head: Head, size: int) -> dict[str, Any] | None:
    """The last checkpoint within what was replayed. The integrity check before has recomputed its root."""
    from events.note import open_checkpoint, parse_checkpoint, verifier_key

    within = [row for row in reading.ledger.checkpoints(head.programme) if row.size <= size]
    if not within:
        return None
    note = within[-1].note
    keys = [verifier_key(head.origin, key.public) for key in reading.log_keys]
    signed = open_checkpoint(note, keys) if keys else parse_checkpoint(note[: note.rfind(b"\n\n") + 1])
    return {"size": signed.size, "root": signed.root.hex(), "origin": signed.origin, "verified": bool(keys)}


def _sentence(difference: Mapping[str, Any]) -> str:
    return (
        f"{difference['what']}: {difference['member'] or 'the event'} is recorded as {difference['recorded']!r}, "
        f"replayed as {difference['replayed']!r}"
    )


def show_replay(console: Console, data: Mapping[str, Any]) -> None:
    """A tally in a few lines."""
    console.print(f"Replay of {data['programme']}: {data['size']} entries, root {data['root']}")
    checkpoint = data["checkpoint"]
    if checkpoint is None:
        console.print("  checkpoint  none is signed yet")
    else:
        said = "signature verified" if checkpoint["verified"] else "signature not verified: no public key of the log"
        console.print(f"  checkpoint  {checkpoint['size']} entries, root recomputed; {said}")
    for name in ("verdicts", "decisions"):
        tally = data[name]
        counts = ", ".join(f"{tally[part]} {part}" for part in ("checked", "identical", "different"))
        console.print(f"  {name:<10}  {counts}")
    _show_erased(console, data)
    if data["earlier_log"]:
        console.print(f"  rebuilt     {data['earlier_log']} decisions name size and root of the log before this one")
    if data["first_difference"]:
        first = data["first_difference"]
        console.print(f"  first difference at entry {first['index']}: {_sentence(first)}")


def _show_erased(console: Console, data: Mapping[str, Any]) -> None:
    """Which records were erased, and what can no longer be recomputed because of it: its inputs stay in the log."""
    if not data["erased"]:
        return
    console.print(f"  erased      {len(data['erased'])} records: entries {_some(data['erased'])}")
    for name, indexes in data["not_recomputed"].items():
        if indexes:
            console.print(
                f"  {len(indexes)} {name} may rest on them and cannot be recomputed: entries {_some(indexes)}"
            )


def _some(indexes: Sequence[int]) -> str:
    more = len(indexes) - LISTED_AT_MOST
    return ", ".join(map(str, indexes[:LISTED_AT_MOST])) + (f" and {more} more (--json lists them)" if more > 0 else "")
