"""How each entrant stands at each gate: findings, and the rulings on them that count.

Of a finding counts the latest ruling that came in time for the round's intake; where none did, the first one after it,
which is what the phase was held for. So the result is a function of the set, not of how topics interleaved. A count is
not met when one finding against it stands, or when as many members of the panel as the gate says ticked it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from events.rulebook import Gate
from handlers.entrant_cases import GateResult, Verdict
from handlers.exclusions import excluded_pairs
from handlers.seats import members
from handlers.state import Fact, Finding, PhaseState, State
from handlers.windows import counts

Pairs = frozenset[tuple[str, str]]

_WORST_FIRST: list[Verdict] = ["not-met", "undetermined", "met"]


def effective_ruling(state: State, phase: PhaseState, finding: Finding) -> Fact | None:
    """The ruling on a finding that counts; None while there is none."""
    in_time = [ruling for ruling in finding.rulings if counts(state, phase, ruling)]
    if in_time:
        return in_time[-1]
    return finding.rulings[0] if finding.rulings else None


def outstanding(state: State, phase: PhaseState) -> Iterator[tuple[str, Finding]]:
    """The findings that still need a ruling, by id."""
    for finding_id, finding in phase.findings.items():
        if finding.needs_ruling and effective_ruling(state, phase, finding) is None:
            yield finding_id, finding


def gate_results(state: State, phase: PhaseState, without: Pairs = frozenset()) -> dict[tuple[str, str], GateResult]:
    """Every entrant at every gate of the phase, with the ids of the findings and rulings it rests on. Of `without`
    (evaluator, entrant) no tick counts, as of those who are excluded.
    """
    pairs = excluded_pairs(state, phase) | without
    results = {}
    for gate in phase.rules.gates:
        for entrant in phase.entrants:
            verdicts: dict[str, Verdict] = dict.fromkeys(gate.counts, gate.without_finding)
            cites: set[str] = set()
            for count in gate.counts:
                rows = [f for f in phase.findings.values() if f.key == (entrant, gate.id, count)]
                said = [_verdict(state, phase, finding, cites) for finding in rows]
                said += _ticked(state, phase, gate, (entrant, gate.id, count), cites, pairs)
                if said:
                    verdicts[count] = min(said, key=_WORST_FIRST.index)
            met = all(verdict == "met" for verdict in verdicts.values())
            results[entrant, gate.id] = GateResult(met, verdicts, tuple(sorted(cites)))
    return results


def _verdict(state: State, phase: PhaseState, finding: Finding, cites: set[str]) -> Verdict:
    cites.add(finding.fact.event.id)
    ruling = effective_ruling(state, phase, finding)
    if ruling is None:
        return cast(Verdict, finding.fact.data["verdict"])
    cites.add(ruling.event.id)
    return cast(Verdict, ruling.data["verdict"])


def _ticked(
    state: State, phase: PhaseState, gate: Gate, key: tuple[str, str, str], cites: set[str], pairs: Pairs
) -> Iterator[Verdict]:
    """Not met, when enough of the panel's members say so; the ticks that say it are cited."""
    if gate.tick is None:
        return
    seated = [who for who in members(state, phase, gate.tick.by) if (who, key[0]) not in pairs]
    last = [phase.ticks.get((*key, who)) for who in seated]
    against = [fact.event.id for fact in last if fact is not None and fact.data["not_met"]]
    needed = {"any": 1, "majority": len(seated) // 2 + 1, "all": max(len(seated), 1)}[gate.tick.not_met_when]
    if len(against) >= needed:
        cites.update(against)
        yield "not-met"


def recognised(state: State, phase: PhaseState, without: Pairs = frozenset()) -> frozenset[str] | None:
    """The applicants of an open call that a majority of its panel's members found able to compete; None where the rules
    ask for no recognition. Of `without` (evaluator, entrant) no vote counts.
    """
    call = phase.rules.call
    if call is None or call.recognition is None:
        return None
    pairs = excluded_pairs(state, phase) | without
    seated = members(state, phase, call.recognition.by)
    found = set()
    for entrant in phase.entrants:
        panel = [who for who in seated if (who, entrant) not in pairs]
        votes = [phase.votes.get((entrant, who)) for who in panel]
        if 2 * sum(vote is not None and vote.data["vote"] == "yes" for vote in votes) > len(panel):
            found.add(entrant)
    return frozenset(found)
