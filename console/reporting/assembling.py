"""Which chapters a report has: everything for an auditor, or what a publication profile shows for the public."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.figures.figure import Figure
from console.figures.of_phase import figures_of, timeline_of
from console.figures.of_robustness import rank_map_of, weights_of
from console.reporting.chapters import About, Chapter, Grid, about
from console.reporting.published import outcomes_of, published_figures, published_grids
from console.reporting.stable import grids
from console.telling.sentences import Words
from events.errors import NotFound
from flows.cut import inputs_at_cut
from flows.explained import known_of
from flows.reader import Moment
from handlers.explaining import explain
from handlers.stability.again import Again
from handlers.stability.report import robustness, robustness_data
from handlers.state import PhaseState, State

if TYPE_CHECKING:
    from flows.reading import Reading


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a report in full: its words, the seed and number of panels drawn anew, who is told of progress."""

    words: Words
    about: str
    seed: int
    resamples: int
    say: Callable[[str], None]


@dataclass(slots=True)
class _Parts:
    """What a chapter is filled with."""

    figures: list[Figure] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    entrants: list[About] = field(default_factory=list)


def full_chapters(reading: Reading, state: State, at: Moment | None, order: Order) -> Iterator[Chapter]:
    """Every phase that was opened, in the order of the rulebook, with all that is known of it."""
    for phase in state.phases.values():
        order.say(f"{phase.rules.id}: explaining")
        phase_id, decision = phase.rules.id, phase.in_force
        known = known_of(reading, state.programme, state, decision)
        told = explain(known, phase_id, None, decision)
        parts = _Parts(list(figures_of(phase, order.about)))
        if decision is not None:
            order.say(f"{phase_id}: deciding again")
            again = Again(inputs_at_cut(reading, state.programme, phase_id, at).inputs)
            found = robustness(again, order.seed, order.resamples)
            parts.figures += [weights_of(phase_id, found.sweeps)] if found.sweeps else []
            parts.figures.append(rank_map_of(phase_id, again, found.left_out))
            parts.grids = list(grids(robustness_data(again, found)))
        parts.entrants = [about(order.words, explain(known, phase_id, name, decision)) for name in phase.entrants]
        sentences = [order.words.sentence(point) for point in (*told.points, *told.owed)]
        yield _chapter(order.words, phase, sentences, order.about, parts)


def public_chapters(state: State, profile: str, words: Words, about_: str) -> Iterator[Chapter]:
    """Outcomes, time lines, and what was published under the profile: a figure is shown once `figures.published` showed it,
    and not because the rules would allow it. Raises NotFound without such a profile.
    """
    profiles = [row.id for row in state.rulebook.profiles] if state.rulebook else []
    if profile not in profiles:
        raise NotFound(f"the rulebook has no profile {profile!r}; it has: {', '.join(profiles) or 'none'}")
    for phase in state.phases.values():
        parts = _Parts()
        if (decision := phase.in_force) is not None:
            parts.grids.append(outcomes_of(decision))
            if (fact := decision.published.get(profile)) is not None:
                parts.grids += published_grids(fact.data["figures"], fact.index)
                parts.figures += published_figures(phase, decision, fact.data["figures"], about_)
        sentences = [words.say(f"status.{phase.status}", phase=phase.rules.id)]
        yield _chapter(words, phase, sentences, about_, parts)


def _chapter(words: Words, phase: PhaseState, sentences: Sequence[str], about_: str, parts: _Parts) -> Chapter:
    decision = phase.in_force
    basis = {} if decision is None else {name: str(value) for name, value in decision.fact.data["basis"].items()}
    return Chapter(
        phase.rules.id,
        words.written("phase", phase.rules.id),
        phase.status,
        tuple(sentences),
        None if decision is None else decision.fact.index,
        basis,
        tuple(parts.figures),
        timeline_of(phase, about_),
        tuple(parts.grids),
        tuple(parts.entrants),
    )
