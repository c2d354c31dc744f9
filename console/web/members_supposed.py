"""Short names of what people change in a rulebook most often, and the members that they stand for.

`places.PHASE`: how many advance. `least.PHASE.CRITERION`: the threshold of a criterion. `weight.PHASE.CRITERION`: how often the
criterion counts in the ranking, and nowhere else. `mode.PHASE`: how everything in the phase is rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from events.errors import Refused
from events.rulebook import Phase, Rulebook, WeightedSum
from events.rulebook_criteria import Branch, Leaf
from events.rulebook_steps import Round
from events.values import format_number, parse_number
from handlers.nearest import not_found

SHORT = ("places", "least", "weight", "mode")

Pairs = Sequence[tuple[str, str]]


def members(rulebook: Rulebook, asked: Pairs) -> Iterator[tuple[str, str]]:
    """Each as the path of a member and its value, as a rulebook writes them. Raises NotFound for a phase or a criterion that
    is none, Refused for a value that is none.
    """
    by_phase: dict[str, list[tuple[str, str, str]]] = {}
    for name, value in asked:
        kind, _, rest = name.partition(".")
        phase, _, criterion = rest.partition(".")
        by_phase.setdefault(phase, []).append((kind, criterion, value))
    phases = {rules.id: rules for rules in rulebook.phases}
    for phase, rows in by_phase.items():
        if phase not in phases:
            raise not_found("phase", phase, phases, "the rulebook")
        yield from _of_phase(phases[phase], rows)


def _of_phase(rules: Phase, rows: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    place = f"phases.{rules.id}"
    wanted: dict[str, dict[str, str]] = {}
    for kind, criterion, value in rows:
        if wanted.setdefault(kind, {}).setdefault(criterion, value) != value:
            raise Refused(f"{kind}.{rules.id}: two values, {wanted[kind][criterion]} and {value}", hint="say one")
    for kind, values in wanted.items():
        match kind:
            case "places":
                yield f"{place}.advance.places", _alone(kind, values)
            case "mode":
                mode = _alone(kind, values)
                yield from ((f"{place}.criteria.{path}", mode) for path in rounded_at(rules))
            case "least":
                yield f"{place}.floors", _written({**rules.floors, **_numbers(kind, values, rules.tree)})
            case _:
                weights = {**weights_of(rules), **_numbers(kind, values, counted(rules))}
                yield f"{place}.rank_by", f"{{weighted-sum: {_written(weights)}}}"


def _alone(kind: str, values: Mapping[str, str]) -> str:
    if set(values) != {""}:
        raise Refused(f"{kind} is of a phase, not of {next(filter(None, values))!r}", hint=f"write {kind}.PHASE=VALUE")
    return values[""]


def _numbers(kind: str, values: Mapping[str, str], known: Mapping[str, object]) -> dict[str, Fraction]:
    found = {}
    for criterion, text in values.items():
        if criterion not in known:
            raise not_found("criterion", criterion, known, "the phase")
        try:
            found[criterion] = parse_number(text)
        except ValueError as error:
            raise Refused(f"{kind} of {criterion} cannot be {text!r}: {error}", hint="write a decimal") from None
    return found


def _written(values: Mapping[str, Fraction]) -> str:
    return "{" + ", ".join(f"{name}: {format_number(value)}" for name, value in values.items()) + "}"


def counted(rules: Phase) -> dict[str, Mapping[str, str]]:
    """The criteria that make up the total, each with its titles."""
    return {rule.id: rule.title or {} for rule in rules.criteria if rule.counts}


def weights_of(rules: Phase) -> dict[str, Fraction]:
    """How often each criterion counts in the ranking now."""
    if isinstance(rules.rank_by, WeightedSum):
        return dict(rules.rank_by.weights)
    return dict.fromkeys(counted(rules), Fraction(1))


def rounded_at(rules: Phase) -> list[str]:
    """Where the phase rounds, as paths below its criteria."""
    found = []
    for node in rules.tree.values():
        match node:
            case Branch(id=path, round=rounding) if rounding is not None:
                found.append(f"{path}.round.mode")
            case Leaf(id=path, steps=steps):
                places = [str(place) for place, step in enumerate(steps) if isinstance(step, Round)]
                found += [f"{path}.steps.{f'{place}.round' if len(places) > 1 else 'round'}.mode" for place in places]
            case _:
                pass
    return found


def modes_of(rules: Phase) -> list[str]:
    """The ways in which the phase rounds now."""
    found: list[str] = []
    for node in rules.tree.values():
        if isinstance(node, Branch):
            found += [] if node.round is None else [node.round.mode]
        else:
            found += [step.round.mode for step in node.steps if isinstance(step, Round)]
    return list(dict.fromkeys(found))
