"""The programme that is measured: one phase with a million places for marks, and its events, the same at every run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from uuid import UUID

from events.bus import Message
from events.envelope import CONTENT_TYPE_HEADER, Envelope, encode
from events.record import Record, partition_for
from events.rulebook import digest
from events.values import format_instant, parse_instant
from flows.office import message
from handlers import decide
from handlers.due import due
from handlers.judge import Deployment
from handlers.recording import record_one
from handlers.state import State
from handlers.transition import MarkWindow, OpenPhase
from handlers.verdicts import ACCEPTED
from infra.keys import from_seed

PROGRAMME = "models-2030"
PARTITIONS = 12
ORIGIN = "phasegate.example"
OFFICE = f"urn:phasegate:{PROGRAMME}:office"
OFFICE_KEY = from_seed("office.phasegate.example", bytes([7]) * 32)
LOG_KEY = from_seed("phasegate.example/log", bytes([8]) * 32)
DEPLOYMENT = Deployment(PARTITIONS, {OFFICE_KEY.kid: OFFICE_KEY.public})
PARTITION = partition_for(PROGRAMME.encode(), PARTITIONS)

ENTRANTS = tuple(f"team-{number:03d}" for number in range(100))
EVALUATORS = tuple(f"juror-{number:02d}" for number in range(20))
CRITERIA = ("accuracy", "language", "reasoning", "safety", "efficiency")
ITEMS = tuple(f"task-{number:03d}" for number in range(100))
"""Items of each criterion; entrants x evaluators x criteria x items are a million marks."""

DAY_MS = 86_400_000
OPENS_MS = parse_instant("2030-01-01T00:00:00.000Z")
COMMENTS = (
    "The answer names both statutes and quotes the right paragraph; the second half repeats itself.",
    "정답과 근거가 모두 맞고 표현이 자연스럽다. 다만 마지막 단계의 계산 과정이 생략되었다.",
    "Correct up to the last step, where the sign is lost; the explanation shows how it was meant.",
)


def rulebook() -> dict[str, Any]:
    """Every scalar is text, as YAML is read."""
    jury = [
        {"source": f"urn:jury:{name}", "types": ["score.recorded", "score.corrected"], "evaluator": name}
        for name in EVALUATORS
    ]
    steps = [{"mark": "linear", "from": ["0", "10"]}, {"over": "items", "by": "mean"}]
    steps += [{"over": "evaluators", "by": "mean"}]
    criteria = [
        {
            "id": name,
            "points": "20",
            "panel": "jury",
            "items": {item: ["0", "10"] for item in ITEMS},
            "steps": [*steps, "points"],
        }
        for name in CRITERIA
    ]
    phase = {
        "id": "final",
        "opens": format_instant(OPENS_MS),
        "windows": {"scores": format_instant(OPENS_MS + 90 * DAY_MS)},
        "criteria": criteria,
        "advance": {"places": "10"},
    }
    sources = [
        {"source": OFFICE, "role": "office", "types": ["*"], "signs": "true"},
        {"source": "urn:registry", "types": ["entrant.registered"]},
        *jury,
    ]
    means = {"places": "2", "mode": "half-up"}
    return {"programme": PROGRAMME, "version": "1", "means": means, "sources": sources, "phases": [phase]}


def messages(count: int) -> Iterator[Message]:
    """What the topics hold: the programme up to its open phase, then `count` marks."""
    yield from opening()
    for number in range(count):
        said = mark(number)
        yield Message("scores", PROGRAMME.encode(), encode(said), (CONTENT_TYPE_HEADER,), parse_instant(said.time))


def records(count: int) -> Iterator[Record]:
    """The same as a broker would deliver it, topic by topic in order."""
    offsets: dict[str, int] = {}
    for sent in messages(count):
        offset = offsets.get(sent.topic, 0)
        offsets[sent.topic] = offset + 1
        yield _record(sent, offset)


def mark_record(number: int) -> Record:
    """The mark of that number as a broker would deliver it."""
    said = mark(number)
    sent = Message("scores", PROGRAMME.encode(), encode(said), (CONTENT_TYPE_HEADER,), parse_instant(said.time))
    return _record(sent, sum(before.topic == "scores" for before in _opening()) + number)


@lru_cache(maxsize=1)
def _opening() -> list[Message]:
    return opening()


def opening() -> list[Message]:
    """Announced, appointed, registered, marked and opened, by the real decisions."""
    state = State(PROGRAMME)
    sent: list[Message] = []

    def tell(topic: str, said: Envelope, at_ms: int, signed: bool) -> None:
        offset = sum(before.topic == topic for before in sent)
        sent.append(message(topic, said, OFFICE_KEY if signed else None, at_ms))
        drafts = list(record_one(state, _record(sent[-1], offset), DEPLOYMENT))
        if drafts[0].verdict != ACCEPTED:
            raise RuntimeError(f"the measured programme is at fault: {str(drafts[0].verdict)[:500]}")

    for topic, said in _beginnings():
        tell(topic, said, parse_instant(said.time), said.source == OFFICE)
    opened_ms = OPENS_MS + 1
    while (transition := due(state, opened_ms)) is not None:
        if isinstance(transition, MarkWindow):
            outgoing = decide.markers_of(state, transition)
        else:
            assert isinstance(transition, OpenPhase)
            outgoing = [decide.phase_opened(state, transition)]
        for topic, said in outgoing:
            tell(topic, said, opened_ms, signed=True)
    return sent


def _beginnings() -> Iterator[tuple[str, Envelope]]:
    rules = rulebook()
    announced = {"rulebook": rules, "digest": digest(rules), "clock": "scenario"}
    yield "decisions", _event("programme.announced", "announced", OFFICE, OPENS_MS - 60 * DAY_MS, announced)
    for name in EVALUATORS:
        data: dict[str, Any] = {"evaluator": name, "panel": "jury"}
        yield "decisions", _event("evaluator.appointed", f"appoint-{name}", OFFICE, OPENS_MS - 50 * DAY_MS, data)
    for name in ENTRANTS:
        data = {"entrant": name, "name": name, "members": []}
        said = _event("entrant.registered", f"register-{name}", "urn:registry", OPENS_MS - 40 * DAY_MS, data)
        yield "submissions", said


def mark(number: int) -> Envelope:
    """The mark of this number, a second after the one before: evaluators take turns, then entrants, then items."""
    rest, juror = divmod(number, len(EVALUATORS))
    rest, team = divmod(rest, len(ENTRANTS))
    criterion, item = divmod(rest, len(ITEMS))
    data = {
        "phase": "final",
        "entrant": ENTRANTS[team],
        "criterion": CRITERIA[criterion],
        "item": ITEMS[item],
        "evaluator": EVALUATORS[juror],
        "value": f"{number % 11}" if number % 11 == 10 else f"{number % 11}.{number % 4 * 25:02d}",
        "comment": COMMENTS[number % len(COMMENTS)],
    }
    at_ms = OPENS_MS + DAY_MS + number * 1000
    return _event("score.recorded", str(UUID(int=(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)),
                  f"urn:jury:{EVALUATORS[juror]}", at_ms, data)  # fmt: skip


def _event(name: str, event_id: str, source: str, at_ms: int, data: dict[str, Any]) -> Envelope:
    return Envelope(event_id, source, f"phasegate.{name}.v1", PROGRAMME, format_instant(at_ms), data)


def _record(sent: Message, offset: int) -> Record:
    assert sent.timestamp_ms is not None
    return Record(sent.topic, PARTITION, offset, sent.timestamp_ms, "producer", sent.key, sent.headers, sent.value)
