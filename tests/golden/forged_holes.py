"""Forgeries around what was erased and what was attested: an erasure hides more than it may, an attestation says too much."""

from __future__ import annotations

from tests.golden.forged_bytes import with_openings
from tests.golden.forged_records import STRANGER
from tests.golden.forging import Attempt, Forger, with_data
from tests.support.stage import OFFICE_KEY


def _hole(forger: Forger, name: str) -> int:
    """The first entry of this type whose record was erased."""
    wanted = f"phasegate.{name}.v1"
    return next(
        one.index for one in forger.entries if (one.type, one.of) == (wanted, None) and one.index not in forger.openings
    )


def erasure_left_out(forger: Forger) -> None:
    """That of the registration: nothing in the log says any more why it is not there."""
    index = forger.first("record.erased", nth=1)
    gone = forger.entries[index]
    forger.arrange(forger.without(index))
    forger.attribute(gone.topic, gone.offset, gone.offset + 1, "other-cup")


def opened_as_another(forger: Forger) -> Attempt:
    """Another team's registration in the place of the one that was erased."""
    forger.openings[_hole(forger, "entrant.registered")] = forger.openings[
        forger.first("entrant.registered", "pending")
    ]
    return with_openings(forger)


def erased_too_soon(forger: Forger) -> None:
    """What was refused before the decision is accepted, and the mark is gone before it was decided."""
    index = forger.first("record.erased", "refused", reason="illegal-transition")
    forger.entry(index, verdict="accepted", reason=None)
    (row,) = forger.event(index).data["records"]
    named = (row["topic"], row["partition"], row["offset"])
    (mark,) = [one.index for one in forger.entries if (one.topic, one.partition, one.offset) == named]
    del forger.openings[mark]


def erasure_refused(forger: Forger) -> None:
    forger.entry(forger.first("record.erased"), verdict="refused", reason="not-eligible")


def other_root(forger: Forger) -> None:
    """The attestor's last one, with the office's signature. No later entry vouches for a root that covers it."""
    index = forger.first("replay.attested", nth=1)
    forger.say(index, with_data(forger.event(index), root="0" * 64), OFFICE_KEY)


def attested_by_stranger(forger: Forger) -> None:
    """The auditor's last one: it is not judged again, since something is missing before it, and is signed all the same."""
    index = [one.index for one in forger.entries if one.type == "phasegate.replay.attested.v1"][-1]
    forger.say(index, forger.event(index), STRANGER)
