"""Judging changes of keys. Said on every topic in the same bytes, and judged on each from that topic alone."""

from __future__ import annotations

from events.derived import log_source, pipeline_source
from events.note import parse_vkey
from events.rulebook import Source
from events.values import parse_instant
from handlers.signers import announced, in_force
from handlers.state import Fact, KeyChange, State
from handlers.verdicts import ACCEPTED, Refusal, Verdict


def key_rotated(state: State, fact: Fact, source: Source | None) -> Verdict:
    """To a key that was not revoked, of a source that has keys."""
    public = parse_vkey(fact.data["key"]).public
    if any(change.is_revoked and change.public == public for change in _changes(state, fact)):
        return Refusal("illegal-transition", f"{fact.data['key']} was revoked; a revoked key never speaks again")
    return _has_keys(state, fact) or ACCEPTED


def key_revoked(state: State, fact: Fact, source: Source | None) -> Verdict:
    """Of a key that the source has or had. The office keeps one: without it nobody could say what comes after."""
    about, public = fact.data["source"], parse_vkey(fact.data["key"]).public
    changes = _changes(state, fact)
    if about == pipeline_source(state.programme):
        from_ms = max(fact.received_ms, parse_instant(fact.data["from"]))
        left = in_force(changes, fact.offset, from_ms, {})
        if not set(left.values()) - {public}:
            return Refusal(
                "illegal-transition", f"no key of the office would be left at {fact.data['from']}; rotate first"
            )
        return ACCEPTED
    if (refusal := _has_keys(state, fact)) is not None or about == log_source(state.programme):
        return refusal or ACCEPTED
    if public not in {*announced(state.sources[about]).values(), *(change.public for change in changes)}:
        return Refusal("unknown-reference", f"{fact.data['key']} was never a key of {about}")
    return ACCEPTED


def _changes(state: State, fact: Fact) -> list[KeyChange]:
    return state.key_changes.get((fact.topic, fact.data["source"]), [])


def _has_keys(state: State, fact: Fact) -> Refusal | None:
    about = fact.data["source"]
    row = state.sources.get(about)
    if about in (pipeline_source(state.programme), log_source(state.programme)) or (row is not None and row.keys):
        return None
    known = pipeline_source(state.programme)
    return Refusal("unknown-reference", f"the rulebook gives {about!r} no keys; those of the office are {known}'s")
