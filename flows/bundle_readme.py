"""The README.txt of a bundle: what it is, and how to check it with phasegate and without."""

from __future__ import annotations

from collections.abc import Sequence

from events.note import Checkpoint, VerifierKey, format_vkey

_TEXT = """\
This is the evidence of one programme: its log, and what stands beside it.

  log   {origin}
  size  {size} entries
  root  {root}
{view}
Whoever gave you this bundle could have made this file too. Take the log's key from somewhere else, for example from
the announcement of the programme. Then compare; the exporter says that it is

  {vkey}
{changed}
Check everything:

  phasegate verify BUNDLE --vkey '{vkey}'

It needs no server, no Kafka and no database. Keep the file `checkpoint`: with

  phasegate verify LATER-BUNDLE --vkey KEY --since OLD-CHECKPOINT

a history that was rewritten in between is found out, whoever signed it.

Without phasegate:

  sha256sum -c SHA256SUMS             each file is as it was exported
  checkpoint                          C2SP signed note and tlog-checkpoint (https://c2sp.org)
  tile/...                            C2SP tlog-tiles: leaf = SHA-256(00 || entry), node = SHA-256(01 || left || right)
  openings.ndjson                     the records; SHA-256 over salt, key, headers, value is the entry's commitment
  positions.json                      whose the Kafka offsets between this programme's own are
  deployment.json                     partitions; the office's public keys, as the exporter says{office}
  rulebooks/, schemas/                the rules that were announced; JSON Schemas of the events
"""

_CHANGED = """
The log changed its key. Each checkpoint that an old key and the next one signed is in handovers/; with the key that you
have, verify follows them to the one above, where the log itself names the key that comes next.
"""

_VIEW = """
It shows only a part of the records: {view}. The others are withheld. That they are there, when they came and what
was said of them is in the entries; their content is not.
"""


def readme(
    checkpoint: Checkpoint, key: VerifierKey, office: Sequence[VerifierKey], view: str = "", *, changed: bool
) -> bytes:
    """The bytes of the file. `view` names the part of the records that the bundle shows; all when empty. `changed`: there
    are hand-overs.
    """
    told = "".join(f"\n                                      {format_vkey(one)}" for one in office)
    return _TEXT.format(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        vkey=format_vkey(key),
        office=told,
        changed=_CHANGED if changed else "",
        view=_VIEW.format(view=view) if view else "",
    ).encode()
