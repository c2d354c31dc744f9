"""The reason codes of refusal, each with what it means. The public entry has the code alone; the detail is private."""

from __future__ import annotations

from collections.abc import Mapping

REFUSALS: Mapping[str, str] = {
    "not-json": "The value is not JSON text (RFC 8259) in UTF-8.",
    "duplicate-json-key": "An object in the value has the same member name twice.",
    "not-cloudevents": "The record is not a structured-mode CloudEvent 1.0 (content type, required attributes).",
    "duplicate-header": "The header content-type or phasegate-jws appears twice.",
    "key-mismatch": "The record's key is not the programme that the event's subject names.",
    "wrong-partition": "The record stands in a partition other than murmur2 of its key gives.",
    "wrong-topic": "Events of this type belong on another topic.",
    "unknown-type": "The event type is not in the table of stored names.",
    "schema-invalid": "The event does not fit the schema of its type.",
    "too-large": "The value is larger than the limit.",
    "too-deep": "The value nests deeper than the limit.",
    "signature-missing": "This source or type must be signed, and the record has no phasegate-jws header.",
    "signature-invalid": "The signature does not verify under a key that may speak here.",
    "source-not-authorised": "The rulebook does not let this source say this.",
    "id-reused": "The same source used this id for other bytes.",
    "unknown-programme": "The record has no usable key, so it belongs to no programme.",
    "unknown-phase": "The rulebook has no such phase.",
    "unknown-entrant": "No such entrant is registered.",
    "unknown-criterion": "The phase has no such criterion, item, gate or count.",
    "unknown-evaluator": "The evaluator was not appointed in time to the panel that marks this.",
    "unknown-reference": "The event refers to another that is not there.",
    "out-of-range": "The value lies outside the range that the rulebook gives.",
    "late": "It was stamped after the deadline, or behind the marker of its window.",
    "too-early": "It came before its time.",
    "already-scored": "This mark was given already; a change is a correction.",
    "phase-closed": "The phase is over.",
    "not-eligible": "The entrant is registered but does not take part in this phase.",
    "illegal-transition": "In the present state this cannot happen.",
    "self-approval": "Nobody approves an act of their own.",
}
