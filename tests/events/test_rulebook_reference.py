"""docs/rulebook.md lists every member that a rulebook may have, with its default, and an example that is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, get_args

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from events import rulebook as whole
from events import rulebook_course as course
from events import rulebook_criteria as criteria
from events import rulebook_steps as steps
from events.names import TYPES
from events.rulebook_fields import Rounding, Rule
from infra.rulebook_file import loads

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rulebook.md").read_text(encoding="utf-8")

SECTIONS: dict[type[Rule], str] = {
    whole.Rulebook: "The document", whole.Source: "Sources", course.Profile: "Publication profiles",
    whole.Phase: "Phases", whole.Windows: "Windows of a phase", whole.Grace: "Late records",
    criteria.LeafRule: "Criteria with marks", criteria.BranchRule: "Criteria made of parts", Rounding: "Rounding",
    steps.Ratio: "Step `mark: ratio`", steps.Linear: "Step `mark: linear`",
    steps.OverEvaluators: "Step `over: evaluators`", steps.OverItems: "Step `over: items`",
    steps.Across: "Step `across: entrants`", steps.Times: "Step `times`", steps.Subtract: "Step `subtract`",
    steps.Round: "Step `round`", whole.Gate: "Gates", whole.Tick: "Ticks", whole.WeightedSum: "Weights for ranking",
    whole.Advance: "Places", course.Vacancies: "Vacancies", course.CallRule: "Open calls",
    course.Eligible: "Who may apply", course.Recognition: "Recognition", course.ParityRule: "Parity",
    course.Duty: "Signatures", course.Objections: "Objections", course.AwardRule: "Awards",
    course.ResourceRule: "Resources",
}  # fmt: skip


class Row(NamedTuple):
    """A row of a section's table; `example` is YAML."""

    member: str
    kind: str
    default: str
    meaning: str
    example: str


def section(heading: str) -> str:
    parts = re.split(r"^#{2,3} (.+)$", PAGE, flags=re.MULTILINE)
    found = [body for title, body in zip(parts[1::2], parts[2::2], strict=True) if title == heading]
    assert len(found) == 1, f"docs/rulebook.md has {len(found)} headings {heading!r}"
    return found[0]


def rows(model: type[Rule]) -> dict[str, Row]:
    """The rows of a model's section, by member."""
    lines = re.findall(r"^\| (`.*) \|$", section(SECTIONS[model]), flags=re.MULTILINE)
    split = [line.split(" | ") for line in lines]
    found = [Row(member.strip("`"), *others) for member, *others in split]
    assert len({row.member for row in found}) == len(found)
    return {row.member: row for row in found}


def members(model: type[Rule]) -> Iterator[tuple[str, FieldInfo]]:
    """The members as written in a document."""
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def default_of(field: FieldInfo) -> str:
    """As the tables write it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, BaseModel) or value in ((), {}):
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


ALL = [(model, member) for model in SECTIONS for member, _ in members(model)]


def test_every_part_of_a_rulebook_has_its_section() -> None:
    parts = {part for part in Rule.__subclasses__() if part.__module__.startswith("events.rulebook")}
    assert parts == set(SECTIONS)


@pytest.mark.parametrize("model", SECTIONS, ids=lambda model: model.__name__)
def test_a_section_lists_exactly_the_members_with_their_defaults(model: type[Rule]) -> None:
    described = {member: row.default for member, row in rows(model).items()}
    assert described == {member: default_of(field) for member, field in members(model)}


@pytest.mark.parametrize(("model", "member"), ALL, ids=lambda part: part if isinstance(part, str) else part.__name__)
def test_an_example_is_read(model: type[Rule], member: str) -> None:
    """Alone, the example may lack other members; nothing may be wrong with its own."""
    written = loads(rows(model)[member].example.strip("`")).document
    assert list(written) == [member]
    try:
        model.model_validate(written)
    except ValidationError as error:
        wrong = [detail for detail in error.errors() if detail["loc"][0] == member]
        assert wrong == []


def test_every_act_that_can_wait_for_a_second_person_has_its_row() -> None:
    described = re.findall(r"^\| `([a-z.]+)` \|", section("A second person"), flags=re.MULTILINE)
    assert described == list(get_args(course.Approvable))
    assert set(described) <= {row.short for row in TYPES.values()}
