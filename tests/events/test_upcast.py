"""Old shapes are raised one version at a time, and a missing version is refused before anything is read."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from events.envelope import Envelope
from events.names import TYPES
from events.upcast import STEPS, check_chain, present, successor, upcast

V1, V2, V3 = (f"phasegate.mark.given.v{version}" for version in (1, 2, 3))
OLD = {"team": "upstage", "criterion": "expert", "points": "29.1", "remarks": ["strong plan"]}


def _named_as_entrant(data: dict[str, Any]) -> dict[str, Any]:
    """v2: a team is an entrant."""
    return {("entrant" if name == "team" else name): value for name, value in data.items()}


def _with_value(data: dict[str, Any]) -> dict[str, Any]:
    """v3: points are a value, and there is one comment."""
    rest = {name: value for name, value in data.items() if name not in ("points", "remarks")}
    return {**rest, "value": data["points"], "comment": "; ".join(data["remarks"])}


CHAIN = {V1: _named_as_entrant, V2: _with_value}


def test_an_old_payload_is_raised_through_every_version() -> None:
    assert upcast(V1, OLD, CHAIN) == (
        V3,
        {"entrant": "upstage", "criterion": "expert", "value": "29.1", "comment": "strong plan"},
    )


def test_a_payload_of_a_middle_version_takes_the_steps_that_are_left() -> None:
    middle = {"entrant": "upstage", "criterion": "expert", "points": "29.1", "remarks": []}
    assert upcast(V2, middle, CHAIN) == (
        V3,
        {"entrant": "upstage", "criterion": "expert", "value": "29.1", "comment": ""},
    )


def test_what_is_stored_is_not_rewritten() -> None:
    stored = copy.deepcopy(OLD)
    upcast(V1, stored, CHAIN)
    assert stored == OLD


@pytest.mark.parametrize("name", [V3, "phasegate.never.heard.v7", "not even a name", ""])
def test_a_name_without_a_step_is_left_untouched(name: str) -> None:
    data = {"team": "upstage"}
    found, same = upcast(name, data, CHAIN)
    assert found == name
    assert same is data


def test_an_event_keeps_everything_but_name_and_data() -> None:
    event = Envelope("1", "urn:x", V1, "k-ai-2026", "2026-01-15T06:00:00.000Z", OLD, extensions={"partitionkey": "a"})
    raised = present(event, CHAIN)
    assert (raised.type, raised.data["value"]) == (V3, "29.1")
    assert (raised.id, raised.source, raised.time, raised.extensions) == (
        event.id,
        event.source,
        event.time,
        event.extensions,
    )
    assert present(raised, CHAIN) is raised


def test_a_whole_chain_is_fine() -> None:
    check_chain(CHAIN, {V3: object()})


def test_a_gap_in_a_chain_is_refused() -> None:
    with pytest.raises(ValueError, match=r"given\.v1 is raised to phasegate\.mark\.given\.v2.*missing between"):
        check_chain({V1: _named_as_entrant}, {V3: object()})


def test_a_chain_that_ends_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match=r"is raised to phasegate\.mark\.given\.v3"):
        check_chain(CHAIN, {})


def test_a_present_name_has_no_step() -> None:
    with pytest.raises(ValueError, match=r"given\.v2 is in the table of present names and has an upcasting step"):
        check_chain(CHAIN, {V2: object(), V3: object()})


@pytest.mark.parametrize(
    ("name", "following"),
    [("phasegate.score.recorded.v1", "phasegate.score.recorded.v2"), ("a.v9", "a.v10"), ("a.v1.v99", "a.v1.v100")],
)
def test_the_successor_of_a_name(name: str, following: str) -> None:
    assert successor(name) == following


@pytest.mark.parametrize("name", ["phasegate.score.recorded", "a.v", "a.vx", "a.v1.5"])
def test_a_name_without_a_version_has_no_successor(name: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        successor(name)


def test_the_chain_in_use_ends_at_present_names() -> None:
    check_chain(STEPS, TYPES)
    assert not STEPS.keys() & TYPES.keys()
