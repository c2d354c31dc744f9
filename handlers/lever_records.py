"""The levers on what was told: records left out, changed or added. Rules come first, records after them, additions last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from events.derived import derived_id, pipeline_source
from events.envelope import Envelope
from events.errors import Refused
from events.names import TYPES
from events.record import partition_for
from events.rulebook import Rulebook, digest, parse_rulebook
from events.values import format_instant
from handlers.lever_rules import Document, changed_rules
from handlers.levers import Levers
from handlers.named import Entries, entry_named, evaluator_named, finding_named, mark_named
from handlers.nearest import not_found
from handlers.state import Finding, PhaseState, State
from handlers.told import Told, in_order, supposed
from handlers.windows import rebuttal_deadline

_RULES = ("programme.announced", "rulebook.amended")


@dataclass(frozen=True, slots=True)
class Files:
    """What the levers name by the names of files: another rulebook, and events with their topics and times of receipt."""

    rulebook: Document | None = None
    added: Sequence[tuple[str, Envelope, int]] = field(default=())


def changed_course(state: State, course: Sequence[Told], levers: Levers, files: Files, partitions: int) -> list[Told]:
    """The course of another world; `state` is what the record says. Raises NotFound for what a lever names and nobody
    knows, Refused for what cannot be.
    """
    return _Change(state, course, levers, partitions).made(files)


class _Change:
    def __init__(self, state: State, course: Sequence[Told], levers: Levers, partitions: int) -> None:
        self.state = state
        self.levers = levers
        self.entries: Entries = {told.index: told for told in course if told.index is not None}
        self.partition = partition_for(state.programme.encode(), partitions)
        self.course = list(course)

    def made(self, files: Files) -> list[Told]:
        rulebook = self._change_rules(files.rulebook)
        self._leave_out({entry_named(self.state, self.entries, index).index for index in self.levers.without})
        for evaluator in self.levers.drop_evaluator:
            self._drop(evaluator_named(self.state, evaluator))
        for score, value in self.levers.correct.items():
            self._correct(mark_named(self.state, self.entries, score), value)
        for finding, verdict in self.levers.rule.items():
            self._rule(finding_named(self.state, self.entries, finding), verdict)
        for who in self.levers.annul:
            self.course += self._annulled(who, rulebook)
        for place, (topic, event, at_ms) in enumerate(files.added):
            self.course.append(supposed(event, topic, self.partition, (at_ms, _BEHIND, place), "with"))
        return in_order(self.course)

    # --- rules

    def _change_rules(self, other: Document | None) -> Rulebook:
        """Changes every rulebook on record; another one stands in place of all of them. The rules in the end."""
        if other is not None:
            self.course = [told for told in self.course if told.name != "rulebook.amended"]
        rows = [told for told in self.course if told.name in _RULES and told.is_accepted]
        before = [other if other is not None else _rulebook(told) for told in rows]
        after = changed_rules(self.levers, before)
        for told, document in zip(rows, after, strict=True):
            if document != _rulebook(told):
                assert told.event is not None  # It is the announcement or an amendment.
                data = {**told.event.data, "rulebook": document, "digest": digest(document)}
                self._say(told, data, "rules")
        return parse_rulebook(after[-1])

    def _say(self, told: Told, data: dict[str, Any], lever: str) -> None:
        self.course = [one.saying(data, lever) if one is told else one for one in self.course]

    # --- what is left out

    def _leave_out(self, indexes: Iterable[int | None]) -> None:
        gone = set(indexes)
        self.course = [told for told in self.course if told.index is None or told.index not in gone]

    def _drop(self, evaluator: str) -> None:
        """Everything that an evaluator said, and what was said of the evaluator: as if never appointed."""
        gone = {told.index for told in self.course if _member(told, "evaluator") == evaluator}
        ids = {told.event.id for told in self.course if told.index in gone and told.event is not None}
        gone |= {t.index for t in self.course if _member(t, "score") in ids or _member(t, "act") in ids}
        self._leave_out(gone)

    # --- what is changed

    def _correct(self, score: str, value: str) -> None:
        """Whatever gave the mark a value gave it this one."""
        said = [told for told in self.course if _gives(told, score)]
        if not any(told.name == "score.recorded" for told in said):
            raise Refused(f"the mark {score} is left out by another lever", hint="correct it, or leave it out")
        for told in said:
            assert told.event is not None  # It has a name.
            self._say(told, {**told.event.data, "value": value}, "correct")

    def _rule(self, finding_id: str, verdict: str) -> None:
        """Every ruling on the finding says so; one that nobody has ruled on is ruled on as soon as that may be."""
        rulings = [told for told in self.course if told.name == "ruling.issued" and told.is_accepted]
        said = [told for told in rulings if _member(told, "finding") == finding_id]
        for told in said:
            assert told.event is not None  # It has a name.
            self._say(told, {**told.event.data, "verdict": verdict}, "rule")
        if not said:
            found = self.state.find_finding(finding_id)
            assert found is not None  # It was found by its name.
            self.course.append(self._ruling(*found, verdict))

    def _ruling(self, phase: PhaseState, finding: Finding, verdict: str) -> Told:
        event_id, gate = finding.fact.event.id, phase.rules.gate(finding.fact.data["gate"])
        if not finding.needs_ruling:
            raise Refused(
                f"the finding {event_id} says met: there is nothing to rule on", hint="leave it out, or add one"
            )
        able = (row.source for row in self.state.sources.values() if row.role in gate.ruling_by)
        source = next(able, None)
        if source is None:
            raise Refused(f"no source of the rulebook may rule at {gate.id}", hint="--set sources, or another rulebook")
        ends = [finding.fact.received_ms, rebuttal_deadline(phase, finding) or 0]
        at_ms = max(ends) + 1 if finding.rebuttal is None else finding.rebuttal.received_ms
        data = {"finding": event_id, "verdict": verdict, "reasons": "supposed"}
        return self._supposed("ruling.issued", event_id, source, data, (at_ms, _BEHIND, 0), "rule")

    # --- what is added

    def _annulled(self, who: str, rulebook: Rulebook) -> Iterator[Told]:
        """Said right behind the announcement, so that it is in time for every round; approved where the rules ask for it."""
        evaluator, colon, entrant = who.partition(":")
        evaluator_named(self.state, evaluator)
        if colon and entrant not in self.state.entrants:
            raise not_found("entrant", entrant, self.state.entrants, self.state.programme)
        panels = {panel for panel, rows in self.state.appointed.items() if evaluator in rows}
        announced = (told for told in self.course if told.name == "programme.announced" and told.is_accepted)
        if (begun := next(announced, None)) is None:
            raise Refused("the announcement is left out by another lever", hint="then there is nothing to annul")
        order = (begun.order[0], begun.order[1], 1)
        for rules in rulebook.phases:
            if not panels.intersection(rules.panels):
                continue
            data: dict[str, Any] = {"phase": rules.id, "evaluator": evaluator, "reason": "supposed"}
            data |= {"entrants": [entrant]} if colon else {}
            subject, office = f"{rules.id}/{who}", pipeline_source(self.state.programme)
            act = self._supposed("marks.annulled", subject, office, data, order, "annul")
            yield act
            if (role := rules.approvals.get("marks.annulled")) is not None:
                yield self._approved(act, role, order, rulebook)

    def _approved(self, act: Told, role: str, order: tuple[int, int, int], rulebook: Rulebook) -> Told:
        assert act.event is not None  # It was just made.
        source = next((row.source for row in rulebook.sources if row.role == role), None)
        if source is None:
            raise Refused(f"no source of the rulebook has the role {role}, so nobody approves", hint="--set sources")
        data = {"act": act.event.id, "role": role, "meaning": "supposed"}
        return self._supposed("act.approved", act.event.id, source, data, order, "annul")

    def _supposed(
        self, name: str, subject: str, source: str, data: Mapping[str, Any], order: tuple[int, int, int], lever: str
    ) -> Told:
        state, type_ = self.state, f"phasegate.{name}.v1"
        event_id = derived_id(state.programme, type_, "supposed", subject, 1)
        event = Envelope(event_id, source, type_, state.programme, format_instant(order[0]), dict(data))
        return supposed(event, TYPES[type_].topics[0], self.partition, order, lever)


_BEHIND = 1 << 60
"""An index behind every entry: what is added comes after what was received in the same millisecond."""


def _member(told: Told, name: str) -> Any:
    return told.event.data.get(name) if told.event is not None else None


def _rulebook(told: Told) -> Document:
    document: Document = _member(told, "rulebook")
    return document


def _gives(told: Told, score: str) -> bool:
    if told.event is None:
        return False
    is_first = told.name == "score.recorded" and told.event.id == score
    return is_first or (told.name == "score.corrected" and told.event.data.get("score") == score)


def out_of_range(told: Told, reason: str, detail: str) -> Refused | None:
    """Why a corrected mark would not be taken, where that is its value's fault."""
    if told.lever != "correct" or reason != "out-of-range" or not told.is_accepted:
        return None
    return Refused(f"the mark cannot be corrected so: {detail}", hint="give a value that the rules allow")
