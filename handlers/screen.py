"""The screen: what a submission's own manifest says against the counts of a gate. It records findings and never decides.

Pure over CycloneDX 1.6 JSON. Rules (RULES.md, "The independence gate"): weights that start from somebody's pretrained
model, or that were frozen in training, are not the team's own (technical); an ancestor whose licence limits field or user
leaves control elsewhere (policy); an ancestor without a licence or a reference is not disclosed (ethical); no pedigree at all
leaves the technical count undetermined.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import rfc8785

from events.derived import derive
from events.envelope import Envelope
from handlers.state import Fact, PhaseState, State
from handlers.windows import is_in_time, submissions_window

FINDING = "phasegate.finding.recorded.v1"

FREE_LICENCES = frozenset(
    {"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MPL-2.0", "CC-BY-4.0", "CC0-1.0", "Unlicense", "Zlib"}
)
"""SPDX ids of licences that limit neither field of use nor user. Any other on an ancestor is looked at by people."""


_WORDS_MAX = 500


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One thing that a manifest says against a count: in which component, and in words for the ruling."""

    count: str
    verdict: str
    component: str
    pointer: str
    note: str


def screen(manifest: dict[str, Any]) -> list[Suspicion]:
    """Every suspicion that a manifest gives cause for, in the order of its components."""
    return [suspicion for pointer, component in _models(manifest, "") for suspicion in _suspect(pointer, component)]


def _models(node: dict[str, Any], pointer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, component in enumerate(_objects(node.get("components"))):
        where = f"{pointer}/components/{index}"
        if component.get("type") == "machine-learning-model":
            yield where, component
        yield from _models(component, where)


def _suspect(pointer: str, component: dict[str, Any]) -> Iterator[Suspicion]:
    name = _words(component.get("name"))
    said = {str(row.get("name")): _words(row.get("value")) for row in _objects(component.get("properties"))}
    init, trained = said.get("independence:weights.init"), said.get("independence:weights.trained")
    pedigree = component.get("pedigree")
    ancestors = pedigree.get("ancestors") if isinstance(pedigree, dict) else None
    if init == "pretrained" or trained == "frozen":
        note = f"weights.init is {init}, weights.trained is {trained}: the weights are not initialised and trained by the team"
        yield Suspicion("technical", "not-met", name, pointer, note)
    elif ancestors is None:
        yield Suspicion(
            "technical", "undetermined", name, pointer, "no pedigree: where the weights come from is not said"
        )
    for index, ancestor in enumerate(_objects(ancestors)):
        yield from _suspect_ancestor(f"{pointer}/pedigree/ancestors/{index}", name, ancestor)


def _suspect_ancestor(pointer: str, component: str, ancestor: dict[str, Any]) -> Iterator[Suspicion]:
    name = _words(ancestor.get("name"))
    ids = [_licence_id(row) for row in _objects(ancestor.get("licenses"))]
    limited = [licence for licence in ids if licence not in FREE_LICENCES]
    if limited:
        licences = _words(", ".join(limited))
        yield Suspicion("policy", "not-met", component, pointer, f"{name} is under {licences}, which may set limits")
    if not ids or not ancestor.get("externalReferences"):
        yield Suspicion("ethical", "not-met", component, pointer, f"{name} has no licence or no reference disclosed")


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects of an array; a manifest of another shape than CycloneDX's says nothing there."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _words(value: Any) -> str:
    """A text of the manifest, short enough for a finding: what a team writes there must not stop the screen."""
    text = "?" if value is None else str(value)
    return text[:_WORDS_MAX] or "?"


def _licence_id(row: dict[str, Any]) -> str:
    licence = row.get("license")
    licence = licence if isinstance(licence, dict) else {}
    return _words(licence.get("id") or licence.get("name") or row.get("expression"))


def screened(state: State, phase: PhaseState) -> list[Envelope]:
    """Every finding of the screen over the submissions in force, as the events that the pipeline publishes."""
    found: list[Envelope] = []
    for entrant in sorted(phase.submissions):
        fact = phase.submissions[entrant]
        manifest = fact.data.get("manifest")
        if isinstance(manifest, dict) and is_in_time(
            state, phase.rules.id, submissions_window(phase, fact.data["entrant"]), fact
        ):
            found += _findings(state.programme, phase, fact, manifest)
    return found


def _findings(programme: str, phase: PhaseState, fact: Fact, manifest: dict[str, Any]) -> Iterator[Envelope]:
    digest = hashlib.sha256(rfc8785.dumps(manifest)).hexdigest()
    for suspicion in screen(manifest):
        for gate in phase.rules.gates:
            if suspicion.count not in gate.counts:
                continue
            uri = f"urn:phasegate:{programme}:submission:{fact.event.id}#{suspicion.pointer}"
            data = {
                "phase": phase.rules.id,
                "entrant": fact.data["entrant"],
                "gate": gate.id,
                "count": suspicion.count,
                "verdict": suspicion.verdict,
                "component": suspicion.component,
                "evidence": [{"uri": uri, "sha256": digest, "note": suspicion.note}],
            }
            subject = f"{fact.event.id}/{gate.id}/{suspicion.count}{suspicion.pointer}"
            yield derive(
                programme, FINDING, data, phase=phase.rules.id, subject=subject, ordinal=1, caused_ms=fact.received_ms
            )


def outstanding_screens(state: State, phase: PhaseState) -> list[Envelope]:
    """The screen's findings that are not recorded yet."""
    return [event for event in screened(state, phase) if event.id not in phase.findings]
