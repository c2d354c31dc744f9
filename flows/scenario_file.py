"""scenario.yaml: what of a scenario is played when, where it comes from, and what must come out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from events.errors import Refused
from infra.rulebook_file import load

Texts = dict[str, str]


class Part(BaseModel):
    """A part of scenario.yaml: closed, so that a misspelt member is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class MarksTable(Part):
    """A table of marks turned into score.recorded events, spread evenly over a stretch of time in the file's order.
    `sources` names the sender by panel; `{evaluator}` stands for the row's. `except` leaves rows out, by slot. `appointed`:
    when the office appoints those who mark here to their panels, where events.ndjson does not say it.
    """

    phase: str
    file: str
    begins: Annotated[str, Field(alias="from")]
    ends: Annotated[str, Field(alias="until")]
    sources: dict[str, str]
    left_out: Annotated[list[dict[str, str]], Field(alias="except")] = []
    appointed: str | None = None


class Amendment(Part):
    """Another rulebook from `from_phase` on: the office's rulebook.amended at that instant, with the whole of the file."""

    at: str
    rulebook: str
    from_phase: str
    reason: str


class Publication(Part):
    """A profile of the rulebook that the office publishes of a phase's decision at that instant, beside what the rules
    publish by themselves. The figures are those of the ledger, so that nobody writes them here.
    """

    at: str
    phase: str
    profile: str


class PublishedFigure(Part):
    """A figure that was published: of an `entrant` and a `criterion`, the `mean` of one, or the `gap` between its first
    and its last. `from` is the id of a source.
    """

    phase: str
    value: str
    origin: Annotated[str, Field(alias="from")]
    entrant: str | None = None
    criterion: str | None = None
    mean: str | None = None
    gap: str | None = None


class Projection(Part):
    """A phase that is played on although nothing of it is on record, and how."""

    phase: str
    how: Texts


class ScenarioFile(Part):
    """scenario.yaml. `sources` and `reconstructed` are for readers: where the figures come from. What is `published` is
    set against what comes out, `projected` is marked wherever it is shown, and `expected` is checked at the end of a run.
    """

    programme: str
    title: Texts
    clock: str
    announced: str
    ticks: list[str]
    rulebook: str = "rulebook.yaml"
    amendments: list[Amendment] = []
    publications: list[Publication] = []
    marks: list[MarksTable] = []
    summary: Texts = {}
    sources: Any = None
    published: list[PublishedFigure] = []
    reconstructed: Any = None
    projected: list[Projection] = []
    irregular: Any = None
    expected: dict[str, Any] = {}


def read_file(path: Path) -> ScenarioFile:
    """Raises NotFound, or Refused naming the first fault and how many there are."""
    try:
        return ScenarioFile.model_validate(load(path).document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refused(f"{path}: {where}: {first['msg']} ({len(error.errors())} faults)") from None
