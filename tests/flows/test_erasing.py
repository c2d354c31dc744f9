"""What was erased is gone from the ledger, and everything goes on: recording, replaying, exporting, verifying."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from events.entry import decode_entry, decode_members
from events.errors import Tampered
from flows.exporting import Exporter, View
from flows.reader import Reader
from handlers.disclosure import to_entrant
from infra.bundle.writing import DirectoryWriter
from tests.support import small
from tests.support.bundles import Bundle, audit, exported, loaded, openings_of, summed
from tests.support.erasing import AFTER, erasure, first_entry, place_of
from tests.support.stage import LOG_KEY, OFFICE_KEY, Stage, memory_stage, play
from tests.support.told import ANN, correction

SECRET = "a third person named in a comment"


@pytest.fixture
def on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The small programme to its end; one of its marks has a comment."""
    scores = small.scores()
    scores[0].data["comment"] = SECRET
    monkeypatch.setattr(small, "scores", lambda: scores)
    stage = memory_stage(tmp_path)
    play(stage)
    return stage


def erased(on: Stage, *ids: str) -> list[int]:
    """Erases the records with these event ids; their first entries."""
    found = [first_entry(on.parts.ledger, one) for one in ids]
    on.tell(erasure(*map(place_of, found)))
    return [entry.index for entry in found]


def last_verdict(on: Stage) -> tuple[str, str | None]:
    entry = decode_entry(list(on.parts.ledger.read(small.PROGRAMME))[-1].entry)
    return entry.verdict, entry.reason


def the_mark() -> str:
    return small.scores()[0].id


def test_an_erased_record_is_gone_and_its_entry_stays(on: Stage) -> None:
    before = [stored.entry for stored in on.parts.ledger.read(small.PROGRAMME)]
    (index,) = erased(on, the_mark())
    after = list(on.parts.ledger.read(small.PROGRAMME))
    assert last_verdict(on) == ("accepted", None)
    assert [stored.entry for stored in after[: len(before)]] == before
    assert after[index].opening is None
    assert [row.index for row in on.parts.ledger.erased(small.PROGRAMME)] == [index]
    assert list(on.parts.ledger.integrity()) == []


def test_nothing_of_it_is_in_the_database_file_nor_beside_it(on: Stage, tmp_path: Path) -> None:
    files = [path for path in tmp_path.iterdir() if "ledger" in path.name]
    assert any(SECRET.encode() in path.read_bytes() for path in files)
    erased(on, the_mark())
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for name in tables for row in connection.execute(f"SELECT * FROM {name}")]
    assert not [row for row in rows if SECRET.encode() in repr(row).encode()]
    assert not [path.name for path in files if path.exists() and SECRET.encode() in path.read_bytes()]


def test_the_folded_states_that_are_kept_do_not_hold_it(on: Stage) -> None:
    reader = Reader(on.parts.ledger)
    assert on.parts.recorder is not None
    before = reader.state(small.PROGRAMME)
    slot = next(slot for slot, row in before.phases["heat"].marks.items() if row.ids[0] == the_mark())
    erased(on, the_mark())
    for state in (reader.state(small.PROGRAMME), on.recorder._logs.get(small.PROGRAMME).state):
        assert slot not in state.phases["heat"].marks
        assert the_mark() not in repr(state)
        assert state.status("heat") == "final"


def test_a_replay_goes_on_and_names_what_cannot_be_recomputed(on: Stage) -> None:
    whole = on.replay()
    (index,) = erased(on, the_mark())
    found = on.replay()
    assert found.is_identical, found.first_difference
    assert found.hidden == [index]
    of_type = {n: decode_members(s.entry)[8] for n, s in enumerate(on.parts.ledger.read(small.PROGRAMME))}
    made = [of_type[n] for n in found.decisions.unchecked]
    assert set(made) == {"phasegate.entrant.assessed.v1", "phasegate.phase.decided.v1", "phasegate.phase.held.v1"}
    assert found.decisions.checked + len(made) == whole.decisions.checked
    assert found.verdicts.checked + len(found.verdicts.unchecked) == whole.verdicts.checked + 1
    assert {of_type[n] for n in found.verdicts.unchecked} <= {
        "phasegate.score.recorded.v1", "phasegate.entrant.assessed.v1", "phasegate.phase.decided.v1",
    }  # fmt: skip


def test_a_record_that_nothing_else_rests_on_leaves_everything_else_checked(on: Stage) -> None:
    on.tell(
        small.event("invitation.declined", "no-thanks", small.OFFICE, AFTER - 2, organisation="Acme", reason=SECRET)
    )
    on.progress(AFTER - 1)
    assert Reader(on.parts.ledger).state(small.PROGRAMME).concluded is not None
    (index,) = erased(on, "no-thanks")
    found = on.replay()
    assert found.is_identical
    assert (found.hidden, found.verdicts.unchecked, found.decisions.unchecked) == ([index], [index], [])


def test_a_later_copy_is_a_duplicate(on: Stage) -> None:
    erased(on, the_mark())
    on.tell(small.scores()[0])
    assert last_verdict(on) == ("duplicate", None)
    assert on.replay().is_identical


def test_what_refers_to_it_later_is_judged_alike_by_recorder_and_replay(on: Stage) -> None:
    erased(on, the_mark())
    on.tell(correction("fix-late", ANN, AFTER + 5, the_mark(), "1"))
    assert last_verdict(on) == ("refused", "unknown-reference")
    on.recorder.forget()
    on.tell(correction("fix-later", ANN, AFTER + 6, the_mark(), "1"))
    assert last_verdict(on) == ("refused", "unknown-reference")
    assert on.replay().is_identical


def test_it_cannot_be_erased_twice(on: Stage) -> None:
    place = place_of(first_entry(on.parts.ledger, the_mark()))
    on.tell(erasure(place))
    on.tell(erasure(place, event_id="erase-2"))
    assert last_verdict(on) == ("refused", "illegal-transition")
    assert list(on.parts.ledger.integrity()) == []


def test_a_refused_record_is_erased_and_the_letter_is_not_sent(on: Stage) -> None:
    told = small.event("score.recorded", "odd", ANN, AFTER, phase="nowhere", entrant="ash", criterion="jury", item="art",
                       evaluator="ann", value="1", comment=SECRET)  # fmt: skip
    on.send([on.message(told)])
    on.record()
    place = place_of(first_entry(on.parts.ledger, "odd"))
    assert last_verdict(on) == ("refused", "unknown-phase")
    on.tell(erasure(place))
    assert last_verdict(on) == ("accepted", None)
    assert on.replay().is_identical
    on.parts.ledger.set_relay_cursor(small.PROGRAMME, 0)
    assert on.recorder._relay.run([small.PROGRAMME]) == 0


def test_a_bundle_says_that_it_is_erased_and_verifies(on: Stage, tmp_path: Path) -> None:
    whole = audit(exported(on, tmp_path / "whole"))
    (index,) = erased(on, the_mark())
    bundle = exported(on, tmp_path / "b")
    found = audit(bundle)
    told = "\n".join(found.not_checked)
    assert f"the content of 1 records, erased as the log says: 1 score.recorded; entries {index}" in told
    assert "withheld" not in told
    assert found.checked["erased"] == 1
    assert found.checked["decisions"] < whole.checked["decisions"]
    assert "decisions that may rest on records that are not there: entries" in told


def test_a_hole_that_no_erasure_explains_is_refused_in_a_whole_bundle(on: Stage, tmp_path: Path) -> None:
    erased(on, the_mark())
    bundle = exported(on, tmp_path / "b")
    other = first_entry(on.parts.ledger, small.scores()[1].id).index
    with pytest.raises(Tampered, match=f"does not open entry {other}, no erasure") as error:
        audit(without(bundle, other))
    assert error.value.details["index"] == other


def without(bundle: Bundle, index: int) -> Bundle:
    lines = bundle["openings.ndjson"].split(b"\n")
    kept = [line for line in lines if not line.startswith(b'{"') or f'"index":{index},'.encode() not in line]
    assert len(kept) == len(lines) - 1
    return summed({**bundle, "openings.ndjson": b"\n".join(kept)})


def test_a_view_goes_on_past_what_it_withholds(on: Stage, tmp_path: Path) -> None:
    whole = audit(exported(on, tmp_path / "whole"))
    (index,) = erased(on, the_mark())
    exported(on, tmp_path / "signed")
    head = on.parts.ledger.head(small.PROGRAMME)
    assert head is not None
    exporter = Exporter(on.parts.ledger, 4, {OFFICE_KEY.kid: OFFICE_KEY.public}, (LOG_KEY.verifier,))
    bundle = loaded(exporter.export(head, DirectoryWriter(tmp_path / "v"), View("birch's", to_entrant("birch"))).path)
    found = audit(bundle)
    told = "\n".join(found.not_checked)
    assert index not in openings_of(bundle)
    assert "withheld by this view" in told
    assert "erased as the log says: 1 score.recorded" in told
    assert 0 < found.checked["verdicts"] < whole.checked["verdicts"]
    assert found.checked["decisions"] > 8  # Markers, the closing, finality do not rest on what is withheld.


def test_a_ledger_whose_opening_was_deleted_by_hand_is_found_out(on: Stage, tmp_path: Path) -> None:
    erased(on, the_mark())
    other = first_entry(on.parts.ledger, small.scores()[1].id).index
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        with pytest.raises(sqlite3.IntegrityError, match="the ledger only grows"):
            connection.execute('DELETE FROM openings WHERE "index" = ?', (other,))
        connection.execute("DROP TRIGGER openings_no_delete")
        connection.execute('DELETE FROM openings WHERE "index" = ?', (other,))
    assert [fault.table for fault in on.parts.ledger.integrity()] == ["openings"]
    with pytest.raises(Tampered, match="not beside it"):
        on.replay()


def test_a_row_that_says_an_opening_was_erased_does_not_explain_it_alone(on: Stage, tmp_path: Path) -> None:
    """An operator who deletes a record and says nothing in the log."""
    other = first_entry(on.parts.ledger, small.scores()[1].id).index
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("INSERT INTO erasures VALUES (1, ?, NULL, 5, NULL, x'00')", (other,))
        connection.execute('DELETE FROM openings WHERE "index" = ?', (other,))
    faults = list(on.parts.ledger.integrity())
    assert {(fault.table, fault.column) for fault in faults} == {("erasures", "digest"), ("erasures", "by")}


def test_a_record_known_to_be_erased_is_never_kept(tmp_path: Path) -> None:
    stage = memory_stage(tmp_path)
    stage.recorder.known_erased = {("submissions", partition, 0) for partition in range(4)}
    play(stage)
    (gone,) = stage.parts.ledger.erased(small.PROGRAMME)
    assert (gone.by, len(gone.identity or b"")) == (None, 32)
    stage.progress(AFTER - 1)
    first = decode_entry(next(iter(stage.parts.ledger.read(small.PROGRAMME, gone.index, gone.index + 1))).entry)
    assert [fault.column for fault in stage.parts.ledger.integrity()] == ["by"]
    stage.tell(erasure(place_of(first)))
    assert last_verdict(stage) == ("accepted", None)
    assert list(stage.parts.ledger.integrity()) == []
    assert stage.replay().is_identical
