"""The form of an act as it is shown, what it becomes when it is sent, and the event that a preview has fixed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.datastructures import FormData

from console.acts import ACTS, Act
from console.telling.sentences import names_of
from console.web.access import Visitor
from console.web.acting.choices import Known, Option
from console.web.acting.composed import Composed, Moment, Problems, composed, default_time, faults_of
from console.web.acting.effect import Effect, effect_of
from console.web.acting.fields import Field, Given, fields_of
from console.web.acting.permitted import (
    awaiting_approval,
    doer_of,
    own_entrant,
    require_another_person,
    require_permitted,
    sources_for,
)
from console.web.page import Page
from console.web.problems import Problem, problem_of
from console.web.sending import Prepared, prepare, sender_of
from console.web.site import Site
from events.envelope import JWS_HEADER, Envelope, Malformed, decode, encode
from events.errors import NotFound, Refused
from events.jws import parse
from events.values import format_instant, parse_instant
from flows.entries import place_of_entry
from handlers.state import State

_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Form:
    """What a form shows. `sources` are those that may be chosen; `when` is what the field for the time begins with, empty
    where the clock says it.
    """

    name: str
    act: Act
    fields: list[Field]
    sources: tuple[Option, ...]
    source: str
    when: str
    problems: Problems


@dataclass(frozen=True, slots=True)
class Shown:
    """An event before it is sent: as people read it, as it goes out, and what it would do. `unsent` says why it cannot go."""

    event: Envelope
    text: str
    value: str
    signed: str | None
    effect: Effect
    unsent: str = ""


def act_at(slug: str, visitor: Visitor, state: State) -> tuple[str, Act]:
    """The act of an address. Raises Problem for one that there is not, and for one that the visitor may not do."""
    name = next((name for name in ACTS if slug_of(name) == slug), None)
    if name is None:
        raise Problem("not-found", f"there is no act {slug[:60]!r}")
    if not sources_for(visitor, state, name):
        raise Problem("forbidden", f"{visitor.name} may not do that here, or the rules name no source that may")
    return name, ACTS[name]


def slug_of(name: str) -> str:
    return name.replace(" ", "-")


def given_of(form: FormData | Mapping[str, str]) -> Given:
    """Every text of every name."""
    pairs = form.multi_items() if isinstance(form, FormData) else form.items()
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def form_of(site: Site, page: Page, state: State, name: str, given: Given, problems: Problems) -> Form:
    """Who asks has the turn of the programme."""
    act, visitor = ACTS[name], page.visitor
    approvable = _approvable(site, visitor, state) if name == "approve" else None
    entrant = None if visitor.may("read", state.programme) else own_entrant(visitor, state.programme)
    known = Known(act.type, state, page, names_of(state), entrant, approvable)
    sources = tuple(Option(one.source, one.source) for one in sources_for(visitor, state, name))
    when = format_instant(default_time(state, site.now())) if state.clock == "scenario" else ""
    chosen = next(iter(given.get("source", [])), "")
    said = next(iter(given.get("now", [])), "") or when
    return Form(name, act, fields_of(act, known, given, problems), sources, chosen, said if when else "", problems)


def _approvable(site: Site, visitor: Visitor, state: State) -> frozenset[str]:
    """The acts that wait for a second person, without the visitor's own."""
    me = sender_of(visitor)
    return frozenset(one for one, _, fact in awaiting_approval(state) if doer_of(site, state.programme, fact) != me)


def read_form(site: Site, visitor: Visitor, state: State, name: str, given: Given) -> Composed:
    """The event that the form says, or its faults. Who asks has the turn of the programme."""
    place = partial(place_of_entry, site.reading, site.reading.head(state.programme))
    found = composed(name, ACTS[name], given, Moment(visitor, state, site.now(), place))
    if found.event is None:
        return found
    require_permitted(visitor, state, name, found.event.source, found.event.data)
    if name == "approve":
        try:
            require_another_person(site, visitor, state, found.event.data["act"])
        except Refused:
            return Composed(problems={"act": ("acts.own-act", "")})
    return found


def event_of(visitor: Visitor, state: State, name: str, act: Act, text: str) -> Envelope:
    """The event that a preview has fixed, looked at again: a browser sent it. Raises Problem."""
    try:
        event = decode(text.encode())
    except Malformed as error:
        raise problem_of(error) from error
    if event.type != f"phasegate.{act.type}.v1" or event.subject != state.programme:
        raise Problem("unprocessable-event", f"{event.type} about {event.subject!r} is not what this form is for")
    if not _UUID7.fullmatch(event.id):
        raise Problem("unprocessable-event", f"the id {event.id[:60]!r} was not drawn for this form")
    if faults := faults_of(act, event.data):
        raise Problem("unprocessable-event", f"{next(iter(faults))}: {next(iter(faults.values()))[1]}")
    require_permitted(visitor, state, name, event.source, event.data)
    return event


def shown_event(
    site: Site, visitor: Visitor, state: State, event: Envelope, *, previews: bool
) -> tuple[Shown, Prepared | None]:
    """What a preview shows, and what would go out; None where its key is not here. Who asks has the turn of the programme."""
    with_changes = previews and visitor.may("read-records", state.programme)
    at_ms = parse_instant(event.time) if state.clock == "scenario" else site.now()
    effect = effect_of(state, event, at_ms, with_changes=with_changes)
    value = encode(event).decode()
    text = json.dumps(json.loads(value), ensure_ascii=False, indent=2)
    try:
        prepared = prepare(site, state, event)
    except (Refused, NotFound) as error:
        return Shown(event, text, value, None, effect, error.message), None
    return Shown(event, text, value, _kid(prepared), effect), prepared


def _kid(prepared: Prepared) -> str | None:
    header: Any = dict(prepared.message.headers).get(JWS_HEADER)
    return None if header is None else parse(header).kid
