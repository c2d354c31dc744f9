"""Keys that changed, in bundles: a part of the openings verifies with the keys that were in force, and with no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from events.entry import commitment, decode_entry, encode_entry
from events.envelope import decode
from events.errors import Tampered
from events.note import open_note
from events.record import TOPICS
from events.values import format_instant
from flows.audit_report import Trust
from flows.auditing import Audit
from flows.exporting import Exporter, View
from handlers.disclosure import to_entrant
from infra.bundle.reading import Files
from infra.bundle.writing import DirectoryWriter
from infra.keys import from_seed
from tests.support import small
from tests.support.bundles import Bundle, Memory, audit, entries_of, exported, key_of, loaded, openings_of, resigned
from tests.support.changed_keys import ANN, AT, NEW_OFFICE, SECOND, mark, with_changed_keys
from tests.support.stage import LOG_KEY, OFFICE_KEY, Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Ann's key and the office's were changed while marks came in."""
    return with_changed_keys(tmp_path / "stage")


def view(stage: Stage, entrant: str, place: Path) -> Bundle:
    head = stage.parts.ledger.head(small.PROGRAMME)
    assert head is not None
    exporter = Exporter(stage.parts.ledger, 4, {OFFICE_KEY.kid: OFFICE_KEY.public}, (LOG_KEY.verifier,))
    return loaded(exporter.export(head, DirectoryWriter(place), View(entrant, to_entrant(entrant))).path)


def test_a_whole_bundle_and_one_entrants_verify_with_the_offices_first_key(stage: Stage, tmp_path: Path) -> None:
    whole = audit(exported(stage, tmp_path / "whole"))
    assert whole.checked["verdicts"] == whole.checked["entries"]
    assert not [told for told in whole.not_checked if "keys that are not known" in told]
    for entrant in ("ash", "birch"):
        bundle = view(stage, entrant, tmp_path / entrant)
        names = [decode(opening.value).type for opening in openings_of(bundle).values()]
        assert names.count("phasegate.key.rotated.v1") == 2 * len(TOPICS)
        assert "phasegate.score.recorded.v1" in names
        assert audit(bundle).checked["signatures"] > 0


def test_another_office_key_does_not_verify(stage: Stage, tmp_path: Path) -> None:
    exported(stage, tmp_path / "whole")
    bundle = view(stage, "birch", tmp_path / "birch")
    with pytest.raises(Tampered, match="not signed as it must be"):
        Audit(Files(Memory(bundle)), Trust(key_of(), (NEW_OFFICE.verifier,), None)).run()


def test_a_change_of_keys_that_says_none_ends_with_a_finding(stage: Stage, tmp_path: Path) -> None:
    exported(stage, tmp_path / "whole")
    bundle = view(stage, "birch", tmp_path / "birch")
    entries, openings = entries_of(bundle), openings_of(bundle)
    changes = [n for n, opening in openings.items() if b"phasegate.key.rotated.v1" in (opening.value or b"")]
    assert len(changes) == 2 * len(TOPICS)
    good = {"source": ANN, "key": SECOND.vkey, "from": format_instant(AT)}
    faults: tuple[dict[str, object], ...] = (
        {"source": None},
        {"source": []},
        {"key": 1},
        {"key": "a+b+c"},
        {"from": "x"},
        {"from": {}},
    )
    for wrong in faults:
        document = orjson.loads(openings[changes[0]].value or b"")
        forged = replace(openings[changes[0]], value=orjson.dumps({**document, "data": good | wrong}))
        entry = replace(decode_entry(entries[changes[0]]), commitment=commitment(forged))
        changed = [encode_entry(entry) if n == changes[0] else old for n, old in enumerate(entries)]
        with pytest.raises(Tampered):
            audit(resigned(bundle, changed, {**openings, changes[0]: forged}))


def test_a_recorder_with_a_new_key_of_the_log_hands_over_at_its_first_checkpoint(stage: Stage) -> None:
    parts, new = stage.parts, from_seed("log-2", b"\x32" * 32)
    stage.recorder.settle_up()
    keys = [key.named(key_of().name).verifier for key in (LOG_KEY, new)]
    for before in (LOG_KEY, None):
        parts.log_key, parts.log_key_before = new, before
        stage.recorder.close()
        stage.recorder = parts.recorder()
        mark(stage, "cedar", AT + (1 if before else 2), SECOND)
        stage.recorder.settle_up()
    signed = [set(open_note(stored.note, keys)[1]) for stored in parts.ledger.checkpoints(small.PROGRAMME)]
    assert signed[-3:] == [{keys[0]}, set(keys), {keys[1]}]
