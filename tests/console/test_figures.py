"""Figures: every number of the picture stands in the table beneath it, and nothing that comes from outside is markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from console.figures.drawing import WIDTH, standalone
from console.figures.figure import Figure
from console.figures.margins import Distance, margins_figure
from console.figures.rank_map import Ranks, rank_map
from console.figures.standings import Standing, standings_figure
from console.figures.timeline import Moment, Stretch, timeline_figure
from console.figures.weights import Interval, Strip, weights_figure

DAY_MS = 86_400_000
HOSTILE = '<script>"&'


def standings(name: str = "ash") -> Figure:
    rows = (
        Standing(name, 1, "90.25", ("40.5", "49.75"), "advanced", "*"),
        Standing("birch", 2, "71.5", ("31.0", "40.5"), "eliminated"),
        Standing("cedar", None, None, ("12.5", None), "withdrawn"),
    )
    return standings_figure("standings", f"Standings {name}", "a note", ("bench", "jury"), rows, 1)


def margins(name: str = "ash") -> Figure:
    rows = (
        Distance(name, "18.75", "advanced"),
        Distance("birch", "-3.2", "eliminated"),
        Distance("cedar", None, "withdrawn"),
    )
    return margins_figure("margins", f"Margins {name}", "", rows)


def weights(name: str = "ash") -> Figure:
    intervals = (Interval("0", "37.25", (name, "birch")), Interval("37.25", "100", ("birch",)))
    return weights_figure("weights", f"Weights {name}", "", (Strip("bench", "40", intervals),))


def ranks(name: str = "ash") -> Figure:
    rows = (
        Ranks("", (1, 2), ("advanced", "eliminated")),
        Ranks("ann", (2, 1), ("eliminated", "advanced")),
        Ranks("ben", (1, None), ("advanced", "eliminated")),
    )
    return rank_map("ranks", f"Ranks {name}", "", (name, "birch"), rows, "as decided")


def timeline(name: str = "ash") -> Figure:
    stretches = (Stretch(name, 0, 5 * DAY_MS), Stretch("scores", DAY_MS, 15 * DAY_MS, 12 * DAY_MS))
    return timeline_figure("line", f"Line {name}", "", stretches, (Moment("decided", 16 * DAY_MS, 301),))


EVERY = [standings, margins, weights, ranks, timeline]


@pytest.mark.parametrize("make", EVERY)
def test_what_comes_from_outside_is_text(make: Callable[..., Figure]) -> None:
    figure = make(HOSTILE)
    assert "<script" not in figure.svg + figure.html() + figure.file()
    for document in (figure.svg, figure.file(), f"<main>{figure.html()}</main>"):
        assert HOSTILE in "".join(ET.fromstring(document).itertext())


@pytest.mark.parametrize("make", EVERY)
def test_every_number_of_the_picture_stands_in_its_table(make: Callable[..., Figure]) -> None:
    figure = make()
    said = {part for row in figure.rows for cell in row for part in re.findall(r"\d+(?:\.\d+)?", cell)}
    shown = [node.text or "" for node in ET.fromstring(figure.svg).iter("{http://www.w3.org/2000/svg}text")]
    numbers = {part for text in shown for part in re.findall(r"\d+\.\d+", text)}
    assert numbers <= said
    assert all(len(row) == len(figure.heads) for row in figure.rows)


@pytest.mark.parametrize("make", EVERY)
def test_a_figure_has_a_name_a_description_and_stays_in_its_frame(make: Callable[..., Figure]) -> None:
    root = ET.fromstring(make().svg)
    ids = (root.get("aria-labelledby") or "").split()
    assert [node.get("id") for node in root[:2]] == ids
    height = float((root.get("viewBox") or "").split()[3])
    for node in root.iter():
        x, y, width = (float(node.get(name) or 0) for name in ("x", "y", "width"))
        assert 0 <= x <= WIDTH
        assert x + (0 if node.get("width", "").endswith("%") else width) <= WIDTH + 0.01
        assert 0 <= y <= height


@pytest.mark.parametrize("make", EVERY)
def test_a_sketch_fits_a_terminal(make: Callable[..., Figure]) -> None:
    assert make().sketch
    assert max(len(line) for line in make().sketch) <= 90


def test_a_file_of_its_own_brings_its_colours_and_nothing_from_elsewhere() -> None:
    written = standalone(standings().svg)
    assert "svg.figure .s0" in written
    assert re.findall(r"(?:href|src|url)\W", written) == []


def test_the_places_end_between_those_who_have_one_and_those_who_have_none() -> None:
    assert "end of 1 place<" in standings().svg
    assert "end of" not in standings_figure("s", "t", "", (), (), 1).svg


def test_a_changed_outcome_is_told_without_colour() -> None:
    assert ranks().rows == (("as decided", "1", "2"), ("ann", "2 ▽", "1 ▲"), ("ben", "1", "-"))


def test_the_outcome_at_the_present_weights_has_the_first_letter() -> None:
    rows = (Strip("bench", "40", (Interval("0", "30", ("birch",)), Interval("30", "100", ("ash",)))),)
    figure = weights_figure("w", "t", "", rows)
    assert "A: ash" in figure.sketch
    assert "B: birch" in figure.sketch
