"""At which weights of a criterion the outcome is another: every interval, with its ends, exact.

Two readings. `rules`: the phase decided with that weight, roundings included. `scores`: the leaves' results as they are,
scaled in proportion and not rounded again, which is what a reader with a calculator does. Between the points at which some
score jumps, or two that are compared cross, nothing that decides can change; there the phase is decided, once for each way
in which all compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Literal

from events.rulebook import Branch, Leaf, Phase
from events.rulebook_steps import Round
from handlers.entrant_cases import Fate
from handlers.ranking import PANEL
from handlers.rounding import Value
from handlers.scoring import TOTAL
from handlers.stability import levers
from handlers.stability.again import Again
from handlers.stability.inputs import Found
from handlers.stability.pieces import (
    Line,
    Pieces,
    added,
    crossings,
    extreme,
    on,
    rounded_pieces,
    straight,
    times,
    together,
)
from handlers.stability.weights import ONE, ZERO, Scaling, reweighted, scalings

Reading = Literal["rules", "scores"]
Fates = Mapping[str, Fate | None]
_Functions = Mapping[str, Pieces]
_Pattern = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Weights with one outcome: from `low` to `high`, each end within or not. A single weight is both ends."""

    low: Fraction
    high: Fraction
    has_low: bool
    has_high: bool
    fates: Fates

    def __contains__(self, weight: Fraction) -> bool:
        return (self.low < weight or (self.has_low and self.low == weight)) and (
            weight < self.high or (self.has_high and self.high == weight)
        )


@dataclass(frozen=True, slots=True)
class Sweep:
    """All weights of a criterion from 0 to `whole`, ascending; `weight` is the present one."""

    criterion: str
    reading: Reading
    weight: Fraction
    whole: Fraction
    spans: tuple[Span, ...]

    @property
    def present(self) -> Span:
        """The weights around the present one with the same outcome."""
        return next(span for span in self.spans if self.weight in span)

    @property
    def others(self) -> tuple[Span, ...]:
        """Where the outcome is not that of the present weight."""
        return tuple(span for span in self.spans if span.fates != self.present.fates)


def sweeps(again: Again, reading: Reading = "rules") -> Iterator[Sweep]:
    """Each criterion whose weight can change, in the order of the tree."""
    for scaling in scalings(again.inputs.rules):
        yield sweep(again, scaling, reading)


def sweep(again: Again, scaling: Scaling, reading: Reading = "rules") -> Sweep:
    """One criterion."""
    groups = _groups(again, scaling, reading)
    known: dict[_Pattern, Fates] = {}
    spans: list[Span] = []
    for low, high, pattern in _stretches(groups, scaling.whole):
        if pattern not in known:
            known[pattern] = _decided(again, scaling, (low + high) / 2, reading).fates
        _extend(spans, Span(low, high, low == high, low == high, known[pattern]))
    return Sweep(scaling.path, reading, scaling.own, scaling.whole, tuple(spans))


def _extend(spans: list[Span], following: Span) -> None:
    if spans and spans[-1].fates == following.fates:
        before = spans.pop()
        following = Span(before.low, following.high, before.has_low, following.has_high, following.fates)
    spans.append(following)


def _stretches(groups: list[list[Pieces]], whole: Fraction) -> Iterator[tuple[Fraction, Fraction, _Pattern]]:
    """Every point and every open interval, in turns, with how the functions of each group compare there."""
    flat = together([straight((ZERO, ZERO), whole), *(one for group in groups for one in group)])
    flat = together(flat, {where for group in _regrouped(flat, groups) for where in crossings(group)})
    aligned, points = _regrouped(flat, groups), flat[0].points
    for index, point in enumerate(points):
        yield point, point, tuple(_order([one.at[index] for one in group]) for group in aligned)
        if index + 1 < len(points):
            following = points[index + 1]
            yield point, following, tuple(_order(_within(group, index, point, following)) for group in aligned)


def _regrouped(flat: list[Pieces], groups: list[list[Pieces]]) -> list[list[Pieces]]:
    rest = iter(flat[1:])
    return [[next(rest) for _ in group] for group in groups]


def _within(group: list[Pieces], index: int, low: Fraction, high: Fraction) -> list[Fraction]:
    """The values in the middle between two points; nothing crosses between them."""
    lines = [one.lines[index] for one in group]
    if not any(slope for _, slope in lines):
        return [constant for constant, _ in lines]
    middle = (low + high) / 2
    return [on(line, middle) for line in lines]


def _order(values: list[Fraction]) -> tuple[int, ...]:
    """The place of each among the distinct values; compared as whole numbers of one common part."""
    common = lcm(*(value.denominator for value in values))
    wholes = [value.numerator * (common // value.denominator) for value in values]
    places = {whole: place for place, whole in enumerate(sorted(set(wholes)))}
    return tuple(places[whole] for whole in wholes)


def _groups(again: Again, scaling: Scaling, reading: Reading) -> list[list[Pieces]]:
    """What is compared: the entrants in what ranks and in each tie-break, and each with each floor."""
    rules = again.inputs.rules
    by_entrant = [_functions(again, name, scaling, reading) for name in again.table.entrants]
    groups = [[own[TOTAL, "key"] for own in by_entrant if (TOTAL, "key") in own]]
    groups += [[own[tie, ""] for own in by_entrant if (tie, "") in own] for tie in rules.ties if tie != PANEL]
    for path, floor in rules.floors.items():
        factor = scaling.factor(path) if rules.rank_by == "total" else (ONE, ZERO)
        line = straight((factor[0] * floor, factor[1] * floor), scaling.whole)
        groups += [[own[path, ""], line] for own in by_entrant if (path, "") in own]
    return [group for group in groups if group]


def _functions(again: Again, name: str, scaling: Scaling, reading: Reading) -> dict[tuple[str, str], Pieces]:
    """Every node of an entrant, the total, and what ranks it, as functions of the weight."""
    rules = again.inputs.rules
    is_ranked = rules.rank_by != "total"
    own: dict[str, Pieces] = {}
    for path, node in rules.tree.items():
        if path not in again.table.values[name]:
            continue
        if is_ranked:
            own[path] = _constant(again.table.values[name][path].exact, scaling)
        elif isinstance(node, Leaf):
            own[path] = _leaf(again, name, path, scaling, reading)
        else:
            own[path] = _branch(node, own, reading)
    if name in again.table.totals:
        top = [own[rule.id] for rule in rules.criteria if rule.counts]
        own[TOTAL] = added(top)
    found = {(path, ""): pieces for path, pieces in own.items()}
    key = own.get(TOTAL) if rules.rank_by == "total" else _weighted(again, name, scaling)
    return found if key is None else {**found, (TOTAL, "key"): key}


def _constant(value: Fraction, scaling: Scaling) -> Pieces:
    return straight((value, ZERO), scaling.whole)


def _leaf(again: Again, name: str, path: str, scaling: Scaling, reading: Reading) -> Pieces:
    leaf = again.leaves[path]
    result = again.results[path][name].exact
    last = leaf.leaf.steps[-1]
    if not leaf.leaf.counts:
        return _constant(result, scaling)
    factor = scaling.factor(path)
    if reading == "scores" or not isinstance(last, Round):
        return straight(_scaled(factor, result), scaling.whole)
    (before,) = leaf.cells_before(len(leaf.leaf.steps) - 1)[name].values()
    return rounded_pieces(straight(_scaled(factor, before), scaling.whole), last.round)


def _scaled(factor: Line, value: Fraction) -> Line:
    return factor[0] * value, factor[1] * value


def _branch(node: Branch, own: _Functions, reading: Reading) -> Pieces:
    if node.by in ("min", "max"):
        whole = extreme([own[part] for part in node.parts], is_highest=node.by == "max")
    else:
        is_weighted = node.by == "weighted-sum"
        whole = added([times(own[part], node.weights[part]) if is_weighted else own[part] for part in node.parts])
    return whole if node.round is None or reading == "scores" else rounded_pieces(whole, node.round)


def _weighted(again: Again, name: str, scaling: Scaling) -> Pieces | None:
    """What ranks, where weights are given for that alone."""
    rules = again.inputs.rules
    values = {**again.table.values[name], **({TOTAL: again.table.totals[name]} if name in again.table.totals else {})}
    if rules.rank_by == "total" or TOTAL not in values or any(path not in values for path in rules.rank_by.weights):
        return None
    lines = []
    for path, weight in rules.rank_by.weights.items():
        factor = scaling.inside if path == scaling.path else scaling.outside
        lines.append(_scaled(factor, weight * values[path].exact))
    return straight((sum((c for c, _ in lines), ZERO), sum((d for _, d in lines), ZERO)), scaling.whole)


def _decided(again: Again, scaling: Scaling, weight: Fraction, reading: Reading) -> Found:
    rules = again.inputs.rules
    if reading == "rules" or rules.rank_by != "total":
        return again.with_rules(reweighted(rules, scaling, weight))
    return again.with_scores(*scaled_scores(again, scaling, weight))


def scaled_scores(again: Again, scaling: Scaling, weight: Fraction) -> tuple[Phase, dict[str, dict[str, Value]]]:
    """The leaves' results scaled in proportion, and the rules without what would round them again."""
    rules = levers.with_branches(again.inputs.rules, lambda branch: levers.changed(branch, round=None))
    floors = {path: on(scaling.factor(path), weight) for path in rules.floors}
    results = {
        path: {
            name: Value(own.exact * on(scaling.factor(path), weight)) if rules.leaves[path].counts else own
            for name, own in rows.items()
        }
        for path, rows in again.results.items()
    }
    return levers.with_floors(rules, floors), results
