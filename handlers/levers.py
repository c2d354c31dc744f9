"""Levers: what a what-if changes. Written on a command line, or saved in a file and run again; none of it is ever recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from events.errors import Refused
from events.fields import Id
from events.rulebook_fields import Flag, Instant
from events.values import parse_number

SCHEMA: Literal["phasegate/levers/v1"] = "phasegate/levers/v1"

Verdict = Literal["met", "not-met", "undetermined"]


class LeversInvalid(Refused):
    """What is given as levers is none, or says two things of one matter."""


class Levers(BaseModel):
    """Every lever is a member; one that is left out changes nothing. In `rulebook` and `with` files are named, in `correct`
    and `rule` marks and findings as the commands take them.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, alias_generator=lambda name: name.replace("_", "-")
    )

    version: Annotated[Literal["phasegate/levers/v1"], Field(alias="schema")] = SCHEMA
    set: dict[str, Any] = Field(default_factory=dict)
    rulebook: str | None = None
    without_gate: tuple[str, ...] = ()
    refill: Flag = False
    drop_criterion: tuple[str, ...] = ()
    correct: dict[str, str] = Field(default_factory=dict)
    drop_evaluator: tuple[Id, ...] = ()
    annul: tuple[str, ...] = ()
    rule: dict[str, Verdict] = Field(default_factory=dict)
    added: Annotated[tuple[str, ...], Field(alias="with")] = ()
    without: tuple[Annotated[int, Field(ge=0, lt=1 << 53)], ...] = ()
    sign: Flag = False
    until: Instant | None = None

    def written(self) -> dict[str, Any]:
        """As it is saved: what changes nothing is left out, and the schema comes first."""
        told = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return {"schema": SCHEMA, **told}


def read_levers(document: Mapping[str, Any], where: str) -> Levers:
    """The levers of a document. Raises LeversInvalid naming the first fault."""
    try:
        levers = Levers.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise LeversInvalid(
            f"{where}: {place}: {first['msg']}; got {str(first['input'])[:80]!r}",
            hint=f"the members are {', '.join(sorted(_members()))}",
        ) from None
    for score, value in levers.correct.items():
        _check_number(score, value)
    return levers


def _members() -> list[str]:
    return [field.alias or name for name, field in Levers.model_fields.items()]


def _check_number(score: str, value: str) -> None:
    try:
        parse_number(value)
    except ValueError as error:
        raise LeversInvalid(f"{score} cannot be {value!r}: {error}") from None


def together(first: Levers, second: Levers) -> Levers:
    """Both at once. Raises LeversInvalid where they say two things of one matter."""
    one, other = first.model_dump(by_alias=True), second.model_dump(by_alias=True)
    return Levers.model_validate({name: _both(name, value, other[name]) for name, value in one.items()})


def _both(name: str, first: Any, second: Any) -> Any:
    if isinstance(first, dict):
        for key in first.keys() & second.keys():
            if first[key] != second[key]:
                raise LeversInvalid(f"{name} {key} is said to be {first[key]!r} and {second[key]!r}", hint="say one")
        return first | second
    if isinstance(first, tuple):
        return tuple(dict.fromkeys((*first, *second)))
    if isinstance(first, bool):
        return first or second
    if first is not None and second is not None and first != second:
        raise LeversInvalid(f"{name} is said to be {first!r} and {second!r}", hint="say one")
    return first if second is None else second
