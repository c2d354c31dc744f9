"""`order`: what it prints is what a shell computes, and says whether the order was kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.console.conftest import Phasegate
from tests.support import small
from tests.support.deployment import environment
from tests.support.stage import Stage, memory_stage


@pytest.fixture
def stage(tmp_path: Path, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The heat is open, and everything is handed in."""
    for name, value in environment(tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite").items():
        monkeypatch.setenv(name, value)
    stage = memory_stage(tmp_path)
    stage.tell(small.announced(), *small.beginnings())
    stage.progress(small.OPENS + 1)
    stage.tell(*small.submissions())
    return stage


def orders(phasegate: Phasegate, *words: str) -> dict[str, list[str]]:
    answer = phasegate("order", "small-cup", "heat", *words, "--json")
    assert (answer.code, answer.document["schema"]) == (0, "phasegate/order/v1")
    return {one["evaluator"]: [row["entrant"] for row in one["entrants"]] for one in answer.data["orders"]}


def test_everybody_who_marks_has_an_order_that_does_not_move_while_the_log_grows(
    phasegate: Phasegate, stage: Stage
) -> None:
    before = orders(phasegate)
    assert set(before) == {"ann", "ben", "bench"}
    assert all(sorted(names) == sorted(small.TEAMS) for names in before.values())
    stage.tell(*small.scores())
    assert orders(phasegate) == before
    assert orders(phasegate, "ann") == {"ann": before["ann"]}


def test_a_lot_is_computed_again_by_a_shell_from_what_is_printed(phasegate: Phasegate, stage: Stage) -> None:
    data = phasegate("order", "small-cup", "heat", "--json").data
    reader = stage.parts.reader()
    phase = reader.state("small-cup").phases["heat"]
    assert data["size"] == phase.opened.index + 1
    assert data["root"] == reader.root("small-cup", data["size"]).hex()
    for one in data["orders"]:
        lots = [row["lot"] for row in one["entrants"]]
        assert lots == sorted(lots)
        for row in one["entrants"]:
            lines = (data["domain"], data["root"], data["rulebook"], "heat", one["evaluator"], row["entrant"])
            said = "".join(f"{line}\n" for line in lines)
            done = subprocess.run(["sha256sum"], input=said, text=True, capture_output=True, check=True)
            assert done.stdout.split()[0] == row["lot"]


def test_it_says_as_which_an_entrant_was_marked_in_fact(phasegate: Phasegate, stage: Stage) -> None:
    stage.tell(*(row for row in small.scores() if row.data["evaluator"] == "ann"))
    answer = phasegate("order", "small-cup", "heat", "ann")
    (one,) = phasegate("order", "small-cup", "heat", "ann", "--json").data["orders"]
    turns = {row["entrant"]: row["turn"] for row in one["entrants"]}
    assert turns == {"ash": 1, "birch": 2, "cedar": 3}
    assert "1 of 1" in answer.out
    assert "sha256sum" in answer.out


def test_what_is_not_drawn_is_not_found(phasegate: Phasegate, stage: Stage) -> None:
    assert phasegate("order", "small-cup", "heat", "zoe").code == 5
    assert phasegate("order", "small-cup", "final").code == 5
    assert phasegate("order", "small-cup", "heat", "--at", "1").code == 5
