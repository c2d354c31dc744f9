"""How a phase goes on after its score: vacancies and calls, signatures, objections, publication, awards (RULES)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from events.fields import Id
from events.rulebook_fields import Duration, Flag, Instant, Number, Rule, Texts


class Vacancies(Rule):
    """What fills the places that stay empty: the phase that is an open call."""

    open_call: Id


class Duty(Rule):
    """A role that must sign a decision before it can become final, and what the signature means."""

    role: Id
    meaning: Annotated[str, Field(min_length=1)]


class Objections(Rule):
    """How long, on which grounds, and by whom (a role) objections are heard. `remedy`: how long after the last ruling of an
    upheld one what has to be done again counts for the new decision.
    """

    window: Duration
    grounds: tuple[Id, ...] = ()
    heard_by: Id | None = None
    remedy: Duration = "PT0S"


class Profile(Rule):
    """Which figures are public, and when."""

    id: Id
    title: Texts | None = None
    when: Literal["decided", "final"] = "decided"
    shows: tuple[Literal["outcomes", "first", "means", "gaps", "ranks", "totals", "scores", "margins"], ...]


class Eligible(Rule):
    """Who may apply to an open call, beside those who never took part. Entrants that still have a place may not."""

    eliminated: Flag = False
    withdrawn: Flag = False
    newcomers: Flag = True


class Recognition(Rule):
    """A majority of the members of a panel must find that an applicant can compete."""

    by: Id


class CallRule(Rule):
    """This phase is an open call: it opens at `opens` where the phase that it fills left a place vacant, takes
    applications until the phase's own `opens`, and then evaluates the applicants as any phase does.
    """

    fills: Id
    opens: Instant
    eligible: Eligible = Eligible()
    recognition: Recognition | None = None


class ParityRule(Rule):
    """Deadlines of their own for entrants that came in through a call, so that all have the same time."""

    submissions: Instant


class ResourceRule(Rule):
    """A quantity of something."""

    kind: Id
    quantity: Number
    unit: Annotated[str, Field(min_length=1)]


class AwardRule(Rule):
    """What everybody that advances receives."""

    resources: tuple[ResourceRule, ...] = ()
    title: Annotated[str, Field(min_length=1)] | None = None


Approvable = Literal["score.corrected", "score.voided", "marks.annulled", "mark.waived", "tie.resolved"]
"""Acts that can be made to wait for a second person."""
