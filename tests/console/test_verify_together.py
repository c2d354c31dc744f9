"""`verify A B …`: several logs of one partition, and what they say of each other's offsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from events.bundle import CONTROL, POSITIONS, Place, decode_positions, encode_positions
from events.entry import decode_entry, encode_entry
from events.note import format_vkey
from events.record import partition_for
from infra.ledger import Ledger
from infra.memory_bus import MemoryBus
from tests.console.conftest import Answer, Phasegate
from tests.support import small
from tests.support.bundles import Bundle, entries_of, export_to, key_of, loaded, openings_of, resigned, summed
from tests.support.shared import both_on
from tests.support.stage import OFFICE_KEY, Stage

PARTITIONS = 3
HOME = partition_for(small.PROGRAMME.encode(), PARTITIONS)
UNROUTED = [f"unrouted/{topic}/{HOME}" for topic in ("audits", "decisions", "scores")]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, str]:
    folder = tmp_path_factory.mktemp("shared")
    return both_on(MemoryBus("test", PARTITIONS, "scenario", lambda: 0), f"sqlite:///{folder}/ledger.sqlite")


@pytest.fixture
def bundles(shared: tuple[Stage, str], tmp_path: Path) -> dict[str, Path]:
    """A bundle of each log, by its name."""
    stage, other = shared
    ledger = stage.parts.ledger
    names = [small.PROGRAMME, other, *UNROUTED]
    return {name: exported(ledger, tmp_path / name.replace("/", "-"), name) for name in names}


def exported(ledger: Ledger, place: Path, name: str) -> Path:
    return export_to(ledger, place, PARTITIONS, name)


def verified(phasegate: Phasegate, bundles: Mapping[str, Path], *words: object) -> Answer:
    keys = [word for name in bundles for word in ("--vkey", format_vkey(key_of(name)))]
    return phasegate("verify", *bundles.values(), *keys, "--office", OFFICE_KEY.vkey, "--json", *words)


def test_all_logs_of_a_partition_close_the_attribution(
    phasegate: Phasegate, bundles: dict[str, Path], shared: Any
) -> None:
    answer = verified(phasegate, bundles)
    assert answer.code == 0, answer.out
    found = answer.data["attribution"]
    assert (found["not_given"], found["beyond"], found["control"]) == ({}, {}, 0)
    assert found["found"] > 40
    assert answer.data["not_checked"] == []
    assert [one["origin"] for one in answer.data["bundles"]] == [key_of(name).name for name in bundles]
    told = " ".join(sentence for one in answer.data["bundles"] for sentence in one["not_checked"])
    assert "attributed" not in told
    keys = [word for name in bundles for word in ("--vkey", format_vkey(key_of(name)))]
    shown = phasegate("verify", *bundles.values(), *keys).out
    assert f"together: {found['found']} offsets" in shown


def test_what_belongs_to_a_log_that_was_not_given_is_listed_and_counted(
    phasegate: Phasegate, bundles: dict[str, Path], shared: tuple[Stage, str]
) -> None:
    some = {name: bundles[name] for name in (small.PROGRAMME, shared[1])}
    answer = verified(phasegate, some)
    assert answer.code == 0
    assert answer.data["attribution"]["not_given"] == dict.fromkeys(UNROUTED[1:], 1)
    assert any(f"1 offsets of {UNROUTED[2]}" in sentence for sentence in answer.data["not_checked"])


def without_a_record(bundle: Bundle, which: int, owner: str) -> Bundle:
    """The bundle as its operator would make it without the how-manieth refused record, which is said to be another log's:
    every later entry moves up, positions and sums fit, and the log's key signs it.
    """
    entries, openings = [decode_entry(entry) for entry in entries_of(bundle)], openings_of(bundle)
    gone = [entry for entry in entries if entry.verdict == "refused"][which]
    moved = {one.index: one.index - (one.index > gone.index) for one in entries}
    kept = [
        replace(one, index=moved[one.index], of=None if one.of is None else moved[one.of])
        for one in entries
        if one.index != gone.index
    ]
    places = [
        _given(place, gone.offset, owner) if (place.topic, place.partition) == (gone.topic, gone.partition) else place
        for place in decode_positions(bundle[POSITIONS])
    ]
    left = {moved[index]: opening for index, opening in openings.items() if index != gone.index}
    forged = resigned({**bundle, POSITIONS: encode_positions(places)}, [encode_entry(one) for one in kept], left)
    return summed(forged)


def _given(place: Place, offset: int, owner: str) -> Place:
    """With one offset more that is another's, neighbouring ranges of one owner made one."""
    rows: list[tuple[int, int, str]] = []
    for start, end, name in sorted([*place.others, (offset, offset + 1, owner)]):
        first = rows.pop()[0] if rows and rows[-1][1:] == (start, name) else start
        rows.append((first, end, name))
    return replace(place, others=tuple(rows))


def put(place: Path, files: Bundle) -> None:
    """Writes a bundle over another; the tiles of another size go."""
    for path in [path for path in place.rglob("*") if path.is_file()]:
        path.unlink()
    for name, data in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)


def test_a_record_left_out_and_said_to_be_another_s_is_refused_when_that_log_is_there(
    phasegate: Phasegate, bundles: dict[str, Path], shared: tuple[Stage, str]
) -> None:
    """The forger's whole log fits together and is signed: alone it verifies."""
    other = shared[1]
    put(bundles[other], without_a_record(loaded(bundles[other]), 0, small.PROGRAMME))
    alone = verified(phasegate, {other: bundles[other]})
    assert alone.code == 0, alone.out
    answer = verified(phasegate, bundles)
    assert (answer.code, answer.document["error"]["code"]) == (3, "tampered")
    details = answer.document["error"]["details"]
    assert (details["topic"], details["partition"]) == ("scores", HOME)
    assert {details["expected"], details["found"]} == {small.PROGRAMME, other}
    assert details["file"].endswith(POSITIONS)


def test_what_is_said_to_lie_beyond_the_end_of_a_bundle_is_not_taken_for_closed(
    phasegate: Phasegate, bundles: dict[str, Path], shared: tuple[Stage, str]
) -> None:
    """It is missing in that log, or that bundle is older: which of the two, a newer bundle shows."""
    other = shared[1]
    put(bundles[other], without_a_record(loaded(bundles[other]), 2, small.PROGRAMME))
    answer = verified(phasegate, bundles)
    assert (answer.code, answer.document["error"]["code"]) == (8, "incomplete")
    assert answer.data["attribution"]["beyond"] == {small.PROGRAMME: 1}
    assert small.PROGRAMME in answer.document["error"]["message"]


@pytest.mark.parametrize("owner", [CONTROL, "cup-none", UNROUTED[2]])
def test_a_range_that_is_given_to_somebody_else_is_refused_with_both_names(
    phasegate: Phasegate, bundles: dict[str, Path], shared: tuple[Stage, str], owner: str
) -> None:
    """No closed intake vouches for the positions of a log that has none: only the other log shows what is true."""
    other = shared[1]
    files = loaded(bundles[other])
    places = [
        replace(p, others=_renamed(p.others, owner)) if p.topic == "decisions" else p
        for p in decode_positions(files[POSITIONS])
    ]
    put(bundles[other], summed({**files, POSITIONS: encode_positions(places)}))
    assert verified(phasegate, {other: bundles[other]}).code == 0
    answer = verified(phasegate, bundles)
    details = answer.document["error"]["details"]
    assert (answer.code, details["expected"], details["found"]) == (3, small.PROGRAMME, owner)
    assert details["file"] == f"{bundles[other]}/{POSITIONS}"
    assert details["topic"] == "decisions"


def _renamed(others: Any, owner: str) -> Any:
    return tuple((a, b, owner if name == small.PROGRAMME else name) for a, b, name in others)


def test_an_offset_in_entries_of_two_logs_is_refused(
    phasegate: Phasegate, bundles: dict[str, Path], shared: tuple[Stage, str]
) -> None:
    """One log is exported from a ledger that gave the other's record to it."""
    files = loaded(bundles[UNROUTED[0]])
    (entry,) = entries_of(files)
    taken = decode_positions(loaded(bundles[small.PROGRAMME])[POSITIONS])
    place = next(one for one in taken if one.topic == "audits")
    forged = encode_entry(replace(decode_entry(entry), offset=0))
    alone = {**files, POSITIONS: encode_positions([Place("audits", HOME, 1, ())])}
    put(bundles[UNROUTED[0]], resigned(alone, [forged], openings_of(files)))
    answer = verified(phasegate, bundles)
    assert place.others == () or place.others[0][0] > 0
    assert answer.code == 3
    assert "it is in an entry of" in answer.document["error"]["message"]
    assert answer.document["error"]["details"]["offset"] == 0


def test_a_bundle_that_fails_by_itself_is_named(phasegate: Phasegate, bundles: dict[str, Path]) -> None:
    files = loaded(bundles[UNROUTED[1]])
    put(bundles[UNROUTED[1]], {**files, "openings.ndjson": files["openings.ndjson"].replace(b"salt", b"tlas")})
    answer = verified(phasegate, bundles)
    assert answer.code == 3
    assert answer.document["error"]["details"]["bundle"] == str(bundles[UNROUTED[1]])
    assert str(bundles[UNROUTED[1]]) in answer.document["error"]["message"]


def test_bundles_that_do_not_belong_together_are_a_slip(
    phasegate: Phasegate, bundles: dict[str, Path], shared: tuple[Stage, str]
) -> None:
    place = bundles[small.PROGRAMME]
    key = format_vkey(key_of())
    assert "two bundles are of" in phasegate("verify", place, place, "--vkey", key).err
    other = format_vkey(key_of(shared[1]))
    assert phasegate("verify", place, bundles[shared[1]], "--vkey", key).code == 3
    assert phasegate("verify", place, bundles[shared[1]], "--vkey", key, "--vkey", other).code == 0
    words = ("--vkey", key, "--vkey", other, "--vkey", format_vkey(key_of(UNROUTED[0])))
    answer = phasegate("verify", place, bundles[shared[1]], *words)
    assert (answer.code, "no bundle is of it" in answer.err) == (2, True)


def test_each_bundle_extends_its_own_older_checkpoint(
    phasegate: Phasegate, bundles: dict[str, Path], shared: tuple[Stage, str], tmp_path: Path
) -> None:
    old = shared[0].parts.ledger.checkpoints(small.PROGRAMME)[0]
    (tmp_path / "old").write_bytes(old.note)
    some = {name: bundles[name] for name in (small.PROGRAMME, shared[1])}
    answer = verified(phasegate, some, "--since", tmp_path / "old")
    assert [one["since"] for one in answer.data["bundles"]] == [old.size, None]
