"""An outside auditor's attestations of a bundle: verified as `verify` does, replayed, and signed with the auditor's own key.

Has neither Kafka nor a ledger nor Prefect, and imports none of them (tests/console/test_attest_bundle.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from events.envelope import Envelope, encode
from events.errors import Conflict, NotFound, Refused, Unavailable
from events.origins import programme_of
from events.rulebook import Source
from events.signed_line import encode_signed_line
from flows.audit_report import Findings, Trust
from flows.auditing import Audit
from handlers.attestation import Decisions, attestation, made_again
from handlers.replay_report import Difference
from handlers.signers import announced
from infra.bundle.reading import Files
from infra.keys import SigningKey


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found, and what the auditor may say of each decision."""

    findings: Findings
    difference: Difference | None
    attestations: list[Envelope]
    sources: Mapping[str, Source]


def audited(files: Files, trust: Trust, source: str) -> Audited:
    """Audits a bundle. Raises Tampered where it contradicts itself, Refused where it shows too little to be replayed,
    NotFound where it holds no decision: then there is nothing to attest.
    """
    decisions = Decisions()
    audit = Audit(files, trust, decisions)
    findings = audit.run()
    held, now = decisions.finish(), decisions.stand()
    programme = programme_of(findings.checkpoint.origin)
    if not held:
        raise NotFound(f"{programme} has no decision in its first {now.size} entries")
    if not (recorded := made_again(held, audit.report)):
        raise Refused(
            f"the bundle of {findings.checkpoint.origin} does not show every record, so no decision can be made again",
            hint="ask for a whole export, without --profile and --for",
        )
    said = [attestation(programme, source, one, audit.difference, now) for one in recorded]
    return Audited(findings, audit.difference, said, audit.sources)


def doubts(found: Audited, source: str, key: SigningKey) -> str | None:
    """Why the recorder would refuse these attestations by the rulebook of the bundle, in one sentence."""
    named = found.sources.get(source)
    if named is None:
        return f"the rulebook names no source {source!r}"
    if not {"replay.attested", "*"} & set(named.types):
        return f"the rulebook does not let {source} send replay.attested"
    if key.kid not in announced(named):
        return f"the rulebook gives {source} other keys than {key.kid}; unless one was rotated, it will be refused"
    return None


def write_signed(path: Path, said: Iterable[Envelope], key: SigningKey) -> None:
    """Writes the file that the office publishes. Raises Conflict where something is there already."""
    lines = [encode_signed_line(value, key.jws(value)) for value in map(encode, said)]
    try:
        with path.open("xb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Conflict(f"{path} exists", hint="nothing was written; name another file") from None
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}") from error
