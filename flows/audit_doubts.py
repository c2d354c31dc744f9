"""What an audit could not check, in sentences: so that nobody takes its silence for more than it says."""

from __future__ import annotations

from collections.abc import Iterator

from flows.audit_erasures import Erasures, counted, listed
from flows.audit_handovers import LogKeys
from flows.audit_positions import Positions
from flows.audit_report import Trust
from flows.audit_signatures import Signatures


def doubts(
    positions: Positions,
    erasures: Erasures,
    signatures: Signatures,
    keys: LogKeys,
    trust: Trust,
    *,
    is_alone: bool,
) -> Iterator[str]:
    """Of a bundle that was read to its end. When it `is_alone`, the logs to which it attributes offsets were not looked at."""
    if is_alone:
        yield from _of_others(positions)
    yield from _of_receipts(positions)
    yield from _of_records(erasures)
    if signatures.unknown:
        yield f"{signatures.unknown} signatures that no rule asks for, by keys that are not known here"
    if keys.others:
        yield f"who signed {keys.others} hand-overs to keys before the given one, or of nobody's"
    if trust.since is None:
        yield "that the log was not rewritten since an older checkpoint; give one with --since"
    if not trust.witnesses:
        yield "when the checkpoint was made, and that others were shown the same log; give --witness"
    yield "the text of README.txt beyond its sum; signature lines of keys that were not given"


def _of_others(positions: Positions) -> Iterator[str]:
    if elsewhere := positions.elsewhere():
        yield f"{elsewhere} offsets that are attributed to other logs: whether those logs have them"
    if unsealed := positions.unsealed():
        yield f"{unsealed} attributed offsets after the last closed intake: no entry vouches for whose they are"


def _of_receipts(positions: Positions) -> Iterator[str]:
    if backwards := positions.backwards:
        yield (
            f"{backwards} receipts that are earlier than the one before: a broker's clock stepped back, or they are false"
        )


def _of_records(erasures: Erasures) -> Iterator[str]:
    if gone := erasures.gone():
        entries = listed(entry.index for entry in gone)
        yield f"the content of {len(gone)} records, erased as the log says: {counted(gone)}; entries {entries}"
    if withheld := erasures.withheld():
        yield f"the content of {len(withheld)} records, withheld by this view: {counted(withheld)}"
    if shown := erasures.shown():
        yield f"why {shown} records that the log says were erased are in this bundle nevertheless"
