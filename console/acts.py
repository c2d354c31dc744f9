"""The acts of people: which command says which event, and which words become its data. One table; the models validate.

Only plain data here, for `--help` must come at once: types are named by their short names.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from console import arguments
from console.words import Word, objects, option, word


@dataclass(frozen=True, slots=True)
class Act:
    """An event of this type (short name). `previews`: it can change an outcome, so it takes `--dry-run`."""

    type: str
    summary: str
    words: tuple[Word, ...]
    previews: bool = False


def _reason(member: str = "reason") -> Word:
    return option(member, "--reason", "why; it is on record", needed=True)


PHASE = word("phase", "the phase's id")
ENTRANT = word("entrant", "the entrant's id")
EVALUATOR = word("evaluator", "the evaluator's pseudonym")
BY = option("evaluator", "--evaluator", "who says it, by pseudonym", needed=True)
ENTRANTS = word("entrants", "the entrants concerned", many=True)
DECISION = word("decision", "the decision's id, or a unique beginning of it", "decision")
SCORE = word(
    "score", "the id of the first mark, a unique beginning of it, or ENTRANT/CRITERION/ITEM/EVALUATOR", "score"
)
SLOT = word("entrant/criterion/item", "what is marked, as `held` names it")
COUNT = word("entrant/gate/count", "what is looked at, as `held` names it")
VALUE = word("value", "an exact decimal")
REFERENCE = option("reference", "--reference", "the value that a ratio is taken to")
REOPENING = option(
    "reopening", "--reopening", "the phase.reopened it belongs to; default: the one that runs", "reopening"
)
VERDICT = word("verdict", "what holds", choices=("met", "not-met", "undetermined"))

ACTS: Mapping[str, Act] = {
    "register": Act("entrant.registered", "a team takes part", (
        ENTRANT,
        option("name", "--name", "the team's name", needed=True),
        option("members", "--member", "a member of the team; may be repeated", many=True),
    )),
    "appoint": Act("evaluator.appointed", "an evaluator may mark for a panel", (EVALUATOR, word("panel", "the panel"))),
    "submit": Act("submission.received", "an entrant hands in its work", (
        PHASE, ENTRANT,
        word("artefacts", "a file that is handed in; its digest is sent, not the file", "file", many=True),
        option("title", "--title", "what it is called", needed=True),
        option("manifest", "--manifest", "a CycloneDX 1.6 JSON file that goes along", "document"),
        option("supersedes", "--supersedes", "the entrant's submission that this one replaces", "submission"),
    )),
    "withdraw entrant": Act("entrant.withdrawn", "an entrant leaves the programme", (ENTRANT, _reason()), previews=True),
    "withdraw submission": Act("submission.withdrawn", "an entrant takes its submission back", (
        word("submission", "the submission's id", "submission"), _reason(),
    )),
    "withdraw objection": Act("objection.withdrawn", "an entrant takes its objection back", (
        word("objection", "the objection's id", "objection"), _reason(),
    )),
    "apply": Act("application.received", "an entrant applies to an open call", (
        word("call", "the id of the call's phase"), ENTRANT,
        option("statement", "--statement", "what the entrant says", needed=True),
    )),
    "decline": Act("invitation.declined", "an organisation does not take part", (
        word("organisation", "its name"),
        option("call", "--call", "the call it was invited to"),
        option("phase", "--phase", "the phase it was invited to"), _reason(),
    )),
    "mark": Act("score.recorded", "give one mark", (
        PHASE, SLOT, VALUE, BY, REFERENCE, option("comment", "--comment", "a remark"), REOPENING,
    ), previews=True),
    "correct": Act("score.corrected", "replace the value of a mark", (
        SCORE, VALUE, REFERENCE, REOPENING, _reason(),
    ), previews=True),
    "void": Act("score.voided", "take a mark out of the count", (SCORE, _reason()), previews=True),
    "annul": Act("marks.annulled", "take what an evaluator gave out of the count", (
        PHASE, EVALUATOR,
        option("entrants", "--entrant", "only what was given to this entrant; may be repeated", many=True), _reason(),
    ), previews=True),
    "declare": Act("conflict.declared", "an evaluator has an interest in entrants", (
        EVALUATOR, ENTRANTS, option("nature", "--nature", "what the interest is", needed=True),
    ), previews=True),
    "recuse": Act("evaluator.recused", "an evaluator is out of the count for entrants", (
        EVALUATOR, ENTRANTS, _reason(),
    ), previews=True),
    "find": Act("finding.recorded", "a count of a gate is met or not", (
        PHASE, COUNT, VERDICT,
        option("component", "--component", "the part of the submission that it is about"),
        objects("evidence", "--evidence", "what it rests on; may be repeated", ("uri", "sha256", "note")), REOPENING,
    ), previews=True),
    "tick": Act("count.ticked", "a panel's member ticks a count of a gate as not met", (
        PHASE, COUNT, BY, option("not_met", "--met", "take the tick back", "unless"),
    ), previews=True),
    "rebut": Act("rebuttal.filed", "answer a finding", (
        word("finding", "the finding's id", "finding"), option("text", "--text", "the answer", needed=True),
    )),
    "rule": Act("ruling.issued", "decide on a finding", (
        word("finding", "the finding's id", "finding"), VERDICT, _reason("reasons"),
    ), previews=True),
    "vote": Act("recognition.voted", "say whether an applicant can compete", (
        word("call", "the id of the call's phase"), ENTRANT, word("vote", "the vote", choices=("yes", "no")), BY,
    ), previews=True),
    "reproduce": Act("reproduction.reported", "report a random re-run of a result", (PHASE, SLOT, VALUE)),
    "sign": Act("decision.signed", "take responsibility for a decision", (
        DECISION,
        option("role", "--role", "in which role; default: the only one that has to sign still"),
        option("meaning", "--meaning", "what the signature means; default: as the rulebook says"),
    )),
    "return": Act("decision.returned", "refuse to sign a decision", (
        DECISION, option("role", "--role", "in which role; default: the only one that has to sign still"), _reason(),
    )),
    "object": Act("objection.filed", "object to a decision", (
        DECISION,
        option("entrant", "--entrant", "who objects", needed=True),
        option("grounds", "--grounds", "one of the rulebook's grounds", needed=True),
        option("text", "--text", "the objection", needed=True),
    )),
    "hear": Act("objection.ruled", "decide on an objection", (
        word("objection", "the objection's id", "objection"),
        word("outcome", "how it ends", choices=("upheld", "dismissed")),
        option("admissible", "--inadmissible", "it should not have been filed (dismissed)", "unless"),
        option("remedy", "--remedy", "what has to be done again"), _reason("reasons"),
    ), previews=True),
    "waive": Act("mark.waived", "do not wait for missing marks", (
        PHASE,
        option("entrant", "--entrant", "only marks of this entrant"),
        option("criterion", "--criterion", "only marks on this criterion"),
        option("item", "--item", "only marks on this item"),
        option("evaluator", "--evaluator", "only marks of this evaluator"), _reason(),
    ), previews=True),
    "resolve": Act("tie.resolved", "put entrants who tie in an order", (
        PHASE, word("order", "the entrants, first the one who goes before", many=True), _reason(),
    ), previews=True),
    "extend": Act("window.extended", "move a deadline of an open phase", (
        PHASE, word("window", "submissions, scores, …"), word("until", "the new deadline", "instant"), _reason(),
    )),
    "reopen": Act("phase.reopened", "compute a phase anew", (
        PHASE, word("until", "until when what is done again counts", "instant"),
        option("causes", "--cause", "an event that made it necessary; may be repeated", many=True), _reason("note"),
    ), previews=True),
    "approve": Act("act.approved", "approve another person's act", (
        word("act", "the id of the act's event", "act"),
        option("role", "--role", "in which role; default: the one that the rulebook names"),
        option("meaning", "--meaning", "what the approval means; default: approves"),
    ), previews=True),
    "erase": Act("record.erased", "erase what records hold", (
        word("records", "the index of the entry whose record is to be erased", "entry", many=True),
        option("grounds", "--grounds", "why; everybody may read it, so nothing personal belongs there", needed=True),
    )),
    "award": Act("award.granted", "grant an entrant what it receives", (
        PHASE, ENTRANT,
        objects("resources", "--resource", "may be repeated; default: as the rulebook says", ("kind", "quantity", "unit")),
        option("title", "--title", "the title that goes with it"),
    )),
    "publish-figures": Act("figures.published", "publish what a profile shows of a decision", (
        DECISION, word("profile", "a publication profile of the rulebook"),
    )),
}  # fmt: skip
"""By command; `withdraw` has a second word."""

WITHDRAW = "withdraw"


def arguments_of(act: Act) -> arguments.Add:
    """What a command that is an act takes."""

    def add(parser: argparse.ArgumentParser) -> None:
        arguments.programme(parser)
        for one in act.words:
            one.add_to(parser)
        sending(parser)
        if act.previews:
            parser.add_argument(
                "--dry-run", action="store_true", help="only show what it would change; nothing is sent"
            )

    return add


def sending(parser: argparse.ArgumentParser) -> None:
    """What every act takes: who says it, with which key, and when."""
    source = "who says it (a source of the rulebook); default: the only one that may"
    parser.add_argument("--as", dest="source", metavar="SOURCE", help=source)
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="sign with this key; default: the office's where needed"
    )
    arguments.scenario_time(parser)


def requeue(parser: argparse.ArgumentParser) -> None:
    arguments.programme(parser)
    parser.add_argument("index", type=arguments.number, metavar="INDEX", help="the entry of the refused record")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="what was wrong and is not any more; on record")
    parser.add_argument(
        "--value", type=Path, metavar="FILE", help="send this corrected event instead of the same bytes"
    )
    signs = "sign the corrected event with this key: its source's own"
    parser.add_argument("--value-key", type=Path, metavar="FILE", help=signs)
    parser.add_argument("--anyway", action="store_true", help="send it although it would be refused again")
    sending(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say which verdict it would get; nothing is sent")


def withdraw(parser: argparse.ArgumentParser) -> None:
    """`withdraw entrant`, `withdraw submission`, `withdraw objection`."""
    rows = {name.partition(" ")[2]: act for name, act in ACTS.items() if name.startswith(f"{WITHDRAW} ")}
    arguments.actions(parser, {name: (act.summary, arguments_of(act)) for name, act in rows.items()})


def amend(parser: argparse.ArgumentParser) -> None:
    arguments.check(parser)
    parser.add_argument(
        "--from", dest="from_phase", required=True, metavar="PHASE", help="the first phase that changes"
    )
    parser.add_argument("--reason", metavar="REASON", help="why; it is on record (not needed with --dry-run)")
    consent = "somebody who agreed; may be repeated"
    parser.add_argument("--consent", dest="consents", action="append", metavar="WHO", help=consent)
    parser.add_argument("--engine", metavar="N", help="decide by this version of the deciding code from that phase on")
    sending(parser)
    parser.add_argument("--dry-run", action="store_true", help="only show what it would change; nothing is sent")


def preview(parser: argparse.ArgumentParser) -> None:
    arguments.programme(parser)
    parser.add_argument("file", type=Path, metavar="FILE.ndjson", help="CloudEvents, one JSON object a line")
    arguments.scenario_time(parser)


COMMANDS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    **{name: (act.summary, arguments_of(act)) for name, act in ACTS.items() if " " not in name},
    WITHDRAW: ("an entrant leaves, or takes something back", withdraw),
}
"""The commands that are acts: summary, and what they take."""
