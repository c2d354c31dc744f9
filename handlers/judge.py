"""judge: what becomes of a record. Pure: only from the record, the announced rulebook, and what was recorded before.

At once is said only what the record itself, the rulebook and earlier records of its own partition settle; everything
else pends, so that the order of arrival across topics does not matter (EVENTS, "Verdicts").
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pydantic import ValidationError

from events.derived import attestor_source, identity_hash, pipeline_source
from events.envelope import JWS_HEADER, Envelope, Malformed, check_headers, decode, short
from events.jws import SignatureInvalid, verify
from events.names import TYPES, EventType
from events.record import Record, partition_for
from events.rulebook import Source
from events.upcast import present
from handlers.concerns import phase_of
from handlers.engine import VerdictRule
from handlers.engines import find_engine, named_in
from handlers.signers import keys_of
from handlers.state import Fact, State
from handlers.verdicts import Duplicate, Pending, Refusal, Verdict

_PROGRAMME = re.compile(rb"[a-z0-9][a-z0-9-]{0,63}")


Verify = Callable[[bytes, bytes, Mapping[str, bytes]], str]
"""(value, signature header, public keys by kid) -> the kid that signed. Raises SignatureInvalid."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What judging needs to know of where it runs: the number of partitions, the office's public keys by kid, and how a
    signature is verified: otherwise than by `jws` only where events are supposed that nobody has signed.
    """

    partitions: int
    office_keys: Mapping[str, bytes] = field(default_factory=dict)
    verify: Verify = verify


def log_of(record: Record) -> str:
    """The log that a record belongs to: its programme's, or the one for records of its partition without a usable key."""
    if record.key is not None and _PROGRAMME.fullmatch(record.key):
        return record.key.decode()
    return f"unrouted/{record.topic}/{record.partition}"


def read(programme: str, record: Record, deployment: Deployment) -> tuple[Envelope | None, Refusal | None]:
    """The event in a record, as far as it can be read, and why it cannot be judged; one of the two may be None."""
    if record.key is None or record.key != programme.encode():
        return None, Refusal(
            "unknown-programme", f"the key {short(record.key)} is not a programme id such as k-ai-2026"
        )
    if (expected := _home(record.key, deployment.partitions)) != record.partition:
        where = f"partition {record.partition}; murmur2 of the key gives {expected} of {deployment.partitions}"
        return None, Refusal("wrong-partition", where)
    try:
        check_headers(record.headers)
        event = decode(record.value)
    except Malformed as malformed:
        return None, Refusal(malformed.reason, malformed.message)
    if event.subject != programme:
        mismatch = f"subject is {short(event.subject)} and the key {programme!r}; they must be equal"
        return event, Refusal("key-mismatch", mismatch)
    return event, _unfit(record, present(event))


_home = lru_cache(maxsize=1024)(partition_for)
"""The partition of a programme's key; keys of other lengths than ids have do not get here."""


def _unfit(record: Record, event: Envelope) -> Refusal | None:
    """Why the event does not fit the table of names, its topic, or the schema of its type."""
    if event.type not in TYPES:
        return Refusal("unknown-type", f"{short(event.type)} is not in the table of stored names (docs/reference.md)")
    row = TYPES[event.type]
    if record.topic not in row.topics:
        return Refusal("wrong-topic", f"{row.name} belongs on {', '.join(row.topics)}, not on {record.topic}")
    try:
        row.model.__pydantic_validator__.validate_python(event.data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "data"
        return Refusal("schema-invalid", f"{where}: {first['msg']}; got {str(first['input'])[:200]!r}")
    return None


def identity_digest(value: bytes | None) -> bytes:
    """What decides whether two records with one identity are the same."""
    return hashlib.sha256(value or b"").digest()


def judge_event(state: State, record: Record, fact: Fact, deployment: Deployment) -> Verdict:
    """The verdict on a well-formed event. Who may not speak is refused before anything is kept waiting for them."""
    row = TYPES[fact.event.type]
    twice = _told_before(state, record, fact)
    if isinstance(twice, Duplicate):
        return twice
    if row.office and (unsigned := _not_by_office(state, record, fact, deployment)) is not None:
        return unsigned
    if row.name == "phasegate.programme.announced.v1":  # Waits for nothing: everything waits for it.
        return twice if isinstance(twice, Refusal) else _judge_announced(state, fact)
    if state.announced is None:
        return Pending((("programme",),))
    source = state.sources.get(fact.event.source)
    refusal = _not_authorised(state, row, fact, source) or _not_signed(state, record, fact, source, deployment)
    return refusal or twice or _rule(state, fact)(state, fact, source)


def judge_content(state: State, fact: Fact) -> Verdict:
    """The verdict on what an event says, of one that there is no record of yet: its bytes, its signature and whether it was
    told before are not looked at. Supposes an announced programme.
    """
    row, source = TYPES[fact.event.type], state.sources.get(fact.event.source)
    if row.name == "phasegate.programme.announced.v1":
        return _judge_announced(state, fact)
    return _not_authorised(state, row, fact, source) or _rule(state, fact)(state, fact, source)


def _judge_announced(state: State, fact: Fact) -> Verdict:
    """By the engine in force, or by the one that the announcement itself names. Raises Unavailable where that is not here."""
    engine = state.engine or find_engine(state.engines, named_in(fact.data))
    return engine.verdicts[fact.event.type](state, fact, None)


def _rule(state: State, fact: Fact) -> VerdictRule:
    """Of a phase's records, by the engine that it was opened under: whatever is announced meanwhile for later phases."""
    phase = phase_of(state, fact.data)
    engine = state.engine if phase is None else phase.engine
    assert engine is not None  # The programme was announced.
    return engine.verdicts[fact.event.type]


def may_not_say(state: State, record: Record, fact: Fact, deployment: Deployment) -> Refusal | None:
    """Why a source may not say this, or has not signed it: from the record, the rules and the keys alone."""
    row, source = TYPES[fact.event.type], state.sources.get(fact.event.source)
    return (
        (_not_by_office(state, record, fact, deployment) if row.office else None)
        or _not_authorised(state, row, fact, source)
        or _not_signed(state, record, fact, source, deployment)
    )


def _told_before(state: State, record: Record, fact: Fact) -> Verdict | None:
    """Duplicate or reused ids, within the record's topic; None for an identity not seen. What repeats a pending record
    waits with it: should that be refused, it may have been too early and this one in time.
    """
    event = fact.event
    known = state.seen.get(record.topic, {}).get((event.source, event.id))
    if known is None or known[1] == fact.index:
        return _erased_before(state, record.topic, event)
    digest, index = known
    if index in state.waiting:
        return Pending((("identity", record.topic, event.source, event.id),))
    if digest == identity_digest(record.value):
        return Duplicate(index)
    return Refusal("id-reused", f"{event.source} used the id {event.id} for other bytes, at entry {index}")


def _erased_before(state: State, topic: str, event: Envelope) -> Duplicate | None:
    """Of a record that was erased its identity is left, not its bytes: whatever comes under it is a repeat."""
    if not state.forgotten:
        return None
    first = state.forgotten.get(topic, {}).get(identity_hash(event.source, event.id))
    return None if first is None else Duplicate(first)


def _is_attestation(state: State, row: EventType, source: str) -> bool:
    """The office's own attestor says one thing only, and no rulebook has to name it."""
    return row.short == "replay.attested" and source == attestor_source(state.programme)


def _not_authorised(state: State, row: EventType, fact: Fact, source: Source | None) -> Refusal | None:
    name = fact.event.source
    if name == pipeline_source(state.programme) or _is_attestation(state, row, name):
        return None  # What it says must be signed by the office; see _not_signed.
    if source is None:
        return Refusal("source-not-authorised", f"the rulebook does not name the source {name!r}")
    if row.short not in source.types and "*" not in source.types:
        return Refusal("source-not-authorised", f"the rulebook does not let {name} send {row.short}")
    data = fact.event.data
    for member, own in (("entrant", source.entrant), ("evaluator", source.evaluator)):
        if own is not None and (said := data.get(member)) is not None and own != said:
            return Refusal("source-not-authorised", f"{name} may speak for the {member} {own}, not for {said!r}")
    return None


def _not_signed(
    state: State, record: Record, fact: Fact, source: Source | None, deployment: Deployment
) -> Refusal | None:
    """A source that must sign does so with its own keys, or with the office's where the rulebook gives it none."""
    if source is not None and not source.signs and not TYPES[fact.event.type].signed:
        return None
    return _unsigned(record, keys_of(state, source, fact, deployment.office_keys), deployment.verify)


def _not_by_office(state: State, record: Record, fact: Fact, deployment: Deployment) -> Refusal | None:
    return _unsigned(record, keys_of(state, None, fact, deployment.office_keys), deployment.verify)


def _unsigned(record: Record, keys: Mapping[str, bytes], verify_with: Verify) -> Refusal | None:
    signature = next((value for name, value in record.headers if name.lower() == JWS_HEADER), None)
    if signature is None:
        return Refusal("signature-missing", f"this must be signed: the header {JWS_HEADER} is missing")
    try:
        verify_with(record.value or b"", signature, keys)
    except SignatureInvalid as error:
        return Refusal("signature-invalid", error.message)
    return None
