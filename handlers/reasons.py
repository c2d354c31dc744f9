"""Reason codes of decisions, each defined once, and the reasons made of them. Prose is made from codes elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from events.values import format_number
from handlers.ranking import Break
from handlers.rounding import Value, difference

REASONS: Mapping[str, str] = {
    "rank-within-places": "The place among those eligible (observed) is one of the places (required).",
    "rank-below-places": "The place among those eligible lies behind the last of the places.",
    "floor-not-reached": "A threshold on a criterion or on the total is not reached.",
    "gate-not-met": "A gate beside the score is not met on at least one count.",
    "tie-broken-by": "Equal until this criterion (`panel`: a recorded choice) decided; required is the rival's value.",
    "tie-unresolved": "A tie at the last place that nothing has decided yet.",
    "withdrawn": "The entrant withdrew.",
    "no-submission": "Nothing was submitted in time.",
    "not-recognised": "No majority of the evaluators found that the applicant can compete.",
}
"""Why an entrant stands where it stands."""

HOLDS: Mapping[str, str] = {
    "not-scored": "An entrant has no score: marks are missing.",
    "tie-unresolved": "A tie at the last place waits for a person's choice.",
    "gate-undetermined": "A count of a gate waits for a finding or a ruling.",
    "too-few-advance": "Fewer would advance than the rules ask for at least.",
    "mark-missing": "An evaluator owes a mark.",
    "quorum-missing": "Fewer members of a panel gave all their marks than its quorum asks for.",
    "panel-empty": "Nobody was appointed in time to a panel that marks.",
    "ruling-outstanding": "A finding waits for a ruling.",
    "decision-returned": "Somebody who was to sign the decision returned it; the phase has to be reopened.",
    "objection-outstanding": "An objection that came in time waits for a ruling.",
}
"""Why a phase cannot be decided yet."""


REOPENINGS: Mapping[str, str] = {
    "objection-upheld": "An objection was upheld.",
    "withdrawal": "An entrant that had advanced withdrew before the decision was final.",
    "office": "The programme office decided to compute the phase anew.",
}
"""Why a phase is computed anew."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with the numbers behind it. `margin` = observed - required, in their own unit; for places the other way
    round, so that it is never negative for what speaks in favour.
    """

    code: str
    criterion: str | None = None
    gate: str | None = None
    observed: str | None = None
    required: str | None = None
    margin: str | None = None
    cites: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """As in `entrant.assessed`: absent members left out."""
        texts = {name: getattr(self, name) for name in ("code", "criterion", "gate", "observed", "required", "margin")}
        told: dict[str, Any] = {name: text for name, text in texts.items() if text is not None}
        return told | ({"cites": list(self.cites)} if self.cites else {})

    def public(self) -> dict[str, str]:
        """As in `phase.decided`: without numbers."""
        texts = {"code": self.code, "criterion": self.criterion, "gate": self.gate}
        return {name: text for name, text in texts.items() if text is not None}


@dataclass(frozen=True, slots=True)
class Unresolved:
    """One thing that a decision waits for, as in `phase.held`."""

    code: str
    who: str
    what: str

    def data(self) -> dict[str, str]:
        return {"code": self.code, "who": self.who, "what": self.what}


def floor_reason(criterion: str, observed: Value, floor: Fraction) -> Reason:
    margin = difference(observed, Value(floor)).text
    return Reason("floor-not-reached", criterion, None, observed.text, format_number(floor), margin)


def place_reason(place: int, places: int) -> Reason:
    code = "rank-within-places" if place <= places else "rank-below-places"
    return Reason(code, observed=str(place), required=str(places), margin=str(places - place))


def gate_reason(gate: str, counts: Mapping[str, str], cites: Iterable[str]) -> Reason:
    """Observed names the counts that are not met."""
    failed = ", ".join(sorted(count for count, verdict in counts.items() if verdict == "not-met"))
    return Reason("gate-not-met", gate=gate, observed=failed or "not-met", required="met", cites=tuple(sorted(cites)))


def tie_reason(found: Break) -> Reason:
    observed, rival = found.observed, found.rival
    margin = None if observed is None or rival is None else difference(observed, rival).text
    return Reason(
        "tie-broken-by",
        found.criterion,
        observed=None if observed is None else observed.text,
        required=None if rival is None else rival.text,
        margin=margin,
        cites=tuple(sorted(found.cites)),
    )
