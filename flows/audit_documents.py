"""The files of a bundle beside its log: which there may be, and what each must be."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache

from events import schemas
from events.bundle import CHECKPOINT, HANDOVER, PLAIN_FILES, RULEBOOK, SCHEMA, SUMS, canonical, decode_sums
from events.errors import Tampered
from events.tiles import WIDTH, bundles_of, tiles_of
from infra.bundle.reading import Files

DOCUMENT_BYTES = 64 << 20
_FREE = (RULEBOOK, SCHEMA, HANDOVER)
"""Files of which a bundle has as many as its log gives reason for."""


def check_names(files: Files, size: int) -> None:
    """Exactly the files that a bundle of this size has. One too many may be there to be mistaken for another."""
    if size > WIDTH * len(files.names):  # before names are made of a size that nobody may have signed
        raise Tampered(f"the bundle has {len(files.names)} files, too few for {size} entries", file=CHECKPOINT,
                       fault="file-missing")  # fmt: skip
    wanted = {tile.path for tile in (*tiles_of(size), *bundles_of(size))} | {*PLAIN_FILES, SUMS}
    free = {name for name in files.names - wanted if any(one.fullmatch(name) for one in _FREE)}
    if missing := sorted(wanted - files.names):
        raise Tampered(f"{missing[0]} is missing from the bundle", file=missing[0], expected="a file", found="none",
                       fault="file-missing")  # fmt: skip
    if extra := sorted(files.names - wanted - free):
        like = next((name for name in wanted if _folded(name) == _folded(extra[0])), "")
        looks = f"; it looks like {like}" if like else ""
        raise Tampered(f"a bundle of {size} entries has no file {extra[0][:200]!r}{looks}", file=extra[0][:200],
                       fault="file-extra")  # fmt: skip


def check_rulebooks(files: Files, announced: Mapping[str, bytes]) -> int:
    """Rulebooks are the announced ones to the byte. How many there are."""
    rulebooks = {name for name in files.names if RULEBOOK.fullmatch(name)}
    for path in sorted(rulebooks ^ announced.keys()):
        told = "is announced in the log, but missing" if path not in rulebooks else "was never announced in the log"
        raise Tampered(
            f"{path} {told}", file=path, fault=f"rulebook-{'missing' if path not in rulebooks else 'unknown'}"
        )
    for path, expected in announced.items():
        if files.read(path, DOCUMENT_BYTES) != expected:
            raise Tampered(f"{path} is not the rulebook that the log announces", file=path, fault="rulebook-differs")
    return len(rulebooks)


def check_schemas(files: Files) -> tuple[int, list[str]]:
    """How many schemas are this verifier's, and the paths of those that are not."""
    known = _own_schemas()
    present = sorted(name for name in files.names if SCHEMA.fullmatch(name))
    strange = [path for path in present if files.read(path, DOCUMENT_BYTES) != known.get(path)]
    return len(present) - len(strange), strange


@cache
def _own_schemas() -> Mapping[str, bytes]:
    return {f"schemas/{name}": canonical(document) for name, document in schemas.documents()}


def check_sums(files: Files) -> None:
    """Against accidents, and for files that nothing else covers: each has the sum that the exporter wrote."""
    expected = decode_sums(files.read(SUMS, DOCUMENT_BYTES))
    files.hash_rest()
    found = {path: digest for path, digest in files.sums.items() if path != SUMS}
    for path in sorted(expected.keys() | found.keys()):
        if expected.get(path) != found.get(path):
            raise Tampered(
                f"{path} has SHA-256 {found.get(path)}, {SUMS} says {expected.get(path)}",
                file=path, expected=expected.get(path), found=found.get(path), fault="sum-differs",
            )  # fmt: skip


def _folded(name: str) -> str:
    """What a person or a file system may take for the same name."""
    return unicodedata.normalize("NFKC", name).casefold().strip().rstrip(".")
