"""Judging what evaluators say: first marks and corrections."""

from __future__ import annotations

import pytest

from tests.spec import given
from tests.support import small
from tests.support.log import Log
from tests.support.stages import at
from tests.support.told import ANN, BEN, BENCH, correction, mark, marker

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES
NOW = OPENS + 15 * DAY


def test_a_mark_in_range_and_in_time_is_accepted() -> None:
    given(on=at("submitted")).when(mark("m", ANN, NOW, "ash", "ann")).accepted()


@pytest.mark.parametrize("value", ["0", "40", "39.999999999999999999"])
def test_a_range_includes_its_ends(value: str) -> None:
    given(on=at("submitted")).when(mark("m", ANN, NOW, "ash", "ann", value)).accepted()


@pytest.mark.parametrize("value", ["-1", "40.000000000000000001", "-0.1", "999999999999999999"])
def test_a_mark_outside_its_range_is_refused_with_the_range(value: str) -> None:
    told = mark("m", ANN, NOW, "ash", "ann", value)
    given(on=at("submitted")).when(told).refused("out-of-range", match="0 to 40")


def test_a_ratio_needs_a_reference_above_zero() -> None:
    document = small.rulebook()
    document["phases"][0]["criteria"][0]["steps"][0] = {"mark": "ratio", "cap": "1"}
    log = Log()
    log.tell(small.announced(document), *small.beginnings())
    log.progress(OPENS + 1)
    bare = mark("m", BENCH, NOW, "ash", "bench", "7", item="speed")
    given(on=log).when(bare).refused("out-of-range", match="reference")
    for reference in ("0", "-1", "101"):
        bare.data["reference"] = reference
        given(on=log).when(bare).refused("out-of-range", match="reference")
    bare.data["reference"] = "100"
    given(on=log).when(bare).accepted()


def test_phase_criterion_and_item_must_be_in_the_rulebook() -> None:
    told = mark("m", ANN, NOW, "ash", "ann")
    for member, value, reason in (
        ("phase", "final", "unknown-phase"),
        ("criterion", "charm", "unknown-criterion"),
        ("item", "smell", "unknown-criterion"),
    ):
        changed = small.event("score.recorded", "m", ANN, NOW, **{**told.data, member: value})
        given(on=at("submitted")).when(changed).refused(reason, match=value)


def test_a_second_mark_for_a_slot_is_refused_and_a_correction_named() -> None:
    once = given(mark("m1", ANN, NOW, "ash", "ann"), on=at("submitted"))
    once.when(mark("m2", ANN, NOW, "ash", "ann", "8")).refused("already-scored", match="m1.*score.corrected")


def test_a_further_mark_waits_while_the_first_of_its_slot_pends() -> None:
    log = at("submitted")
    first = mark("m1", small.OFFICE, NOW, "ash", "cy", "1")
    appointed = small.event("evaluator.appointed", "cy", small.OFFICE, NOW, evaluator="cy", panel="jury")
    waiting = given(on=log).when(first).pending(on="evaluator")
    waiting = waiting.when(mark("m2", small.OFFICE, NOW, "ash", "cy", "2")).pending(on="behind")
    waiting.when(appointed).accepted(settles={"m1": "accepted", "m2": "already-scored"})


def test_who_is_never_appointed_is_unknown_when_the_window_is_complete() -> None:
    log = at("submitted")
    given(on=log).when(mark("m", small.OFFICE, NOW, "ash", "cy")).pending(on="evaluator")
    log.tell(*small.scores())
    log.progress(DEADLINES["scores"] + 1)
    assert log.outcomes()["scores", 2] == ("refused", "unknown-evaluator")


def test_who_is_appointed_to_another_panel_does_not_mark() -> None:
    log = at("submitted")
    given(on=log).when(mark("m", small.OFFICE, NOW, "ash", "bench")).pending(on="evaluator")


def test_who_is_appointed_after_the_deadline_does_not_mark() -> None:
    log = at("submitted")
    late = small.event("evaluator.appointed", "cy", small.OFFICE, DEADLINES["scores"] + 1, evaluator="cy", panel="jury")
    waiting = given(on=log).when(mark("m", small.OFFICE, NOW, "ash", "cy")).pending(on="evaluator")
    waiting.when(late).accepted()


def test_a_mark_waits_for_the_opening_of_its_phase() -> None:
    given(on=at("begun")).when(mark("m", ANN, NOW, "ash", "ann")).pending(on="phase")


def test_a_mark_for_somebody_outside_the_phase_is_refused() -> None:
    given(on=at("submitted")).when(mark("m", ANN, NOW, "fir", "ann")).refused("not-eligible", match="fir")


def test_a_late_mark_waits_and_is_refused_by_the_last_marker_of_its_window() -> None:
    log = at("submitted")
    log.tell(*small.scores()[1:])
    late = mark("m", BENCH, DEADLINES["scores"] + 1, "ash", "bench", "1", item="speed")
    given(on=log).when(late).pending(on="window")
    log.progress(DEADLINES["scores"] + 1)
    assert log.outcomes()["scores", 13] == ("refused", "late")


def test_a_late_mark_still_waits_after_the_decisions_topic_is_marked_so_that_a_restart_finds_it_waiting() -> None:
    log = at("submitted")
    late = mark("m", ANN, DEADLINES["scores"] + 1, "ash", "ann")
    waiting = given(late, on=log)
    for topic in ("decisions", "submissions", "audits"):
        waiting = waiting.when(marker(topic, "scores")).accepted()
    waiting.when(marker("scores", "scores")).accepted(settles={"m": "late"})


def test_a_correction_replaces_the_value_and_keeps_the_reference() -> None:
    log = at("submitted")
    given(mark("m", ANN, NOW, "ash", "ann"), on=log).when(correction("c", ANN, NOW + 1, "m", "9")).accepted()
    (standing,) = log.state.phases["heat"].marks.values()
    assert (standing.value, standing.ids) == ("9", ("m", "c"))


@pytest.mark.parametrize(
    ("source", "target", "value", "reason", "match"),
    [
        (ANN, "nothing", "9", "unknown-reference", "nothing"),
        (BEN, "m", "9", "source-not-authorised", "mark of ann"),
        (BENCH, "m", "9", "source-not-authorised", "speaks for bench"),
        (ANN, "m", "41", "out-of-range", "0 to 40"),
    ],
)
def test_a_correction_that_does_not_fit_is_refused(
    source: str, target: str, value: str, reason: str, match: str
) -> None:
    once = given(mark("m", ANN, NOW, "ash", "ann"), on=at("submitted"))
    once.when(correction("c", source, NOW, target, value)).refused(reason, match=match)


def test_a_correction_waits_for_its_mark_and_goes_with_it() -> None:
    log = at("submitted")
    appointed = small.event("evaluator.appointed", "cy", small.OFFICE, NOW, evaluator="cy", panel="jury")
    waiting = given(mark("m", small.OFFICE, NOW, "ash", "cy"), on=log)
    waiting = waiting.when(correction("c1", small.OFFICE, NOW, "m", "9")).pending(on="behind")
    waiting = waiting.when(correction("c2", small.OFFICE, NOW, "m", "99")).pending(on="behind")
    waiting.when(appointed).accepted(settles={"m": "accepted", "c1": "accepted", "c2": "out-of-range"})


def test_a_correction_is_bound_by_the_window_too() -> None:
    log = at("scored")
    given(on=log).when(correction("c", ANN, DEADLINES["scores"] + 1, "score-ash-art-ann", "9")).pending(on="window")
    given(on=at("marked")).when(correction("c", ANN, NOW, "score-ash-art-ann", "9")).refused("late")
