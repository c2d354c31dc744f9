"""The defects that a bundle can have, each by its name, with how it is made and by what code `verify` tells of it.

Most are made by an operator who holds the log's key: tiles, root, signature and sums fit what was changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from events.bundle import CHECKPOINT, DEPLOYMENT, OPENINGS, POSITIONS, SUMS
from tests.golden import forged_bytes as files
from tests.golden import forged_holes as holes
from tests.golden import forged_records as records
from tests.golden.forged_records import STRANGER, sealed
from tests.golden.forging import Attempt, Forger

ERASED = "erased-and-attested"


@dataclass(frozen=True, slots=True)
class Defect:
    """`about`: what else the error names, by which two of one code are told apart: type, member, reason, or the verdicts.
    `of`: the recording that it is made from.
    """

    name: str
    fault: str
    make: Callable[[Forger], Attempt]
    about: tuple[str, ...] = ()
    of: str = "whole-life"


DEFECTS: tuple[Defect, ...] = (
    Defect("a checkpoint that another key signed", "not-signed", files.by_another_key),
    Defect("a checkpoint of another log", "another-log", files.of_another_log),
    Defect("a signature that was changed", "signature-wrong", files.broken_signature),
    Defect("a checkpoint in another form", "checkpoint-malformed", files.in_file(CHECKPOINT, lambda data: data[:-1])),
    Defect("the end cut off, or an old state restored", "cut-off", files.cut_off),
    Defect("a history written anew and signed again", "history-rewritten", files.rewritten),
    Defect("a cosignature that is too old", "witnesses-stale", files.cosigned((files.FRESH_S, files.STALE_S))),
    Defect("a cosignature that is missing", "witnesses-missing", files.cosigned((files.FRESH_S,))),
    Defect("an entry edited", "entry-not-in-tile", files.in_file("tile/entries/000", lambda data: files.flipped(data, 40))),
    Defect("a tile edited", "tile-differs", files.in_file("tile/1/", files.flipped)),
    Defect("a tile cut short", "tile-malformed", files.in_file("tile/1/", lambda data: data[:-1])),
    Defect("a score changed, everything made anew but the signature", "root-not-signed", files.score_changed_unsigned),
    Defect("a score changed in its opening", "opening-differs", files.opening_changed),
    Defect("the opening of another entry", "opening-of-another", files.opening_of_another, ("score.recorded",)),
    Defect("an opening under a settlement", "settlement-opened", files.settlement_opened),
    Defect("an opening of no entry", "opening-extra", files.opening_of_none),
    Defect("an opening taken out, and no erasure names it", "opening-missing", files.opening_missing,
           ("score.recorded",)),
    Defect("an opening in another form", "opening-malformed", files.in_file(OPENINGS, lambda data: b" " + data)),
    Defect("an entry dropped, the others left as they are", "index-skipped", sealed(records.drop)),
    Defect("an index given twice", "index-repeated", sealed(records.double)),
    Defect("an entry in another form", "entry-malformed", records.entry_in_another_form),
    Defect("entries in another order", "records-reordered", sealed(records.swap)),
    Defect("a record left out: a gap in the positions", "record-missing", sealed(records.omit)),
    Defect("a record left out, its position said to be nobody's", "attribution-differs", sealed(records.omit_as_nobodys)),
    Defect("a record twice", "record-repeated", sealed(records.repeat)),
    Defect("a position of the log's own said to be another's", "record-attributed", sealed(records.attribute_own)),
    Defect("positions attributed to the log itself", "positions-own", sealed(records.attribute_to_itself)),
    Defect("positions that end elsewhere", "positions-end", sealed(records.ends_later)),
    Defect("positions that leave a partition out", "partition-unnamed", sealed(records.partition_left_out)),
    Defect("positions in another form", "positions-malformed", files.in_file(POSITIONS, lambda data: b" " + data)),
    Defect("a rulebook exchanged in its file", "rulebook-differs", files.in_file("rulebooks/", lambda d: d + b" ")),
    Defect("a rulebook that was announced, and is not there", "rulebook-missing", files.without("rulebooks/")),
    Defect("a rulebook that was never announced", "rulebook-unknown", files.more(f"rulebooks/{'0' * 64}.json")),
    Defect("a rulebook exchanged in the announcement", "to-be-refused", sealed(records.rulebook_exchanged),
           ("programme.announced", "schema-invalid")),
    Defect("a decision signed with a wrong key", "to-be-refused", sealed(records.resay("phase.decided", STRANGER)),
           ("phase.decided", "signature-invalid")),
    Defect("a decision that nobody signed", "to-be-refused", sealed(records.resay("phase.decided", None)),
           ("phase.decided", "signature-missing")),
    Defect("a marker signed with a wrong key", "to-be-refused", sealed(records.resay("intake.marked", STRANGER)),
           ("intake.marked", "signature-invalid")),
    Defect("a mark of another programme", "to-be-refused", sealed(records.another_programmes),
           ("score.recorded", "unknown-programme")),
    Defect("a late mark backdated and accepted", "to-be-refused", sealed(records.backdate_mark), ("score.recorded", "late")),
    Defect("other partitions than the log was recorded with", "to-be-refused",
           files.in_file(DEPLOYMENT, lambda data: data.replace(b'"partitions":4', b'"partitions":5')),
           ("entrant.registered", "wrong-partition")),
    Defect("a verdict flipped: a mark refused that was in time", "to-be-accepted",
           sealed(lambda f: f.entry(f.first("score.recorded"), verdict="refused", reason="late")), ("score.recorded",)),
    Defect("a refusal with another reason", "judged-otherwise",
           sealed(lambda f: f.entry(f.first("score.recorded", "refused", reason="late"), reason="too-early")),
           ("score.recorded", "reason")),
    Defect("a repeat accepted as if it were new", "judged-otherwise", sealed(records.duplicate_accepted),
           ("entrant.registered", "verdict")),
    Defect("a record accepted before what it waits for", "judged-otherwise", sealed(records.pending_accepted),
           ("marks.annulled", "verdict")),
    Defect("a marker backdated behind its deadline", "judged-otherwise", sealed(records.backdate_marker),
           ("intake.closed", "verdict")),
    Defect("a settlement of another entry", "judged-otherwise", sealed(records.settles_another), ("evaluator.appointed", "of")),
    Defect("a settlement with another commitment", "commitment-differs",
           sealed(lambda f: f.entry(f.settlement(), commitment="0" * 64)), ("evaluator.appointed", "commitment")),
    Defect("a record settled twice", "settled-without-cause", sealed(records.settled_twice)),
    Defect("a settlement left out", "settlement-missing",
           sealed(lambda f: f.arrange(f.without(f.settlement("refused"))))),
    Defect("a score changed after the cut, and signed again", "made-otherwise", sealed(files.change_score),
           ("intake.closed", "data.root")),
    Defect("a forged decision, signed with the office's key", "made-otherwise", sealed(records.decision_forged),
           ("phase.decided", "data.outcomes")),
    Defect("a marker of another deadline, signed with the office's key", "to-be-refused",
           sealed(records.marker_of_another_deadline), ("intake.marked", "illegal-transition")),
    Defect("an event that nothing made due, signed with the office's key", "not-due", sealed(records.screened_by_nobody),
           ("finding.recorded",)),
    Defect("a decision that names another engine", "basis-differs", sealed(records.other_basis("phase.decided", engine="2")),
           ("phase.decided", "data.basis.engine")),
    Defect("a decision that names another cut", "basis-differs", sealed(records.other_basis("phase.decided", size=7)),
           ("phase.decided", "data.basis.size")),
    Defect("a file that a bundle does not have", "file-extra", files.more("more.txt")),
    Defect("a file that is missing", "file-missing", files.without(POSITIONS)),
    Defect("a file changed, its sum not", "sum-differs", files.readme_alone),
    Defect("sums in another form", "sums-malformed",
           lambda forger: Attempt({**forger.golden.files, SUMS: forger.golden.files[SUMS] + b"x"})),
    Defect("a deployment in another form", "deployment-malformed", files.in_file(DEPLOYMENT, lambda data: b" " + data)),
    Defect("an erasure left out, its position said to be another's", "opening-missing", sealed(holes.erasure_left_out),
           ("entrant.registered",), ERASED),
    Defect("an erased record under the opening of another", "opening-of-another", holes.opened_as_another,
           ("entrant.registered",), ERASED),
    Defect("an erasure before its phase was final, accepted", "to-be-refused", sealed(holes.erased_too_soon),
           ("record.erased", "illegal-transition"), ERASED),
    Defect("an erasure refused, its records gone all the same", "to-be-accepted", sealed(holes.erasure_refused),
           ("record.erased",), ERASED),
    Defect("an attestor's root that is not the log's", "attestation-of-another-log", sealed(holes.other_root), of=ERASED),
    Defect("an attestation behind what was erased, signed with a wrong key", "not-signed-as-asked",
           sealed(holes.attested_by_stranger), of=ERASED),
)  # fmt: skip
