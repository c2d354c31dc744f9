"""Every command: one line in COMMANDS, and a function that adds its arguments (`arguments.nothing` and
`arguments.programme` are there).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from console import (
    account_arguments,
    acts,
    arguments,
    cluster_arguments,
    database_arguments,
    key_arguments,
    lever_arguments,
    looking_arguments,
    service_arguments,
    web_arguments,
)


@dataclass(frozen=True, slots=True)
class Command:
    """`runs` is `module:function`, imported when called. `reads`: it reads the log, so it takes `--at`."""

    summary: str
    arguments: arguments.Add
    runs: str
    reads: bool = False


COMMANDS: Mapping[str, Command] = {
    "demo": Command(
        "play the K-AI programme, then replay every decision", arguments.demo, "console.commands.running:demo"
    ),
    "run": Command("play a scenario over the real parts", arguments.run, "console.commands.running:run"),
    "announce": Command("begin a programme with its rulebook", arguments.announce, "console.commands.sending:announce"),
    "publish": Command("send the events of a file", arguments.publish, "console.commands.sending:publish"),
    "record": Command("the recorder, as a service", service_arguments.record, "console.commands.services:record"),
    "progress": Command("perform what is due in a programme", arguments.progress, "console.commands.services:progress"),
    "serve": Command("the flows, as a service", arguments.nothing, "console.commands.serving:serve"),
    "up": Command("everything local: Kafka, Prefect, the services", arguments.nothing, "console.commands.local:up"),
    "down": Command("end what up has started", arguments.nothing, "console.commands.local:down"),
    "metrics": Command(
        "what monitors read: metrics over HTTP", service_arguments.metrics, "console.commands.metrics:metrics"
    ),
    "status": Command("where things stand", looking_arguments.status, "console.commands.look:status", reads=True),
    "log": Command("the entries of a log", looking_arguments.log, "console.commands.look:log", reads=True),
    "decisions": Command(
        "what was decided: standings, outcomes, reasons",
        arguments.programme,
        "console.commands.look:decisions",
        reads=True,
    ),
    "order": Command(
        "the order in which each evaluator marks a phase's entrants",
        looking_arguments.order,
        "console.commands.ordering:order",
        reads=True,
    ),
    "figures": Command(
        "standings, margins and time lines, drawn",
        looking_arguments.figures,
        "console.commands.figures:figures",
        reads=True,
    ),
    "refused": Command(
        "what was refused, and why", looking_arguments.refused, "console.commands.refusing:refused", reads=True
    ),
    "requeue": Command("send a refused record again, after a fix", acts.requeue, "console.commands.requeueing:requeue"),
    "explain": Command(
        "why: of an entrant, a phase or a record; the letter of decision",
        looking_arguments.explain,
        "console.commands.explaining:explain",
        reads=True,
    ),
    "report": Command(
        "pages about a programme, to read and hand on",
        looking_arguments.report,
        "console.commands.reporting:report",
        reads=True,
    ),
    "replay": Command(
        "judge and decide everything again, and compare",
        arguments.programme,
        "console.commands.replaying:replay",
        reads=True,
    ),
    **{name: Command(summary, add, "console.commands.acting:act") for name, (summary, add) in acts.COMMANDS.items()},
    "amend": Command("change the rules of phases that are not open", acts.amend, "console.commands.amending:amend"),
    "preview": Command("what events would change", acts.preview, "console.commands.previewing:preview", reads=True),
    "robustness": Command(
        "how stable the outcome of a phase is",
        looking_arguments.robustness,
        "console.commands.robustness:robustness",
        reads=True,
    ),
    "what-if": Command(
        "what would have come of other rules, marks or events",
        lever_arguments.what_if,
        "console.commands.what_if:what_if",
        reads=True,
    ),
    "rebuild": Command(
        "a new ledger from Kafka alone, compared with the old", arguments.rebuild, "console.commands.rebuilding:rebuild"
    ),
    "checkpoint": Command("sign the head of a log", arguments.programme, "console.commands.evidence:checkpoint"),
    "prove": Command("prove that an entry is in the log", arguments.prove, "console.commands.evidence:prove"),
    "export": Command("a bundle for an auditor", arguments.export, "console.commands.evidence:export"),
    "verify": Command(
        "check a bundle, trusting nothing but a key", arguments.verify, "console.commands.verifying:verify"
    ),
    "attest": Command(
        "replay, and say on record how each decision came out", arguments.attest, "console.commands.attesting:attest"
    ),
    "check": Command("list the faults of a rulebook", arguments.check, "console.commands.rules:check"),
    "score": Command("standings from a table of marks", arguments.score, "console.commands.rules:score"),
    "kafka": Command("the local broker: up, down, status", arguments.kafka, "console.commands.kafka:run"),
    "topics": Command("make the topics, or change them", cluster_arguments.topics, "console.commands.topics:run"),
    "acls": Command("who may do what at Kafka: check, apply", cluster_arguments.acls, "console.commands.acls:run"),
    "keys": Command("make, list, rotate and revoke signing keys", key_arguments.keys, "console.commands.keys:run"),
    "console": Command("the web console and the HTTP intake", web_arguments.console, "console.commands.web:console"),
    "api-keys": Command(
        "make, list and revoke keys of the HTTP intake", web_arguments.api_keys, "console.commands.api_keys:run"
    ),
    "accounts": Command(
        "who may sign in to the console, and as what", account_arguments.accounts, "console.commands.accounts:run"
    ),
    "access-log": Command(
        "who saw or did what in the console", account_arguments.access_log, "console.commands.access_log:run"
    ),
    "witness": Command(
        "cosign checkpoints of logs, as a service", key_arguments.witness, "console.commands.witness:witness"
    ),
    "config": Command("each setting and where it came from", arguments.nothing, "console.commands.setup:config"),
    "db": Command(
        "the ledger's tables, and who may do what in them", database_arguments.db, "console.commands.database:run"
    ),
    "doctor": Command("check this machine and what it reaches", arguments.nothing, "console.commands.doctor:run"),
    "version": Command("the versions of phasegate and its parts", arguments.nothing, "console.commands.setup:version"),
}
