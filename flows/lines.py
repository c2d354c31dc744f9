"""The lines that services log of what they did, with programme, entry, event id and trace: so one record can be followed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from events.entry import Entry, decode_headers
from events.envelope import decode_accepted
from events.traceparent import Span, span_of
from flows.judging import Growth
from handlers.transition import Transition, describe
from infra.ledger import NewEntry

log = structlog.get_logger("phasegate")

REFUSED_PER_BATCH = 20
"""Lines about refusals of one log and batch at most: a flood shall not fill the disk of the log as well."""


def to_stderr(level: int, *, for_people: bool) -> None:
    """Structured logs on standard error from now on, in the whole process: lines for people, or JSON. Each line is one write:
    those of several threads stay whole also where standard error is not buffered (PYTHONUNBUFFERED).
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def of_a_run() -> None:
    """For a flow run in a process of its own, where nobody has said yet where lines go: JSON on standard error."""
    if not structlog.is_configured():
        to_stderr(logging.INFO, for_people=False)


def tell_recorded(growths: Mapping[str, Growth], *, each: bool) -> None:
    """Of a committed batch: what was refused and what was decided, or `each` entry."""
    for programme, growth in growths.items():
        if not (each or growth.refused or growth.decided):
            continue
        left = REFUSED_PER_BATCH
        for number, entry in enumerate(growth.entries):
            if entry.verdict == "refused":
                left -= 1
            if each or (entry.verdict == "refused" and left >= 0) or _is_decision(entry):
                _tell_entry(programme, growth.expected_size + number, entry)
        if left < 0 and not each:
            log.warning("refused-more", programme=programme, records=-left, hint=f"phasegate log {programme}")


def _is_decision(entry: NewEntry) -> bool:
    return entry.topic == "decisions" and entry.verdict == "accepted"


def _tell_entry(programme: str, index: int, entry: NewEntry) -> None:
    say = log.warning if entry.verdict == "refused" else log.info
    place = f"{entry.topic}/{entry.partition}/{entry.offset}"
    about: dict[str, Any] = {"programme": programme, "entry": index, "type": entry.type, "record": place}
    more = {"reason": entry.reason, "settles": entry.of, **_of_record(entry)}
    say(entry.verdict, **about, **{name: value for name, value in more.items() if value is not None})


def _of_record(entry: NewEntry) -> Mapping[str, Any]:
    """Id and trace, where the record is at hand and can be read; a settlement cites an entry that has told them."""
    if entry.opening is None:
        return {}
    span = span_of(decode_headers(entry.opening.headers))
    return {"id": _id_of(entry.opening.value), "traceparent": None if span is None else span.text()}


def _id_of(value: bytes | None) -> str | None:
    try:
        return decode_accepted(value).id
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # It is no event; the reason of the refusal says so.


def tell_performed(
    programme: str, transition: Transition, span: Span, entries: Sequence[Entry], links: Sequence[Span]
) -> None:
    """Of a transition, once its events are recorded; `links` are the other steps that a decision rests on."""
    about: dict[str, Any] = {"what": describe(transition), "entries": [entry.index for entry in entries]}
    about |= {"traceparent": span.text(), "links": [link.text() for link in links]}
    log.info("performed", programme=programme, **{name: value for name, value in about.items() if value != []})
