"""Scenario directories: what can be wrong in one is told, and what it leaves to the runner is made as it says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from events.errors import NotFound, PhasegateError, Refused
from flows.comparison import compared
from flows.play import published_figures
from flows.scenario import read_scenario
from flows.scenario_file import Publication, PublishedFigure
from handlers.state import State
from tests.support.scenarios import memory, play_scenario

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TIE = "tie-at-the-cut"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a small scenario, to be changed."""
    shutil.copytree(EXAMPLES / "variations" / TIE, tmp_path / TIE)
    return tmp_path / TIE


def change(folder: Path, *, before: str = "", after: str, name: str = "scenario.yaml") -> None:
    """Replaces a text of a file, or adds to its end."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1) if before else text + after, encoding="utf-8")


def amended(folder: Path) -> None:
    other = (folder / "rulebook.yaml").read_text(encoding="utf-8").replace(f"programme: {TIE}", "programme: another")
    (folder / "rulebook-2.yaml").write_text(other, encoding="utf-8")
    row = '{at: "2030-01-05T00:00:00Z", rulebook: rulebook-2.yaml, from_phase: heat, reason: why not}'
    change(folder, after=f"amendments: [{row}]\n")


WRONG: list[tuple[Callable[[Path], None], type[PhasegateError], str]] = [
    (lambda folder: change(folder, before="ticks:", after="tocks:"), Refused, "ticks: Field required"),
    (lambda folder: change(folder, before="phase: heat", after="phase: meat"), Refused, "'meat'; the phases are heat"),
    (lambda folder: change(folder, before="file: marks", after="file: remarks"), NotFound, "remarks.csv"),
    (lambda folder: change(folder, before="bench: ", after="bank: "), Refused, "no source for the panel"),
    (amended, Refused, "scenario.yaml is of 'tie-at-the-cut', rulebook-2.yaml of 'another'"),
    (lambda folder: change(folder, after="rulebook: none.yaml\n"), NotFound, "none.yaml"),
    (lambda folder: change(folder, after='published: [{phase: heat, value: "1"}]\n'), Refused, "from: Field required"),
]


@pytest.mark.parametrize(("spoil", "error", "told"), WRONG)
def test_what_is_wrong_in_a_scenario_is_told(
    folder: Path, spoil: Callable[[Path], None], error: type[PhasegateError], told: str
) -> None:
    spoil(folder)
    with pytest.raises(error, match=told):
        read_scenario(folder)


def test_everybody_who_marks_is_appointed_once_by_the_office(folder: Path) -> None:
    rows = [row for row in read_scenario(folder).scheduled if row.event.type == "phasegate.evaluator.appointed.v1"]
    assert [(row.event.data["panel"], row.event.data["evaluator"]) for row in rows] == [
        *(("bench", "bench"), ("jury", "ann"), ("jury", "ben"), ("jury", "cho")),
    ]
    assert {(row.event.source, row.event.time) for row in rows} == {("urn:grove:office", "2030-01-03T00:00:00.000Z")}


def test_an_amendment_is_signed_by_an_office_that_only_the_new_rules_name(folder: Path) -> None:
    text = (folder / "rulebook.yaml").read_text(encoding="utf-8")
    renamed = text.replace('"urn:grove:office"', '"urn:grove:new-office"').replace('version: "1"', 'version: "2"')
    (folder / "rulebook-2.yaml").write_text(renamed, encoding="utf-8")
    row = '{at: "2030-01-05T00:00:00Z", rulebook: rulebook-2.yaml, from_phase: heat, reason: the office moved}'
    change(folder, after=f"amendments: [{row}]\n")
    scenario = read_scenario(folder)
    assert scenario.speaks_for_office("urn:grove:office")
    assert scenario.speaks_for_office("urn:grove:new-office")
    assert not scenario.speaks_for_office("urn:grove:director")


def test_a_publication_of_what_is_not_decided_is_refused(folder: Path) -> None:
    rulebook = read_scenario(EXAMPLES / "k-ai-2026").rulebook
    state = State("k-ai-2026", rulebook=rulebook)
    early = Publication(at="2026-08-20T02:00:00Z", phase="phase-2", profile="k-ai-public")
    with pytest.raises(Refused, match="nothing is decided there yet"):
        published_figures(state, early, rulebook)
    with pytest.raises(Refused, match="no such profile"):
        published_figures(state, early.model_copy(update={"profile": "k-ai-everything"}), rulebook)


def test_a_published_figure_that_does_not_come_out_is_told(folder: Path, tmp_path: Path) -> None:
    rows = (
        "{phase: heat, entrant: ash, criterion: total, value: '24.7', from: paper}",
        "{phase: heat, entrant: ash, criterion: design, value: '16.6', from: paper}",
        "{phase: heat, mean: speed, value: '7.25', from: paper}",
        "{phase: heat, gap: total, value: '8.8', from: paper}",
    )
    change(folder, after=f"published: [{', '.join(rows)}]\n")
    before = read_scenario(EXAMPLES / "variations" / TIE)
    played = play_scenario(folder, memory(), f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    assert len(before.about.published) == 0
    assert played.unmet == [
        "published.heat.design.ash: published 16.6, computed 16.7",
        "published.heat.total.first to last: published 8.8, computed 8.7",
    ]


@pytest.mark.parametrize(
    ("published", "computed", "is_same"),
    [("22.5", "22.53", True), ("28.8", "28.75", True), ("28.7", "28.75", False), ("3", "8/3", True), ("9.48", None, False)],
)  # fmt: skip
def test_a_figure_is_compared_at_the_places_it_was_published_with(
    published: str, computed: str | None, is_same: bool
) -> None:
    figure = PublishedFigure.model_validate({"phase": "p", "mean": "c", "value": published, "from": "paper"})
    view = {"phase": "p", "standings": [], "means": {} if computed is None else {"c": computed}}
    (row,) = compared([figure], [view])
    assert (row.is_same, row.computed) == (is_same, computed)
