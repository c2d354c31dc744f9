"""Forgeries of records: their order, their places, verdicts and decisions; sealed by the log's own key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from events.derived import pipeline_source
from events.entry import Entry
from events.values import format_instant, parse_instant
from infra.keys import SigningKey, from_seed
from tests.golden.forging import Attempt, Forger, with_data
from tests.support import small
from tests.support.bundles import entries_of, resigned
from tests.support.stage import OFFICE_KEY

STRANGER = from_seed("office.phasegate.example", b"\x0b" * 32)


def sealed(change: Callable[[Forger], object]) -> Callable[[Forger], Attempt]:
    """Changed, and signed again by the log's key."""

    def make(forger: Forger) -> Attempt:
        change(forger)
        return Attempt(forger.sealed())

    return make


def drop(forger: Forger) -> None:
    """An entry gone, the others as they were."""
    index = forger.first("score.recorded")
    del forger.entries[index], forger.openings[index]
    forger.openings = {n - (n > index): opening for n, opening in forger.openings.items()}


def entry_in_another_form(forger: Forger) -> Attempt:
    entries = entries_of(forger.golden.files)
    entries[0] = b" " + entries[0]
    return Attempt(resigned(forger.golden.files, entries, forger.openings))


def double(forger: Forger) -> None:
    index = forger.first("score.recorded")
    forger.entries.insert(index + 1, forger.entries[index])
    forger.openings = {n + (n > index): opening for n, opening in forger.openings.items()}


def swap(forger: Forger) -> None:
    order = [one.index for one in forger.entries]
    one, other = forger.first("score.recorded"), forger.first("score.recorded", nth=1)
    order[one], order[other] = other, one
    forger.arrange(order)


def omit(forger: Forger) -> Entry:
    index = forger.first("score.recorded")
    gone = forger.entries[index]
    forger.arrange(forger.without(index))
    return gone


def omit_as_nobodys(forger: Forger) -> None:
    gone = omit(forger)
    forger.attribute("scores", gone.offset, gone.offset + 1, "control")


def repeat(forger: Forger) -> None:
    index = forger.first("score.recorded")
    forger.arrange([*range(index + 1), index, *range(index + 1, len(forger.entries))])


def attribute_own(forger: Forger) -> None:
    gone = forger.entries[forger.first("score.recorded")]
    forger.attribute("scores", gone.offset, gone.offset + 1, "other-cup")


def attribute_to_itself(forger: Forger) -> None:
    forger.places = [replace(place, others=((0, 1, small.PROGRAMME),)) for place in forger.places]


def ends_later(forger: Forger) -> None:
    forger.places = [replace(place, next=place.next + 1) for place in forger.places]


def partition_left_out(forger: Forger) -> None:
    forger.places = [place for place in forger.places if place.topic != "audits"]


def rulebook_exchanged(forger: Forger) -> None:
    """In the announcement, under the old digest, signed by the office."""
    index = forger.first("programme.announced")
    event = forger.event(index)
    forger.say(index, with_data(event, rulebook={**event.data["rulebook"], "version": "9"}), OFFICE_KEY)


def resay(name: str, key: SigningKey | None, **changes: object) -> Callable[[Forger], None]:
    """An event of this type with other data, signed by the office, by a stranger, or by nobody."""

    def change(forger: Forger) -> None:
        index = forger.first(name)
        forger.say(index, with_data(forger.event(index), **changes), key)

    return change


def another_programmes(forger: Forger) -> None:
    index = forger.first("score.recorded")
    forger.reopen(index, key=b"other-cup")


def backdate_mark(forger: Forger) -> None:
    """A mark that came too late, stamped within the window and accepted."""
    index = forger.first("score.recorded", "refused", reason="late")
    early = forger.entries[forger.first("score.recorded")].received_ms
    forger.entry(index, received_ms=early, verdict="accepted", reason=None)


def backdate_marker(forger: Forger) -> None:
    closing = forger.first("intake.closed")
    index = max(one.index for one in forger.entries[:closing] if one.type == "phasegate.intake.marked.v1")
    forger.entry(index, received_ms=forger.entries[index].received_ms - 10 * small.DAY)


def settled_twice(forger: Forger) -> None:
    index = forger.settlement("refused")
    forger.arrange([*range(index + 1), index, *range(index + 1, len(forger.entries))])


def settles_another(forger: Forger) -> None:
    index = forger.settlement()
    forger.entry(index, of=forger.entries[index + 1].of)


def duplicate_accepted(forger: Forger) -> None:
    forger.entry(forger.first("entrant.registered", "duplicate"), verdict="accepted")


def pending_accepted(forger: Forger) -> None:
    forger.entry(forger.first("marks.annulled", "pending"), verdict="accepted")


def decision_forged(forger: Forger) -> None:
    """By somebody who holds the office's key: everybody advances."""
    index = forger.first("phase.decided")
    event = forger.event(index)
    rows = [{**row, "outcome": "advanced"} for row in event.data["outcomes"]]
    forger.say(index, with_data(event, outcomes=rows), OFFICE_KEY)


def other_basis(name: str, **changes: object) -> Callable[[Forger], None]:
    def change(forger: Forger) -> None:
        index = forger.first(name)
        event = forger.event(index)
        forger.say(index, with_data(event, basis={**event.data["basis"], **changes}), OFFICE_KEY)

    return change


def marker_of_another_deadline(forger: Forger) -> None:
    index = forger.first("intake.marked")
    event = forger.event(index)
    earlier = format_instant(parse_instant(event.data["deadline"]) - 1)
    forger.say(index, with_data(event, deadline=earlier), OFFICE_KEY)


def screened_by_nobody(forger: Forger) -> None:
    """An auditor's finding, in the name of the pipeline: its screen found nothing."""
    index = forger.first("finding.recorded")
    forger.say(index, replace(forger.event(index), source=pipeline_source(small.PROGRAMME)), OFFICE_KEY)
