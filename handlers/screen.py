"""The screen: what a submission's own manifest says against the counts of a gate. It records findings and never decides.

Pure over CycloneDX 1.6 JSON, and over any other JSON too. Its rules (RULES.md, "The independence gate"; docs/screen.md):

- technical: weights that start as somebody's (pretrained, merged), that training left as they were (frozen, adapter), or
  that an ancestor has byte for byte, are not met. Distilled or partly trained ones, and whatever is not said, undetermined.
- policy: an ancestor's licence with a limit of field or user is not met; one that nobody knows is undetermined.
- ethical: an ancestor without a licence or a reference is not met; so are others' weights without an ancestor.

That weights are like another model's is no matter of the screen: likeness is not descent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import rfc8785

from events.derived import derive
from events.envelope import Envelope
from handlers.licences import Freedom, freedom, is_disclosed
from handlers.state import Fact, PhaseState, State
from handlers.windows import is_in_time, submissions_window

FINDING = "phasegate.finding.recorded.v1"
MODEL = "machine-learning-model"
INIT, SEED, TRAINED, TENSORS = (
    f"independence:{name}" for name in ("weights.init", "weights.seed", "weights.trained", "tensors.glob")
)

_WORDS_MAX = 500
_NOTE_MAX = 4000


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a manifest says against a count: in which component, and in words for the ruling. One for each count and place."""

    count: str
    verdict: str
    component: str
    pointer: str
    note: str


def screen(manifest: dict[str, Any]) -> list[Suspicion]:
    """Every suspicion that a manifest gives cause for, in the order of its components."""
    return [suspicion for pointer, component in _models(manifest) for suspicion in _suspect(pointer, component)]


def _models(manifest: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every model, however deep. What the manifest as a whole is about is one itself where nothing else is listed."""
    listed = list(_below(manifest, ""))
    metadata = manifest.get("metadata")
    subject = metadata.get("component") if isinstance(metadata, dict) else None
    if isinstance(subject, dict):
        inner = list(_below(subject, "/metadata/component"))
        if subject.get("type") == MODEL and (_speaks(subject) or not (listed or inner)):
            yield "/metadata/component", subject
        yield from inner
    yield from listed


def _below(node: dict[str, Any], pointer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The models under a component. One that only holds others, and says nothing itself, is described by them."""
    for index, component in enumerate(_objects(node.get("components"))):
        where = f"{pointer}/components/{index}"
        inner = list(_below(component, where))
        if component.get("type") == MODEL and (_speaks(component) or not inner):
            yield where, component
        yield from inner


def _speaks(component: dict[str, Any]) -> bool:
    """Says something of where its weights come from."""
    return "pedigree" in component or bool(_said(component, INIT) | _said(component, TRAINED))


def _suspect(pointer: str, component: dict[str, Any]) -> Iterator[Suspicion]:
    name = _words(component.get("name"))
    ancestors = _ancestors(component)
    against, open_points = _not_own(component, ancestors), _not_said(component, ancestors)
    if against or open_points:
        tensors = ", ".join(sorted(_said(component, TENSORS)))
        note = "; ".join(against or open_points) + (f" (tensors {_words(tensors)})" if tensors else "")
        yield Suspicion("technical", "not-met" if against else "undetermined", name, pointer, note[:_NOTE_MAX])
    if _said(component, INIT) & _OTHERS.keys() and not ancestors:
        yield Suspicion(
            "ethical", "not-met", name, pointer, "the weights are another model's, and no ancestor is named"
        )
    for where, ancestor in _line(component, pointer):
        yield from _suspect_ancestor(where, name, ancestor)


_OTHERS = {
    "pretrained": "weights.init is pretrained: the weights start as another model's",
    "merged": "weights.init is merged: the weights are put together from other models'",
}
_UNTRAINED = {
    "frozen": "weights.trained is frozen: the weights stay as they were",
    "adapter": "weights.trained is adapter: the weights under it stay as they were",
}
_DOUBTFUL = {
    (INIT, "distilled"): "weights.init is distilled: another model taught the weights",
    (TRAINED, "partial"): "weights.trained is partial: some weights were not trained",
}
_KNOWN = {INIT: {"random", "distilled", *_OTHERS}, TRAINED: {"full", "partial", *_UNTRAINED}}


def _not_own(component: dict[str, Any], ancestors: list[dict[str, Any]] | None) -> list[str]:
    """Why the weights are not initialised and trained by the team, as the manifest itself says it."""
    found = [why for value, why in _OTHERS.items() if value in _said(component, INIT)]
    found += [why for value, why in _UNTRAINED.items() if value in _said(component, TRAINED)]
    own = _hashes(component)
    same = [_words(ancestor.get("name")) for ancestor in ancestors or () if own & _hashes(ancestor)]
    return found + [f"the file has the same hash as {name}" for name in same]


def _not_said(component: dict[str, Any], ancestors: list[dict[str, Any]] | None) -> list[str]:
    """What must be known before anybody can say that the weights are the team's own."""
    found = [] if ancestors is not None else ["no pedigree: where the weights come from is not said"]
    for member, known in _KNOWN.items():
        said, short = _said(component, member), member.partition(":")[2]
        found += [] if said else [f"{short} is not said"]
        found += [f"{short} is {_words(value)}, which is not known" for value in sorted(said - known)]
        found += [why for (name, value), why in _DOUBTFUL.items() if name == member and value in said]
    if "random" in _said(component, INIT) and not _said(component, SEED):
        found.append("weights.init is random and weights.seed is not said: the start cannot be drawn again")
    return found


def _line(component: dict[str, Any], pointer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The ancestors of a component and theirs: what binds an ancestor binds who comes from it."""
    for index, ancestor in enumerate(_ancestors(component) or ()):
        where = f"{pointer}/pedigree/ancestors/{index}"
        yield where, ancestor
        yield from _line(ancestor, where)


def _suspect_ancestor(pointer: str, component: str, ancestor: dict[str, Any]) -> Iterator[Suspicion]:
    name = _words(ancestor.get("name"))
    written = [_licence(row) for row in _objects(ancestor.get("licenses"))]
    licences = [licence for licence in written if is_disclosed(licence)]
    free = freedom(licences)
    if licences and free is not Freedom.FREE:
        verdict, why = ("not-met", "limits field or user") if free is Freedom.LIMITED else ("undetermined", "may limit")
        note = f"{name} is under {_words(', '.join(licences))}, which {why}"
        yield Suspicion("policy", verdict, component, pointer, note)
    if not licences or not _objects(ancestor.get("externalReferences")):
        absent = "reference" if licences else "licence"
        yield Suspicion("ethical", "not-met", component, pointer, f"{name} has no {absent} disclosed")


def _ancestors(component: dict[str, Any]) -> list[dict[str, Any]] | None:
    """None where nothing is said of ancestors; an empty list says that there are none."""
    pedigree = component.get("pedigree")
    named = pedigree.get("ancestors") if isinstance(pedigree, dict) else None
    return _objects(named) if isinstance(named, list) else None


def _said(component: dict[str, Any], member: str) -> set[str]:
    """Every value that the component gives a property: one that is given twice is held against it twice."""
    rows = [row for row in _objects(component.get("properties")) if row.get("name") == member]
    return {value for row in rows if isinstance(value := row.get("value"), str) and value}


def _hashes(component: dict[str, Any]) -> set[tuple[str, str]]:
    rows = _objects(component.get("hashes"))
    return {(str(row.get("alg")), row["content"].lower()) for row in rows if isinstance(row.get("content"), str)}


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects of an array; a manifest of another shape than CycloneDX's says nothing there."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _words(value: Any) -> str:
    """A text of the manifest, short enough for a finding: what a team writes there must not stop the screen."""
    text = "?" if value is None else str(value)
    return text[:_WORDS_MAX] or "?"


def _licence(row: dict[str, Any]) -> str:
    """An id, a name or an expression; empty where the row says none."""
    licence = row.get("license")
    licence = licence if isinstance(licence, dict) else {}
    return str(licence.get("id") or licence.get("name") or row.get("expression") or "")


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
