"""The defects that a bundle can have, each by its name, with how it is made and by what code `verify` tells of it.

Most are made by an operator who holds the log's key: tiles, root, signature and sums fit what was changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from events.bundle import CHECKPOINT, DEPLOYMENT, OPENINGS, POSITIONS, README, SUMS, encode_opening
from events.derived import pipeline_source
from events.entry import Entry
from events.note import Checkpoint, checkpoint_text
from events.values import format_instant, parse_instant
from infra.keys import from_seed
from tests.golden.forging import Attempt, Forger, with_data
from tests.support import small
from tests.support.bundles import checkpoint_of, entries_of, resigned, summed
from tests.support.stage import LOG_KEY, OFFICE_KEY

STRANGER = from_seed("office.phasegate.example", b"\x0b" * 32)
WITNESSES = tuple(from_seed(f"witness.example/{name}", bytes([seed]) * 32) for name, seed in (("a", 21), ("b", 22)))
FRESH_S, STALE_S = 2_000_000_000, 1_000_000_000


@dataclass(frozen=True, slots=True)
class Defect:
    """`about`: what else the error names, by which two of one code are told apart: type, member, reason, or the verdicts."""

    name: str
    fault: str
    make: Callable[[Forger], Attempt]
    about: tuple[str, ...] = ()


def _sealed(change: Callable[[Forger], object]) -> Callable[[Forger], Attempt]:
    """Changed, and signed again by the log's key."""

    def make(forger: Forger) -> Attempt:
        change(forger)
        return Attempt(forger.sealed())

    return make


def _in_file(path: str, change: Callable[[bytes], bytes]) -> Callable[[Forger], Attempt]:
    """A file changed, with a sum that fits."""

    def make(forger: Forger) -> Attempt:
        files = forger.golden.files
        (found,) = [name for name in files if name.startswith(path)][:1]
        return Attempt(summed({**files, found: change(files[found])}))

    return make


def _flipped(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


# ------------------------------------------------------------------------------------------------------------ checkpoint
def _signed(forger: Forger, head: Checkpoint, by: str, seed: bytes | None = None) -> Attempt:
    key = LOG_KEY.named(by) if seed is None else from_seed(by, seed)
    return Attempt(summed({**forger.golden.files, CHECKPOINT: key.sign_note(checkpoint_text(head))}))


def _by_another_key(forger: Forger) -> Attempt:
    head = checkpoint_of(forger.golden.files)
    return _signed(forger, head, head.origin, b"\x0c" * 32)


def _of_another_log(forger: Forger) -> Attempt:
    head = checkpoint_of(forger.golden.files)
    return _signed(forger, replace(head, origin="phasegate.example/other-cup"), head.origin)


def _broken_signature(forger: Forger) -> Attempt:
    note = forger.golden.files[CHECKPOINT]
    at = note.rindex(b" ") + 20
    letter = b"B" if note[at : at + 1] == b"A" else b"A"
    return Attempt(summed({**forger.golden.files, CHECKPOINT: note[:at] + letter + note[at + 1 :]}))


def _cut_off(forger: Forger) -> Attempt:
    """An older state, right in itself, for somebody who holds a newer checkpoint."""
    size = forger.first("phase.opened") + 1
    forger.arrange(list(range(size)))
    ends = {(one.topic, one.partition): one.offset + 1 for one in forger.entries if one.of is None}
    forger.places = [
        replace(place, next=end, others=tuple(one for one in place.others if one[1] < end))
        for place in forger.places
        if (end := ends.get((place.topic, place.partition))) is not None
    ]
    newer = forger.golden.files[CHECKPOINT]
    files = forger.sealed()
    announced = {path: data for path, data in files.items() if not path.startswith("rulebooks/")}
    first = f"rulebooks/{forger.event(forger.first('programme.announced')).data['digest']}.json"
    return Attempt(summed({**announced, first: files[first]}), lambda trust: replace(trust, since=newer))


def _rewritten(forger: Forger) -> Attempt:
    """The last record under another salt: nothing in the log contradicts it."""
    forger.reopen(max(forger.openings), salt=bytes(32))
    older = forger.golden.files[CHECKPOINT]
    return Attempt(forger.sealed(), lambda trust: replace(trust, since=older))


def _cosigned(times: tuple[int, ...], over: bytes | None = None) -> Callable[[Forger], Attempt]:
    """By as many witnesses as there are times, where two are asked for that have signed lately."""

    def make(forger: Forger) -> Attempt:
        note = forger.golden.files[CHECKPOINT]
        text = checkpoint_text(checkpoint_of(forger.golden.files)) if over is None else over
        lines = b"".join(key.cosign(text, at) for key, at in zip(WITNESSES, times, strict=False))
        files = summed({**forger.golden.files, CHECKPOINT: note + lines})
        asked = tuple(key.witness for key in WITNESSES)
        return Attempt(files, lambda trust: replace(trust, witnesses=asked, quorum=2, fresh_since_s=FRESH_S))

    return make


# ------------------------------------------------------------------------------------------------------ tree and openings
def _change_score(forger: Forger) -> None:
    index = forger.first("score.recorded")
    forger.say(index, with_data(forger.event(index), value="1"))


def _score_changed_unsigned(forger: Forger) -> Attempt:
    _change_score(forger)
    return Attempt(forger.unsigned())


def _opening_changed(forger: Forger) -> Attempt:
    """The record alone: the entry still commits to the old one."""
    index = forger.first("score.recorded")
    value = forger.openings[index].value
    assert value is not None
    forger.openings[index] = replace(forger.openings[index], value=value.replace(b'"value":"', b'"value":"1'))
    return _with_openings(forger)


def _opening_of_another(forger: Forger) -> Attempt:
    one, other = forger.first("score.recorded"), forger.first("score.recorded", nth=1)
    forger.openings[one] = forger.openings[other]
    return _with_openings(forger)


def _settlement_opened(forger: Forger) -> Attempt:
    forger.openings[forger.settlement()] = forger.openings[0]
    return _with_openings(forger)


def _opening_of_none(forger: Forger) -> Attempt:
    forger.openings[len(forger.entries)] = forger.openings[0]
    return _with_openings(forger)


def _with_openings(forger: Forger) -> Attempt:
    lines = b"".join(encode_opening(index, opening) for index, opening in sorted(forger.openings.items()))
    return Attempt(summed({**forger.golden.files, OPENINGS: lines}))


# ---------------------------------------------------------------------------------------------------- order and positions
def _drop(forger: Forger) -> None:
    """An entry gone, the others as they were."""
    index = forger.first("score.recorded")
    del forger.entries[index], forger.openings[index]
    forger.openings = {n - (n > index): opening for n, opening in forger.openings.items()}


def _entry_in_another_form(forger: Forger) -> Attempt:
    entries = entries_of(forger.golden.files)
    entries[0] = b" " + entries[0]
    return Attempt(resigned(forger.golden.files, entries, forger.openings))


def _double(forger: Forger) -> None:
    index = forger.first("score.recorded")
    forger.entries.insert(index + 1, forger.entries[index])
    forger.openings = {n + (n > index): opening for n, opening in forger.openings.items()}


def _swap(forger: Forger) -> None:
    order = [one.index for one in forger.entries]
    one, other = forger.first("score.recorded"), forger.first("score.recorded", nth=1)
    order[one], order[other] = other, one
    forger.arrange(order)


def _omit(forger: Forger) -> Entry:
    index = forger.first("score.recorded")
    gone = forger.entries[index]
    forger.arrange(forger.without(index))
    return gone


def _omit_as_nobodys(forger: Forger) -> None:
    gone = _omit(forger)
    forger.attribute("scores", gone.offset, gone.offset + 1, "control")


def _repeat(forger: Forger) -> None:
    index = forger.first("score.recorded")
    forger.arrange([*range(index + 1), index, *range(index + 1, len(forger.entries))])


def _attribute_own(forger: Forger) -> None:
    gone = forger.entries[forger.first("score.recorded")]
    forger.attribute("scores", gone.offset, gone.offset + 1, "other-cup")


def _attribute_to_itself(forger: Forger) -> None:
    forger.places = [replace(place, others=((0, 1, small.PROGRAMME),)) for place in forger.places]


def _ends_later(forger: Forger) -> None:
    forger.places = [replace(place, next=place.next + 1) for place in forger.places]


def _partition_left_out(forger: Forger) -> None:
    forger.places = [place for place in forger.places if place.topic != "audits"]


# --------------------------------------------------------------------------------------------------------------- verdicts
def _rulebook_exchanged(forger: Forger) -> None:
    """In the announcement, under the old digest, signed by the office."""
    index = forger.first("programme.announced")
    event = forger.event(index)
    forger.say(index, with_data(event, rulebook={**event.data["rulebook"], "version": "9"}), OFFICE_KEY)


def _resay(name: str, key: object, **changes: object) -> Callable[[Forger], None]:
    """An event of this type with other data, signed by the office, by a stranger, or by nobody."""

    def change(forger: Forger) -> None:
        index = forger.first(name)
        forger.say(index, with_data(forger.event(index), **changes), key)  # type: ignore[arg-type]

    return change


def _another_programmes(forger: Forger) -> None:
    index = forger.first("score.recorded")
    forger.reopen(index, key=b"other-cup")


def _backdate_mark(forger: Forger) -> None:
    """A mark that came too late, stamped within the window and accepted."""
    index = forger.first("score.recorded", "refused", reason="late")
    early = forger.entries[forger.first("score.recorded")].received_ms
    forger.entry(index, received_ms=early, verdict="accepted", reason=None)


def _backdate_marker(forger: Forger) -> None:
    closing = forger.first("intake.closed")
    index = max(one.index for one in forger.entries[:closing] if one.type == "phasegate.intake.marked.v1")
    forger.entry(index, received_ms=forger.entries[index].received_ms - 10 * small.DAY)


def _settled_twice(forger: Forger) -> None:
    index = forger.settlement("refused")
    forger.arrange([*range(index + 1), index, *range(index + 1, len(forger.entries))])


def _settles_another(forger: Forger) -> None:
    index = forger.settlement()
    forger.entry(index, of=forger.entries[index + 1].of)


def _duplicate_accepted(forger: Forger) -> None:
    forger.entry(forger.first("entrant.registered", "duplicate"), verdict="accepted")


def _pending_accepted(forger: Forger) -> None:
    forger.entry(forger.first("marks.annulled", "pending"), verdict="accepted")


# -------------------------------------------------------------------------------------------------------------- decisions
def _decision_forged(forger: Forger) -> None:
    """By somebody who holds the office's key: everybody advances."""
    index = forger.first("phase.decided")
    event = forger.event(index)
    rows = [{**row, "outcome": "advanced"} for row in event.data["outcomes"]]
    forger.say(index, with_data(event, outcomes=rows), OFFICE_KEY)


def _other_basis(name: str, **changes: object) -> Callable[[Forger], None]:
    def change(forger: Forger) -> None:
        index = forger.first(name)
        event = forger.event(index)
        forger.say(index, with_data(event, basis={**event.data["basis"], **changes}), OFFICE_KEY)

    return change


def _marker_of_another_deadline(forger: Forger) -> None:
    index = forger.first("intake.marked")
    event = forger.event(index)
    earlier = format_instant(parse_instant(event.data["deadline"]) - 1)
    forger.say(index, with_data(event, deadline=earlier), OFFICE_KEY)


def _screened_by_nobody(forger: Forger) -> None:
    """An auditor's finding, in the name of the pipeline: its screen found nothing."""
    index = forger.first("finding.recorded")
    forger.say(index, replace(forger.event(index), source=pipeline_source(small.PROGRAMME)), OFFICE_KEY)


# ------------------------------------------------------------------------------------------------------------------ files
def _without(path: str) -> Callable[[Forger], Attempt]:
    def make(forger: Forger) -> Attempt:
        return Attempt(summed({name: data for name, data in forger.golden.files.items() if not name.startswith(path)}))

    return make


def _more(path: str) -> Callable[[Forger], Attempt]:
    return lambda forger: Attempt(summed({**forger.golden.files, path: b"{}"}))


def _readme_alone(forger: Forger) -> Attempt:
    return Attempt({**forger.golden.files, README: b"Trust me.\n"})


DEFECTS: tuple[Defect, ...] = (
    Defect("a checkpoint that another key signed", "not-signed", _by_another_key),
    Defect("a checkpoint of another log", "another-log", _of_another_log),
    Defect("a signature that was changed", "signature-wrong", _broken_signature),
    Defect("a checkpoint in another form", "checkpoint-malformed", _in_file(CHECKPOINT, lambda data: data[:-1])),
    Defect("the end cut off, or an old state restored", "cut-off", _cut_off),
    Defect("a history written anew and signed again", "history-rewritten", _rewritten),
    Defect("a cosignature that is too old", "witnesses-stale", _cosigned((FRESH_S, STALE_S))),
    Defect("a cosignature that is missing", "witnesses-missing", _cosigned((FRESH_S,))),
    Defect("an entry edited", "entry-not-in-tile", _in_file("tile/entries/000", lambda data: _flipped(data, 40))),
    Defect("a tile edited", "tile-differs", _in_file("tile/1/", _flipped)),
    Defect("a tile cut short", "tile-malformed", _in_file("tile/1/", lambda data: data[:-1])),
    Defect("a score changed, everything made anew but the signature", "root-not-signed", _score_changed_unsigned),
    Defect("a score changed in its opening", "opening-differs", _opening_changed),
    Defect("the opening of another entry", "opening-of-another", _opening_of_another),
    Defect("an opening under a settlement", "settlement-opened", _settlement_opened),
    Defect("an opening of no entry", "opening-extra", _opening_of_none),
    Defect("an opening in another form", "opening-malformed", _in_file(OPENINGS, lambda data: b" " + data)),
    Defect("an entry dropped, the others left as they are", "index-skipped", _sealed(_drop)),
    Defect("an index given twice", "index-repeated", _sealed(_double)),
    Defect("an entry in another form", "entry-malformed", _entry_in_another_form),
    Defect("entries in another order", "records-reordered", _sealed(_swap)),
    Defect("a record left out: a gap in the positions", "record-missing", _sealed(_omit)),
    Defect("a record left out, its position said to be nobody's", "attribution-differs", _sealed(_omit_as_nobodys)),
    Defect("a record twice", "record-repeated", _sealed(_repeat)),
    Defect("a position of the log's own said to be another's", "record-attributed", _sealed(_attribute_own)),
    Defect("positions attributed to the log itself", "positions-own", _sealed(_attribute_to_itself)),
    Defect("positions that end elsewhere", "positions-end", _sealed(_ends_later)),
    Defect("positions that leave a partition out", "partition-unnamed", _sealed(_partition_left_out)),
    Defect("positions in another form", "positions-malformed", _in_file(POSITIONS, lambda data: b" " + data)),
    Defect("a rulebook exchanged in its file", "rulebook-differs", _in_file("rulebooks/", lambda d: d + b" ")),
    Defect("a rulebook that was announced, and is not there", "rulebook-missing", _without("rulebooks/")),
    Defect("a rulebook that was never announced", "rulebook-unknown", _more(f"rulebooks/{'0' * 64}.json")),
    Defect("a rulebook exchanged in the announcement", "to-be-refused", _sealed(_rulebook_exchanged),
           ("programme.announced", "schema-invalid")),
    Defect("a decision signed with a wrong key", "to-be-refused", _sealed(_resay("phase.decided", STRANGER)),
           ("phase.decided", "signature-invalid")),
    Defect("a decision that nobody signed", "to-be-refused", _sealed(_resay("phase.decided", None)),
           ("phase.decided", "signature-missing")),
    Defect("a marker signed with a wrong key", "to-be-refused", _sealed(_resay("intake.marked", STRANGER)),
           ("intake.marked", "signature-invalid")),
    Defect("a mark of another programme", "to-be-refused", _sealed(_another_programmes),
           ("score.recorded", "unknown-programme")),
    Defect("a late mark backdated and accepted", "to-be-refused", _sealed(_backdate_mark), ("score.recorded", "late")),
    Defect("other partitions than the log was recorded with", "to-be-refused",
           _in_file(DEPLOYMENT, lambda data: data.replace(b'"partitions":4', b'"partitions":5')),
           ("entrant.registered", "wrong-partition")),
    Defect("a verdict flipped: a mark refused that was in time", "to-be-accepted",
           _sealed(lambda f: f.entry(f.first("score.recorded"), verdict="refused", reason="late")), ("score.recorded",)),
    Defect("a refusal with another reason", "judged-otherwise",
           _sealed(lambda f: f.entry(f.first("score.recorded", "refused", reason="late"), reason="too-early")),
           ("score.recorded", "reason")),
    Defect("a repeat accepted as if it were new", "judged-otherwise", _sealed(_duplicate_accepted),
           ("entrant.registered", "verdict")),
    Defect("a record accepted before what it waits for", "judged-otherwise", _sealed(_pending_accepted),
           ("marks.annulled", "verdict")),
    Defect("a marker backdated behind its deadline", "judged-otherwise", _sealed(_backdate_marker),
           ("intake.closed", "verdict")),
    Defect("a settlement of another entry", "judged-otherwise", _sealed(_settles_another), ("evaluator.appointed", "of")),
    Defect("a settlement with another commitment", "commitment-differs",
           _sealed(lambda f: f.entry(f.settlement(), commitment="0" * 64)), ("evaluator.appointed", "commitment")),
    Defect("a record settled twice", "settled-without-cause", _sealed(_settled_twice)),
    Defect("a settlement left out", "settlement-missing",
           _sealed(lambda f: f.arrange(f.without(f.settlement("refused"))))),
    Defect("a score changed after the cut, and signed again", "made-otherwise", _sealed(_change_score),
           ("intake.closed", "data.root")),
    Defect("a forged decision, signed with the office's key", "made-otherwise", _sealed(_decision_forged),
           ("phase.decided", "data.outcomes")),
    Defect("a marker of another deadline, signed with the office's key", "to-be-refused",
           _sealed(_marker_of_another_deadline), ("intake.marked", "illegal-transition")),
    Defect("an event that nothing made due, signed with the office's key", "not-due", _sealed(_screened_by_nobody),
           ("finding.recorded",)),
    Defect("a decision that names another engine", "basis-differs", _sealed(_other_basis("phase.decided", engine="2")),
           ("phase.decided", "data.basis.engine")),
    Defect("a decision that names another cut", "basis-differs", _sealed(_other_basis("phase.decided", size=7)),
           ("phase.decided", "data.basis.size")),
    Defect("a file that a bundle does not have", "file-extra", _more("more.txt")),
    Defect("a file that is missing", "file-missing", _without(POSITIONS)),
    Defect("a file changed, its sum not", "sum-differs", _readme_alone),
    Defect("sums in another form", "sums-malformed",
           lambda forger: Attempt({**forger.golden.files, SUMS: forger.golden.files[SUMS] + b"x"})),
    Defect("a deployment in another form", "deployment-malformed", _in_file(DEPLOYMENT, lambda data: b" " + data)),
)  # fmt: skip
