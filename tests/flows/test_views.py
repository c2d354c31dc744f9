"""Bundles for the public and for one entrant: what they hold, what they do not, and that they verify against one root."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from events.bundle import CHECKPOINT, OPENINGS
from events.entry import commitment, decode_entry, encode_entry
from events.envelope import decode
from events.errors import Tampered
from events.names import TYPES
from flows.exporting import Exporter, View
from handlers.disclosure import PUBLIC, to_entrant, to_everybody
from infra.bundle.writing import DirectoryWriter
from tests.support import small
from tests.support.bundles import Bundle, audit, entries_of, exported, loaded, openings_of, resigned
from tests.support.stage import LOG_KEY, OFFICE_KEY, Stage, memory_stage, play


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    stage = memory_stage(tmp_path_factory.mktemp("stage"))
    play(stage)
    return stage


@pytest.fixture(scope="module")
def whole(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return exported(stage, tmp_path_factory.mktemp("whole") / "b")


def view_of(stage: Stage, view: View, place: Path) -> Bundle:
    head = stage.parts.ledger.head(small.PROGRAMME)
    assert head is not None
    exporter = Exporter(stage.parts.ledger, 4, {OFFICE_KEY.kid: OFFICE_KEY.public}, (LOG_KEY.verifier,))
    return loaded(exporter.export(head, DirectoryWriter(place), view).path)


@pytest.fixture(scope="module")
def public(stage: Stage, whole: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return view_of(stage, View("what is public", to_everybody("none")), tmp_path_factory.mktemp("public") / "b")


@pytest.fixture(scope="module")
def ash(stage: Stage, whole: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return view_of(stage, View("ash's", to_entrant("ash")), tmp_path_factory.mktemp("ash") / "b")


def shown(bundle: Bundle) -> list[tuple[str, dict[str, object]]]:
    events = [decode(opening.value) for opening in openings_of(bundle).values()]
    return [(TYPES[event.type].short, event.data) for event in events]


def test_every_view_stands_under_the_same_checkpoint_and_tiles(whole: Bundle, public: Bundle, ash: Bundle) -> None:
    for view in (public, ash):
        same = [path for path in whole if path.startswith("tile/") or path in (CHECKPOINT, "positions.json")]
        assert {path: view[path] for path in same} == {path: whole[path] for path in same}
        assert set(view[OPENINGS].split(b"\n")) < set(whole[OPENINGS].split(b"\n"))
        assert audit(view).checked["entries"] == audit(whole).checked["entries"]


def test_the_public_sees_outcomes_and_rules_and_no_mark(public: Bundle) -> None:
    assert {name for name, _ in shown(public)} <= PUBLIC
    assert {"programme.announced", "phase.decided", "intake.closed", "decision.finalised"} <= {
        n for n, _ in shown(public)
    }
    assert not [data for _, data in shown(public) if data.keys() & {"evaluator", "value", "scores"}]


def test_an_entrant_sees_its_own_and_nothing_of_the_others(ash: Bundle) -> None:
    own = [(name, data) for name, data in shown(ash) if name not in PUBLIC]
    assert {"entrant.registered", "submission.received", "score.recorded", "entrant.assessed"} <= {
        name for name, _ in own
    }
    assert {data["entrant"] for _, data in own if "entrant" in data} == {"ash"}
    assert "ash" in ash["README.txt"].decode()


def test_an_entrant_sees_the_ruling_on_a_finding_about_it(stage: Stage, whole: Bundle, tmp_path: Path) -> None:
    birch = view_of(stage, View("birch's", to_entrant("birch")), tmp_path / "b")
    names = [name for name, _ in shown(birch)]
    assert names.count("finding.recorded") == names.count("ruling.issued") == names.count("rebuttal.filed") == 1
    assert audit(birch).checked["entries"]


def test_what_is_withheld_is_told_by_kind_and_number(whole: Bundle, public: Bundle) -> None:
    marks = sum(decode_entry(entry).type == "phasegate.score.recorded.v1" for entry in entries_of(whole))
    found = audit(public)
    told = "\n".join(found.not_checked)
    assert f"{marks} score.recorded" in told
    assert "withheld by this view" in told
    assert "verdicts that may rest on records that are not there" in told
    assert "erased as the log says" not in told
    assert "withheld" not in "\n".join(audit(whole).not_checked)


def test_in_a_view_a_forged_decision_lacks_the_signature_of_the_office(public: Bundle) -> None:
    entries, openings = entries_of(public), openings_of(public)
    index = next(
        n
        for n, entry in enumerate(entries)
        if decode_entry(entry).type == "phasegate.phase.decided.v1" and n in openings
    )
    value = openings[index].value or b""
    openings[index] = replace(openings[index], value=value.replace(b"eliminated", b"advanced"))
    entries[index] = encode_entry(replace(decode_entry(entries[index]), commitment=commitment(openings[index])))
    with pytest.raises(Tampered, match="not signed as it must be") as error:
        audit(resigned(public, entries, openings))
    assert error.value.details["index"] == index


HOSTILE = {
    "depth": b"[" * 900 + b"]" * 900,
    "much depth": b'{"data":' * 200_000,
    "no event": b"[]",
    "nothing": b"",
    "not UTF-8": b"\xff\xfe",
    "a huge number": b'{"specversion":"1.0","id":"x","source":"urn:x","type":"x","data":{"n":' + b"9" * 5000 + b"}}",
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_an_operator_puts_into_a_record_the_audit_ends_with_a_finding(
    whole: Bundle, public: Bundle, hostile: str
) -> None:
    """Each record in turn, in a log that is consistent and signed again: never an error of another kind."""
    for bundle in (whole, public):
        entries, openings = entries_of(bundle), openings_of(bundle)
        for index, opening in list(openings.items())[:: 1 if bundle is public else 4]:
            forged = replace(opening, value=HOSTILE[hostile])
            entry = replace(decode_entry(entries[index]), commitment=commitment(forged))
            changed = [encode_entry(entry) if n == index else old for n, old in enumerate(entries)]
            with pytest.raises(Tampered):
                audit(resigned(bundle, changed, {**openings, index: forged}))


def test_an_accepted_event_without_the_members_of_its_type_ends_with_a_finding(whole: Bundle, public: Bundle) -> None:
    for bundle in (whole, public):
        entries, openings = entries_of(bundle), openings_of(bundle)
        for index, opening in openings.items():
            document = orjson.loads(opening.value or b"{}")
            if decode_entry(entries[index]).type not in (
                "phasegate.intake.closed.v1",
                "phasegate.programme.announced.v1",
            ):
                continue
            for data in ({}, {"markers": 1, "rulebook": 1}, {"markers": {"x": "y"}, "rulebook": {}}):
                forged = replace(opening, value=orjson.dumps({**document, "data": data}))
                entry = replace(decode_entry(entries[index]), commitment=commitment(forged))
                changed = [encode_entry(entry) if n == index else old for n, old in enumerate(entries)]
                with pytest.raises(Tampered):
                    audit(resigned(bundle, changed, {**openings, index: forged}))
