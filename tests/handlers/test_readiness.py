"""The cut: the smallest log at which the intake is closed and nothing that the rules ask for is missing."""

from __future__ import annotations

from handlers.fold import fold
from handlers.readiness import all_owed, competing, withdrawn_in_time, without_submission
from tests.support import small
from tests.support.log import Log
from tests.support.stages import at
from tests.support.told import answered, entered, found, ruled

DAY, OPENS, DEADLINES = small.DAY, small.OPENS, small.DEADLINES


def closed(*, scores: int = 12, **rules: object) -> Log:
    """The intake closed, with the first so many marks."""
    document = small.rulebook()
    document["phases"][0] |= rules
    log = Log()
    log.tell(small.announced(document), *small.beginnings())
    log.progress(OPENS + 1)
    log.tell(*small.submissions())
    log.progress(DEADLINES["submissions"] + 1)
    log.tell(*small.scores()[:scores])
    log.progress(DEADLINES["scores"] + 1)
    return log


def finish(log: Log) -> list[tuple[str, str, str]]:
    log.progress(DEADLINES["audits"] + 1)
    return [(row.code, row.who, row.what) for row in all_owed(log.state, log.state.phases["heat"])]


def test_there_is_no_cut_before_the_intake_is_closed() -> None:
    log = closed()
    assert log.state.phases["heat"].cut is None


def test_where_nothing_is_missing_the_closing_itself_is_the_cut() -> None:
    log = closed()
    assert finish(log) == []
    phase = log.state.phases["heat"]
    assert phase.closed is not None
    assert phase.cut == phase.closed.index + 1


def test_a_missing_mark_holds_the_phase_and_names_who_owes_it() -> None:
    log = closed(scores=11)
    assert finish(log) == [("mark-missing", "ben", "cedar/jury/art")]
    assert log.state.phases["heat"].cut is None
    assert log.state.status("heat") == "held"


def test_where_missing_marks_are_excluded_only_who_has_none_at_all_is_missing() -> None:
    log = closed(scores=11, missing="exclude")
    assert finish(log) == []


def test_a_quorum_is_asked_for_by_panel_and_entrant() -> None:
    log = closed(scores=11, missing="exclude", quorum={"jury": "2"})
    assert finish(log) == [("quorum-missing", "jury", "cedar: 1 of 2")]


def test_a_panel_without_members_is_the_offices_debt() -> None:
    document = small.rulebook()
    log = Log()
    log.tell(small.announced(document), *(event for event in small.beginnings() if event.id != "appoint-bench"))
    log.progress(OPENS + 1)
    log.tell(*small.submissions())
    log.progress(DEADLINES["submissions"] + 1)
    log.tell(*(event for event in small.scores() if event.source != "urn:bench"))
    assert ("panel-empty", "programme office", "bench") in finish(log)


def test_the_cut_is_where_the_last_thing_missing_arrives_and_does_not_move() -> None:
    log = at("marked")
    log.tell(found("f2", "ash", OPENS + 20 * DAY), answered("a2", "f2", "ash", OPENS + 20 * DAY + 1))
    log.progress(DEADLINES["audits"] + 1)
    log.tell(small.ruling())
    assert log.state.status("heat") == "held"
    log.tell(ruled("r2", "f2", OPENS + 23 * DAY, "met"))
    cut = log.state.phases["heat"].cut
    assert cut == log.state.size
    log.tell(ruled("r3", "f2", OPENS + 24 * DAY, "not-met"))
    assert log.state.phases["heat"].cut == cut


def test_every_log_that_holds_the_cut_knows_the_same_cut() -> None:
    log = at("final")
    cut = log.state.phases["heat"].cut
    assert cut is not None
    assert fold(small.PROGRAMME, log.stored[: cut - 1]).phases["heat"].cut is None
    for size in range(cut, len(log.stored) + 1):
        assert fold(small.PROGRAMME, log.stored[:size]).phases["heat"].cut == cut


def test_who_withdraws_before_the_last_marker_is_out_and_who_withdraws_after_it_is_not() -> None:
    log = closed()
    log.tell(entered("w1", "entrant.withdrawn", "cedar", DEADLINES["audits"], reason="no"))
    finish(log)
    log.tell(entered("w2", "entrant.withdrawn", "birch", DEADLINES["audits"], reason="no"))
    phase = log.state.phases["heat"]
    assert withdrawn_in_time(log.state, phase) == {"cedar": ("w1",)}
    assert competing(log.state, phase) == ["ash", "birch"]


def test_who_hands_nothing_in_does_not_compete_where_the_phase_asks_for_it() -> None:
    log = at("open")
    log.tell(*small.submissions()[:2])
    phase = log.state.phases["heat"]
    assert without_submission(phase) == {"cedar"}
    del phase.deadlines["submissions"]
    assert without_submission(phase) == frozenset()
