"""`verify` of a proof file: one entry, by somebody who has the entry, the proof, and a key from elsewhere."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.output import Result, Usage
from events.errors import Tampered
from events.values import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from events.entry import Entry
    from events.note import VerifierKey


def verify_file(
    options: argparse.Namespace, proof: Path, keys: Sequence[VerifierKey], read: Callable[[Path], bytes]
) -> Result:
    """The entry stands in the log; with an opening also what record it commits to. Raises Tampered otherwise."""
    from events.entry import decode_entry
    from events.proof_file import verify_proof

    if options.entry is None:
        raise Usage("a proof is of an entry, whose bytes lie beside it", hint="--entry FILE")
    data = read(options.entry)
    index, checkpoint = verify_proof(read(proof), data, keys)
    entry = decode_entry(data)
    if entry.index != index:
        raise Tampered(f"{options.entry} says that it is entry {entry.index}; the proof is of entry {index}")
    told: dict[str, Any] = {
        "proof": str(proof),
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "index": index,
        "type": entry.type,
        "verdict": entry.verdict,
        "received": format_instant(entry.received_ms),
        "event": None if options.opening is None else _opened(options.opening, read(options.opening), entry),
    }
    return Result(told, partial(_show, told=told))


def verify_receipt(path: Path, keys: Sequence[VerifierKey], read: Callable[[Path], bytes]) -> Result:
    """The intake signed that it took in this record. Raises Tampered otherwise."""
    from events.receipt import open_receipt

    receipt = open_receipt(read(path), keys)
    told = {
        "receipt": str(path),
        "record": str(receipt.position),
        "id": receipt.id,
        "source": receipt.source,
        "sha256": receipt.sha256,
        "received": format_instant(receipt.received_ms),
        "log": receipt.log,
        "recorded_by": format_instant(receipt.recorded_by_ms),
    }

    def render(console: Console) -> None:
        for name, value in told.items():
            console.print(f"{name:12} {value}", soft_wrap=True, highlight=False, markup=False)

    return Result(told, render)


def _opened(path: Path, line: bytes, entry: Entry) -> Any:
    """The event that the entry commits to."""
    import orjson

    from events.bundle import decode_opening
    from events.entry import commitment

    index, opening = decode_opening(line.removesuffix(b"\n"), str(path))
    if index != entry.index or commitment(opening) != entry.commitment:
        raise Tampered(f"{path} does not open entry {entry.index}: its commitment is another")
    return None if opening.value is None else orjson.loads(opening.value)


def _show(console: Console, told: dict[str, Any]) -> None:
    console.print(f"{told['origin']}: {told['size']} entries, root {told['root']}", soft_wrap=True)
    console.print(f"entry {told['index']} stands in it: {told['type']}, {told['verdict']}, received {told['received']}")
    if told["event"] is not None:
        console.print("and the opening is of the record that the entry commits to:")
        console.print_json(data=told["event"], ensure_ascii=False)
