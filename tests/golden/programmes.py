"""The golden programmes: what is played, over the real recorder and ledger, to be recorded once for each engine.

Everything that can be is fixed: keys, instants, ids. The salts are drawn when it is recorded, and are in the recording.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from events.bus import Message
from events.envelope import Envelope
from flows.play import Player
from flows.scenario import Scenario, Scheduled, read_scenario
from flows.wiring import Parts, assemble
from handlers.state import State
from infra.keys import SigningKey
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.golden import erased
from tests.support import long_history, requeueing, small
from tests.support.changed_keys import NEW_OFFICE, to_the_decision
from tests.support.long_told import registered, reproduced, score, told
from tests.support.scenarios import memory
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, Stage, memory_stage

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCENARIOS = Path(__file__).parent / "scenarios"
EVALUATORS_MAX = 5
"""Of each panel of K-AI: enough for its trimmed means and majorities, and its result is the same."""


@dataclass(frozen=True, slots=True)
class Played:
    """A log in a ledger. `log_key` signs its checkpoints; `offices` are keys of the office, the first one first."""

    parts: Parts
    log: str
    log_key: SigningKey = LOG_KEY
    offices: tuple[SigningKey, ...] = (OFFICE_KEY,)


@dataclass
class Staged:
    """A stage as the long history is told to it."""

    stage: Stage

    @property
    def state(self) -> State:
        return self.stage.way.state

    def tell(self, *said: Envelope) -> None:
        self.stage.tell(*said)

    def progress(self, now_ms: int) -> None:
        self.stage.progress(now_ms)


def _life(folder: Path) -> Stage:
    """Everything that may happen, and much that may not, among records of others and records without a key."""
    stage = memory_stage(folder)
    stage.send(Message(topic, None, b"{}", (), small.OPENS) for topic in ("scores", "scores", "audits"))
    stage.send([Message("scores", b"No Programme", b"\xff", (("content-type", b"text/plain"),), small.OPENS)])
    slip = told("score.corrected", "early-fix", small.OFFICE, -39, score=score("ash", "ann"), value="1", reason="slip")
    long_history.play(Staged(stage), registered("ash"), slip, reproduced("ash", 24.05))
    stage.send([Message("submissions", b"other-cup", b"{}", (), small.OPENS)])
    stage.record()
    return stage


def whole_life(folder: Path) -> Played:
    return Played(_life(folder).parts, small.PROGRAMME)


def unrouted(folder: Path) -> Played:
    """Records that belong to no programme: those without a key that is one, of one partition."""
    parts = _life(folder).parts
    logs = [head for head in parts.ledger.heads() if head.programme.startswith("unrouted/scores/")]
    return Played(parts, max(logs, key=lambda head: head.size).programme)


def changed_keys(folder: Path) -> Played:
    """An evaluator's key, the office's and the log's own are changed on the way to the decision."""
    stage, log_key = to_the_decision(folder)
    return Played(stage.parts, small.PROGRAMME, log_key, (OFFICE_KEY, NEW_OFFICE))


def erased_and_attested(folder: Path) -> Played:
    """What is replayed past its holes, and what others said of it before and after."""
    return Played(erased.erased_and_attested(folder).parts, small.PROGRAMME)


def sent_again(folder: Path) -> Played:
    """Records that were refused and came again, with what the office says of that."""
    return Played(requeueing.sent_again(folder).parts, small.PROGRAMME)


def _scenario(folder: Path, scenario: Scenario) -> Played:
    url = f"sqlite:///{folder}/ledger.sqlite"
    upgrade(url)
    bus = memory()
    bus.ensure_topics()
    parts = assemble(bus, Ledger.open(url), ORIGIN, OFFICE_KEY, LOG_KEY)
    Player(scenario, parts, None, lambda _text: None).play()
    return Played(parts, scenario.programme)


def research_call(folder: Path) -> Played:
    return _scenario(folder, read_scenario(SCENARIOS / "research-call"))


def judged_sport(folder: Path) -> Played:
    return _scenario(folder, read_scenario(SCENARIOS / "judged-sport"))


def every_step(folder: Path) -> Played:
    return _scenario(folder, read_scenario(SCENARIOS / "every-step"))


def k_ai(folder: Path) -> Played:
    """All six phases, with the first five of each panel."""
    scenario = read_scenario(EXAMPLES / "k-ai-2026")
    return _scenario(folder, replace(scenario, scheduled=tuple(filter(_is_kept, scenario.scheduled))))


def _is_kept(row: Scheduled) -> bool:
    number = re.search(r"-(\d+)$", str(row.event.data.get("evaluator", "")))
    return number is None or int(number[1]) <= EVALUATORS_MAX


PROGRAMMES: Mapping[str, Callable[[Path], Played]] = {
    "whole-life": whole_life,
    "unrouted": unrouted,
    "changed-keys": changed_keys,
    "erased-and-attested": erased_and_attested,
    "sent-again": sent_again,
    "research-call": research_call,
    "judged-sport": judged_sport,
    "every-step": every_step,
    "k-ai-2026": k_ai,
}
"""By the name of their recording."""
