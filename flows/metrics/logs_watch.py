"""What is in the logs: counted and folded as they grow, never from the beginning again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import Metric

from events.entry import decode_members
from events.envelope import decode_accepted
from flows.metrics.families import family, seconds_since, states_of
from flows.reader import Reader
from flows.standing import due_since
from handlers.attestation import ATTESTED
from handlers.due import due
from handlers.phase_state import STATUSES
from handlers.state import State
from infra.clock import now_ms
from infra.ledger import Ledger


@dataclass(slots=True)
class Tally:
    """The first `size` entries of a log, counted: by (topic, verdict), refused ones by reason, attestations that a decision
    came out differently; and the last receipt (Unix milliseconds).
    """

    size: int = 0
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    different: int = 0
    last_ms: int = 0

    def catch_up(self, ledger: Ledger, programme: str) -> None:
        """Counts what has come since."""
        for index, entry, value in ledger.read_values(programme, self.size):
            _, topic, _, _, received_ms, _, verdict, _, name, reason, of = decode_members(entry)
            self.verdicts[topic, verdict] += 1
            if verdict == "refused":
                self.refused[reason or ""] += 1
            if of is None:
                self.last_ms = max(self.last_ms, received_ms)
            if name == ATTESTED and verdict == "accepted":
                self.different += _is_different(value if of is None else _value_of(ledger, programme, of))
            self.size = index + 1


def _value_of(ledger: Ledger, programme: str, index: int) -> bytes | None:
    return next(iter(ledger.read_values(programme, index, index + 1)))[2]


def _is_different(value: bytes | None) -> bool:
    """False where the record was erased: what it said is not known any more."""
    return value is not None and decode_accepted(value).data["result"] == "different"


@dataclass(frozen=True, slots=True)
class Seen:
    """Of all logs. `due_since`: by programme, since when (Unix milliseconds) something is due and not done; None when nothing
    is. A programme in its own time is left out: nobody's clock says how late that is.
    """

    verdicts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    refused: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    different: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    phases: Mapping[tuple[str, str], str] = field(default_factory=dict)
    due_since: Mapping[str, int | None] = field(default_factory=dict)


class LogsWatch:
    """`look` is called from one thread; `families` from any. Keeps every programme folded, and reads only what grew."""

    def __init__(self, ledger: Callable[[], Ledger]) -> None:
        self._ledger = ledger
        self._reader: Reader | None = None
        self._states: dict[str, State] = {}
        self._tallies: dict[str, Tally] = {}
        self._seen = Seen()

    def look(self) -> None:
        """What is due is asked each time, since time alone makes things due. Raises Unavailable."""
        ledger = self._ledger()
        reader = self._reader = self._reader or Reader(ledger)
        for extent in ledger.extents():
            tally = self._tallies.setdefault(extent.programme, Tally())
            if tally.size < extent.size:
                tally.catch_up(ledger, extent.programme)
                self._states[extent.programme] = reader.state(extent.programme)
        self._seen = self._all(now_ms())

    def _all(self, at_ms: int) -> Seen:
        verdicts, refused = Counter[tuple[str, str]](), Counter[tuple[str, ...]]()
        for tally in self._tallies.values():
            verdicts.update(tally.verdicts)
            refused.update({(reason,): count for reason, count in tally.refused.items()})
        return Seen(
            verdicts,
            refused,
            {(name,): tally.different for name, tally in self._tallies.items()},
            {(name, phase): status for name, state in self._states.items() for phase, status in _phases(state)},
            {name: self._due_since(name, state, at_ms) for name, state in self._states.items() if _has_clock(state)},
        )

    def _due_since(self, name: str, state: State, at_ms: int) -> int | None:
        transition = due(state, at_ms)
        return None if transition is None else due_since(transition, self._tallies[name].last_ms)

    def families(self, at_ms: int) -> Iterator[Metric]:
        seen = self._seen
        yield family("phasegate_records_total", seen.verdicts)
        yield family("phasegate_refused_total", seen.refused)
        yield family("phasegate_replay_different_total", seen.different)
        states = {
            (*phase, name): value
            for phase, state in seen.phases.items()
            for name, value in states_of(state, STATUSES).items()
        }
        yield family("phasegate_phase_state", states)
        overdue = {(name,): seconds_since(since_ms, at_ms) for name, since_ms in seen.due_since.items()}
        yield family("phasegate_transition_overdue_seconds", overdue)


def _phases(state: State) -> Iterator[tuple[str, str]]:
    for rules in state.rulebook.phases if state.rulebook else ():
        yield rules.id, state.status(rules.id)


def _has_clock(state: State) -> bool:
    return state.clock == "broker"
