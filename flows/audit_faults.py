"""What an audit finds wrong, by a code of its own: so that whoever reads the result knows which defect it is.

The codes are in the member `fault` of an error's details; docs/verification.md has the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from events.bundle import CHECKPOINT, DEPLOYMENT, OPENINGS, POSITIONS, SUMS
from events.entry import Entry, decode_entry
from events.errors import Tampered
from events.tiles import WIDTH, bundles_of, split_entries
from flows.audit_tree import BUNDLE_BYTES
from handlers.replay_report import Difference
from infra.bundle.reading import Files

_MALFORMED = {
    CHECKPOINT: "checkpoint-malformed",
    OPENINGS: "opening-malformed",
    POSITIONS: "positions-malformed",
    DEPLOYMENT: "deployment-malformed",
    SUMS: "sums-malformed",
}


def named(error: Tampered) -> Tampered:
    """The error with its code: where it has none, what it is about is not in the one form that it may have."""
    file = str(error.details.get("file", ""))
    malformed = "entry-malformed" if file.startswith("tile/entries/") else "tile-malformed" if "tile/" in file else ""
    error.details.setdefault("fault", _MALFORMED.get(file) or malformed or "bundle-malformed")
    return error


def differs(first: Difference, path: str) -> Tampered:
    """The error of a log that came out differently when it was replayed."""
    return Tampered(
        f"entry {first.index}: {first.what}: {first.member or 'the event'} is recorded as {first.recorded!r}, "
        f"replayed as {first.replayed!r}{first.reason and f' for {first.reason}'}",
        file=path, index=first.index, expected=first.replayed, found=first.recorded, **details_of(first),
    )  # fmt: skip


def details_of(difference: Difference) -> Mapping[str, Any]:
    """Code, type, member and reason of what a replay makes otherwise."""
    about = {"fault": (fault := _fault(difference)), "type": difference.type}
    if difference.member:
        about["member"] = difference.member
    return about | ({"reason": difference.reason} if fault == "to-be-refused" else {})


def _fault(one: Difference) -> str:
    match one.what, one.member:
        case "verdict", "entry":
            return "settled-without-cause" if one.recorded.startswith("a settlement") else "settlement-missing"
        case "verdict", "verdict":
            return {"refused": "to-be-refused", "accepted": "to-be-accepted"}.get(one.replayed, "judged-otherwise")
        case "verdict", "commitment":
            return "commitment-differs"
        case "verdict", _:
            return "judged-otherwise"
        case _, "":
            return "not-due"
        case _, member if member.startswith("data.basis"):
            return "basis-differs"
        case _:
            return "made-otherwise"


def index_of(files: Files, size: int, is_meant: Callable[[Entry], bool]) -> int | None:
    """Where the log has an entry that is meant, if anywhere. Reads the whole log: only to say more of what is wrong."""
    for bundle in bundles_of(size):
        data = files.read(bundle.path, BUNDLE_BYTES)
        for entry in split_entries(data, bundle.width, bundle.path, bundle.number * WIDTH):
            try:
                found = decode_entry(entry)
            except Tampered:
                continue
            if is_meant(found):
                return found.index
    return None
