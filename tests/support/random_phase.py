"""Small phases drawn at random: every kind of step, branch, gate, floor and tie, with their marks."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from events.rulebook import Phase, parse_rulebook
from handlers.entrant_cases import Circumstances, GateResult, Verdict
from handlers.marks import Exclusions, Mark, Slot
from handlers.ranking import TieChoice
from handlers.stability.inputs import Inputs

NAMES = ("ash", "birch", "cedar", "doum")
ROUND = st.builds(
    lambda places, mode: {"round": {"places": str(places), "mode": mode}},
    st.integers(0, 1),
    st.sampled_from(["half-up", "half-even", "down", "up"]),
)
ACROSS = st.sampled_from(
    [
        {"across": "entrants", "by": "top"},
        {"across": "entrants", "by": "rank-points", "points": ["5", "3", "2", "1"], "ties": "mean"},
        {"across": "entrants", "by": "rank-points", "points": ["5", "3", "2"], "ties": "low"},
    ]
)
EVALUATORS = st.sampled_from(["mean", "mean", "median", "sum", "min", "max", "majority", "trimmed-mean"])


@st.composite
def leaves(draw: st.DrawFn, name: str, subtracts: str | None = None) -> dict[str, Any]:
    """A leaf with items from 0 to 4 or 0 to 5, and steps in either order of the axes."""
    count, top = draw(st.integers(1, 2)), draw(st.sampled_from(["4", "5"]))
    items = {f"{name}{number}": ["0", top] for number in range(count)}
    by = draw(EVALUATORS)
    evaluators: dict[str, Any] = {"over": "evaluators", "by": by}
    if by == "trimmed-mean":
        evaluators["drop"] = draw(st.sampled_from([["1", "1"], ["0", "1"], ["1", "0"]]))
    reductions = [evaluators, draw(_over_items(list(items)))]
    if draw(st.booleans()):
        reductions.reverse()
    steps: list[Any] = draw(
        st.sampled_from([[], [{"mark": "linear", "from": ["0", top]}], [{"mark": "ratio", "cap": "1"}]])
    )
    steps = list(steps)
    for reduction in reductions:
        steps += draw(st.sampled_from([[], [draw(ROUND)], [draw(ACROSS)] if draw(st.booleans()) else []]))
        steps.append(reduction)
    steps += draw(st.sampled_from([[], [draw(ACROSS)]]))
    steps += draw(st.sampled_from([[], ["points"], [{"times": "1.5"}]]))
    if subtracts is not None:
        steps.append({"subtract": subtracts, "floor": "0"})
    steps += draw(st.sampled_from([[], [draw(ROUND)], [draw(ROUND)]]))
    panel = draw(st.sampled_from(["p", "q"]))
    return {"id": name, "points": draw(st.sampled_from(["5", "8"])), "panel": panel, "items": items, "steps": steps}


def _over_items(items: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    weights = {item: str(number + 1) for number, item in enumerate(items)}
    plain = [{"over": "items", "by": by} for by in ("mean", "sum", "median")]
    weighted = [{"over": "items", "by": by, "weights": weights} for by in ("weighted-sum", "weighted-mean")]
    return st.sampled_from([*plain, *weighted, {"over": "items", "by": "best-of", "n": "1"}])


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A bare scoring document: one leaf, a branch of two, perhaps one that only serves to be subtracted."""
    is_less = draw(st.booleans())
    criteria: list[dict[str, Any]] = [draw(leaves("a", subtracts="less" if is_less else None))]
    branch: dict[str, Any] = {"id": "b", "parts": [draw(leaves("c")), draw(leaves("d"))]}
    branch |= draw(
        st.sampled_from([{}, {"by": "min"}, {"by": "max"}, {"by": "weighted-sum", "weights": {"c": "1", "d": "2"}}])
    )
    branch |= draw(st.sampled_from([{}, draw(ROUND)]))
    criteria.append(branch)
    if is_less:
        criteria.append({**draw(leaves("less")), "counts": "false"})
    weights = {"a": "1", "b.c": "2"}
    gate = {"id": "g", "counts": ["one"], "when": draw(st.sampled_from(["after-ranking", "before-ranking"]))}
    return {
        "criteria": criteria,
        "missing": draw(st.sampled_from(["hold", "exclude", "zero"])),
        "floors": draw(st.sampled_from([{}, {"a": "2"}, {"total": "4", "b": "1"}])),
        "gates": draw(st.sampled_from([[], [gate]])),
        "rank_by": draw(st.sampled_from(["total", "total", {"weighted-sum": weights}])),
        "ties": draw(st.sampled_from([[], ["panel"], ["a", "panel"], ["b.c", "a"]])),
        "means": {"places": "2", "mode": "half-up"},
        "advance": {
            "places": str(draw(st.integers(1, 3))),
            "refill_from_ranking": draw(st.sampled_from(["true", "false"])),
            "withdrawn": draw(st.sampled_from(["vacancy", "next-in-line"])),
        },
    }


@st.composite
def phase_inputs(draw: st.DrawFn, *, is_full: bool = False, parts: int = 2) -> Inputs:
    """A phase of three or four entrants and two panels of two to four, with marks in halves (or other `parts` of one).
    Where it is not full a mark may be missing, and an evaluator recused for an entrant.
    """
    document = draw(documents())
    phase = parse_rulebook(document).phase("phase-1")
    names = NAMES[: draw(st.integers(3, 4))]
    panels = {panel: tuple(f"{panel}{number}" for number in range(draw(st.integers(2, 4)))) for panel in "pq"}
    seats = {path: panels[leaf.panel] for path, leaf in phase.leaves.items()}
    marks = draw(_marks(phase, names, seats, parts))
    excluded = Exclusions()
    if not is_full and draw(st.booleans()):
        for slot in draw(st.lists(st.sampled_from(sorted(marks)), max_size=2, unique=True)):
            del marks[slot]
        pairs = draw(st.lists(st.tuples(st.sampled_from(panels["p"]), st.sampled_from(names)), max_size=2))
        excluded = Exclusions(frozenset(pairs))
    verdicts: list[Verdict] = ["met", "met", "met", "met", "not-met", "undetermined"]
    told = {name: draw(st.sampled_from(verdicts)) for name in names if phase.gates}
    failing = {(name, "g"): GateResult(verdict == "met", {"one": verdict}) for name, verdict in told.items()}
    known = Circumstances(
        gates=failing,
        left=draw(st.sampled_from([{}, {}, {"birch": ("w",)}])),
        recognised=draw(st.sampled_from([None, None, frozenset({"ash", "birch"})])),
        tie_choices=draw(st.sampled_from([(), (TieChoice(names, is_late=True),), (TieChoice(names[::-1]),)])),
    )
    return Inputs(phase, names, marks, seats, excluded, known, {"p0": Circumstances(), "q1": known})


@st.composite
def _marks(
    draw: st.DrawFn, phase: Phase, names: tuple[str, ...], seats: dict[str, tuple[str, ...]], parts: int
) -> dict[Slot, Mark]:
    found: dict[Slot, Mark] = {}
    for path, leaf in phase.leaves.items():
        for name in names:
            for item, (_, high) in leaf.items.items():
                for who in seats[path]:
                    count = draw(st.integers(0, int(parts * high)))
                    reference = Fraction(draw(st.integers(1, 4))) if leaf.takes_reference else None
                    found[name, path, item, who] = Mark(Fraction(count, parts), reference)
    return found
