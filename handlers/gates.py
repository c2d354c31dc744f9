"""How each entrant stands at each gate: findings, and the rulings on them that count.

Of a finding counts the latest ruling that came in time for the intake; where none did, the first one after it, which is
what the phase was held for. So the result is a function of the set, not of how topics interleaved. A count is not met
when one finding against it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from handlers.outcomes import GateResult, Verdict
from handlers.state import Fact, Finding, PhaseState, State
from handlers.windows import is_in_time, last_window

_WORST_FIRST: list[Verdict] = ["not-met", "undetermined", "met"]


def effective_ruling(state: State, phase: PhaseState, finding: Finding) -> Fact | None:
    """The ruling on a finding that counts; None while there is none."""
    window = last_window(phase)
    in_time = [r for r in finding.rulings if window is None or is_in_time(state, phase.rules.id, window, r)]
    if in_time:
        return in_time[-1]
    return finding.rulings[0] if finding.rulings else None


def outstanding(state: State, phase: PhaseState) -> Iterator[tuple[str, Finding]]:
    """The findings that still need a ruling, by id."""
    for finding_id, finding in phase.findings.items():
        if finding.needs_ruling and effective_ruling(state, phase, finding) is None:
            yield finding_id, finding


def gate_results(state: State, phase: PhaseState) -> dict[tuple[str, str], GateResult]:
    """Every entrant at every gate of the phase, with the ids of the findings and rulings it rests on."""
    results = {}
    for gate in phase.rules.gates:
        for entrant in phase.entrants:
            verdicts: dict[str, Verdict] = dict.fromkeys(gate.counts, gate.without_finding)
            cites: set[str] = set()
            for count in gate.counts:
                rows = [f for f in phase.findings.values() if f.key == (entrant, gate.id, count)]
                said = [_verdict(state, phase, finding, cites) for finding in rows]
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
