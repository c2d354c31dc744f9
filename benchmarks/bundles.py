"""Verifying a bundle: the log alone, and with every verdict made again, against the hashing that nobody can leave out, against
what a Python process must do, and against the public Go modules; and proofs of single entries while the log grows.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

from benchmarks.log import make_log
from benchmarks.measure import Row, Timed, flat, in_turns, timed, within
from benchmarks.programme import LOG_KEY, OFFICE_KEY, ORIGIN, PARTITIONS, PROGRAMME
from events import merkle
from events.bundle import OPENINGS, decode_opening
from events.entry import commitment, decode_members
from events.note import format_vkey
from events.proofs import inclusion_proof, verify_inclusion
from events.tiles import Tile, bundles_of, reading_tiles, split_entries
from flows.audit_report import Trust
from flows.auditing import Audit
from flows.exporting import Exporter
from infra.bundle.reading import open_bundle
from infra.bundle.writing import DirectoryWriter
from infra.ledger import Ledger

AIM = 3.0
"""Verifying the log alone may take so many times the floor."""

FLAT_AIM = 1.5
"""A proof in a log a hundred times as large may take so many times as long: its reads grow by a tile."""

KEY = LOG_KEY.named(f"{ORIGIN}/{PROGRAMME}").verifier
GO = Path(__file__).parents[1] / "tests" / "e2e" / "go" / "check.go"
MODULE = "golang.org/x/mod@v0.17.0"
PROOFS = 200


def by_size(folder: Path, sizes: list[int]) -> Iterator[Row]:
    """Each size with a log of its own."""
    check = _go_check(folder)
    first: Row | None = None
    for size in sizes:
        place = folder / str(size)
        place.mkdir()
        ledger = make_log(place, size)
        ledger.sign(PROGRAMME, LOG_KEY)
        bundle = _exported(ledger, place / "bundle")
        yield from _verifying(bundle, size, check)
        row = _proving(ledger)
        yield row if first is None else flat(row, first, FLAT_AIM)
        first = first or row
        ledger.close()
        shutil.rmtree(place)


def _exported(ledger: Ledger, place: Path) -> Path:
    head = ledger.head(PROGRAMME)
    assert head is not None
    office = {OFFICE_KEY.kid: OFFICE_KEY.public}
    return Exporter(ledger, PARTITIONS, office, (LOG_KEY.verifier,)).export(head, DirectoryWriter(place)).path


def _verifying(bundle: Path, size: int, check: Path | None) -> Iterator[Row]:
    floor, must = "floor: SHA-256 of all, tree", "floor of Python: JSON, its form, commitments too"
    candidates: dict[str, Timed] = {
        floor: timed(partial(hashed, bundle)),
        must: timed(partial(decoded, bundle)),
        "verify, the log alone": timed(partial(verified, bundle, judges=False)),
        "verify, with every verdict": timed(partial(verified, bundle, judges=True)),
    }
    if check is not None:
        candidates["Go: signature, leaves, tiles, proofs"] = partial(_go, check, bundle, size)
    rows = in_turns(candidates, max(1, min(5, 200_000 // size)))
    yield rows[floor]
    yield within(rows[must], rows[floor], None)
    yield within(rows["verify, the log alone"], rows[floor], AIM)
    yield within(rows["verify, the log alone"], rows[must], None)
    yield within(rows["verify, with every verdict"], rows[floor], None)
    for name in rows.keys() & {"Go: signature, leaves, tiles, proofs"}:
        yield rows[name]
        yield within(rows["verify, the log alone"], rows[name], None)


def verified(bundle: Path, *, judges: bool) -> int:
    """As `phasegate verify` does it; without judging, all but verdicts, decisions and signatures."""
    with open_bundle(bundle) as files:
        return Audit(files, Trust(KEY, (OFFICE_KEY.verifier,)), judges=judges).run().checked["entries"]


def hashed(bundle: Path) -> int:
    """Every file's sum, every leaf, the tree over them."""
    stack, count = list[bytes](), 0
    for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
        data = path.read_bytes()
        sha256(data).digest()
        if path.relative_to(bundle).parts[:2] == ("tile", "entries"):
            for entry in _entries(data):
                merkle.append(stack, count, merkle.leaf_hash(entry))
                count += 1
    merkle.root(stack)
    return count


def decoded(bundle: Path) -> int:
    """The same, and each opening and entry read in its one form, and their commitments compared."""
    count = hashed(bundle)
    with open_bundle(bundle) as files:
        openings = files.lines(OPENINGS)
        for tile in bundles_of(count):
            data = (bundle / tile.path).read_bytes()
            for entry in split_entries(data, tile.width, tile.path, 0):
                opening = decode_opening(next(openings), OPENINGS)[1]
                if commitment(opening) != decode_members(entry)[7]:
                    raise RuntimeError("the measured bundle is at fault")
    return count


def _entries(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        yield data[start:at]


def _proving(ledger: Ledger) -> Row:
    """Proofs of entries all over the log, in wall time, and the tiles that they read."""
    head = ledger.head(PROGRAMME)
    assert head is not None
    size, tiles, reads = head.size, ledger.tiles(PROGRAMME), [0]
    root = merkle.root(head.stack)

    def hashes(tile: Tile) -> list[bytes]:
        reads[0] += 1
        return tiles.hashes(tile)

    began = time.perf_counter()
    for index in (number * (size - 1) // (PROOFS - 1) for number in range(PROOFS)):
        proof = inclusion_proof(index, size, reading_tiles(size, hashes))
        entry = next(iter(ledger.read(PROGRAMME, index, index + 1, with_openings=False))).entry
        verify_inclusion(index, size, merkle.leaf_hash(entry), proof, root)
    seconds = time.perf_counter() - began
    return Row(f"prove one entry of {size:,}: {reads[0] / PROOFS:.1f} tiles read", PROOFS, seconds)


def _go_check(folder: Path) -> Path | None:
    """The program of tests/e2e/go, built; None where Go or its module cannot be had."""
    go = shutil.which("go")
    if go is None:
        return None
    place = folder / "go"
    place.mkdir()
    (place / "go.mod").write_text("module check\n\ngo 1.21\n")
    shutil.copy(GO, place)
    for words in ((go, "get", MODULE), (go, "build", "-o", "check", ".")):
        if subprocess.run(words, cwd=place, capture_output=True, check=False).returncode:
            return None
    return place / "check"


def _go(check: Path, bundle: Path, size: int) -> tuple[int, float]:
    """In processor time of the process, on one core as ours."""
    words = [str(check), str(bundle), format_vkey(KEY)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, capture_output=True, env={**os.environ, "GOMAXPROCS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return size, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
