"""An engine: the rules of one version of the deciding code, by which records are judged and phases decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from events.rulebook import Source
    from handlers.outcomes import PhaseOutcome
    from handlers.scoring import ScoreTable
    from handlers.state import Fact, PhaseState, State
    from handlers.verdicts import Verdict

VerdictRule = Callable[["State", "Fact", "Source | None"], "Verdict"]
"""What becomes of an authorised event of one type."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Whatever two engines do differently is a member here, so that each row of the table says what its engine is.

    id        as programmes name it, and `basis.engine`: "1", "2", …
    verdicts  by stored name: the rule for what an event of the type says
    scores    every value that the marks in force give
    outcome   what the rules make of everything that is known of a phase
    """

    id: str
    verdicts: Mapping[str, VerdictRule]
    scores: Callable[[State, PhaseState], ScoreTable]
    outcome: Callable[[State, PhaseState], PhaseOutcome]
