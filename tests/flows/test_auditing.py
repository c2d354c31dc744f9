"""The audit of a bundle: what it counts, and that nothing in a bundle can be changed without its being told where."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from events.bundle import (
    CHECKPOINT,
    DEPLOYMENT,
    OPENINGS,
    POSITIONS,
    SUMS,
    Place,
    decode_positions,
    encode_positions,
)
from events.bus import Message
from events.entry import Opening, commitment, decode_entry, encode_entry
from events.errors import Tampered
from events.record import partition_for
from flows.audit_report import Findings, Trust
from flows.auditing import Audit
from infra.bundle.reading import Files
from infra.keys import from_seed
from tests.support import small
from tests.support.bundles import (
    Bundle,
    Memory,
    audit,
    checkpoint_of,
    entries_of,
    exported,
    key_of,
    openings_of,
    resigned,
    summed,
)
from tests.support.stage import LOG_KEY, Stage, memory_stage, play

TINY = "tiny-cup"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The small programme to its end, with records of another programme in its partitions."""
    stage = memory_stage(tmp_path_factory.mktemp("stage"))
    home = partition_for(small.PROGRAMME.encode(), 4)
    other = next(f"cup-{n}" for n in range(99) if partition_for(f"cup-{n}".encode(), 4) == home)
    stage.send(Message(topic, other.encode(), b"{}", (), 0) for topic in ("scores", "audits", "scores"))
    play(stage)
    stage.send([Message("submissions", other.encode(), b"{}", (), small.OPENS + 40 * small.DAY)])
    late = small.event(
        "entrant.registered", "late", small.OFFICE, small.OPENS + 41 * small.DAY, entrant="fir", name="Fir"
    )
    stage.tell(late)
    stage.record()
    return stage


@pytest.fixture(scope="module")
def bundle(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return exported(stage, tmp_path_factory.mktemp("bundle") / "b")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A log of three small records that were refused."""
    folder = tmp_path_factory.mktemp("tiny")
    stage = memory_stage(folder)
    stage.send(Message("scores", TINY.encode(), value, (), 0) for value in (b"{}", b"\xff", None))
    stage.record()
    return exported(stage, folder / "b", TINY)


def refused(files: Mapping[str, bytes], programme: str = small.PROGRAMME, *, since: bytes | None = None) -> Tampered:
    with pytest.raises(Tampered) as error:
        audit(files, programme, since=since)
    return error.value


def test_a_true_bundle_is_found_right_with_counts(bundle: Bundle) -> None:
    found = audit(bundle)
    size = found.checkpoint.size
    firsts = sum(decode_entry(entry).of is None for entry in entries_of(bundle))
    assert found.checked["entries"] == found.checked["verdicts"] == size > 40
    assert found.checked["openings"] == found.checked["positions"] == firsts
    assert found.checked["decisions"] > 10
    assert found.checked["attributions"] == 1
    assert found.checked["signatures"] > 10
    assert found.checked["rulebooks"] == 1
    assert found.checked["files"] == len(bundle)
    assert found.checked["bytes"] >= sum(map(len, bundle.values()))


def test_it_says_what_it_did_not_check(bundle: Bundle) -> None:
    told = "\n".join(audit(bundle, office=False).not_checked)
    for part in ("--office", "--since", "--witness", "4 offsets that are attributed to other logs", "README.txt",
                 "1 attributed offsets after"):  # fmt: skip
        assert part in told
    assert "--office" not in "\n".join(audit(bundle).not_checked)


def test_an_older_checkpoint_is_proved_to_be_a_prefix(bundle: Bundle, stage: Stage) -> None:
    old = stage.parts.ledger.checkpoints(small.PROGRAMME)[0]
    assert old.size < checkpoint_of(bundle).size
    assert audit(bundle, since=old.note).since == old.size
    assert audit(bundle, since=bundle[CHECKPOINT]).since == checkpoint_of(bundle).size


# ------------------------------------------------------------------------------------------------------------- one bit
def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.slow
def test_every_single_bit_of_a_small_bundle_counts(tiny: Bundle) -> None:
    """Every bit of every file but schemas and README.txt, of which one bit in each byte: only their sums cover those."""
    audit(tiny, TINY)
    dice, tried = random.Random(1), 0
    for path, data in tiny.items():
        whole = path.startswith("tile/") or path in (CHECKPOINT, OPENINGS, POSITIONS, DEPLOYMENT, SUMS)
        if not whole and path != "README.txt" and dice.random() < 0.9:
            continue
        bits = range(8 * len(data)) if whole else [8 * at + dice.randrange(8) for at in range(0, len(data), 7)]
        if path == SUMS:
            bits = [8 * at + dice.randrange(8) for at in range(0, len(data), 3)]
        for bit in bits:
            with pytest.raises(Tampered):
                audit({**tiny, path: flipped(data, bit)}, TINY)
            tried += 1
    assert tried > 10_000


def test_any_bit_of_a_whole_programme_counts_even_with_sums_that_fit(bundle: Bundle) -> None:
    dice = random.Random(2)
    for path, data in bundle.items():
        if path.startswith("schemas/") or path in ("README.txt", SUMS):
            continue
        for _ in range(12):
            changed = summed({**bundle, path: flipped(data, dice.randrange(8 * len(data)))})
            error = refused(changed)
            assert error.details["file"], error.message


# ------------------------------------------------------------------------------------- forgeries by whoever holds a key
def altered(bundle: Bundle, change: Callable[[list[bytes], dict[int, Opening]], None]) -> Bundle:
    entries, openings = entries_of(bundle), openings_of(bundle)
    change(entries, openings)
    return resigned(bundle, entries, openings)


def index_of(bundle: Bundle, name: str, verdict: str = "accepted", nth: int = -1) -> int:
    found = [decode_entry(entry) for entry in entries_of(bundle)]
    return [e.index for e in found if e.type == f"phasegate.{name}.v1" and e.verdict == verdict and e.of is None][nth]


def reopen(entries: list[bytes], openings: dict[int, Opening], index: int, old: bytes, new: bytes) -> None:
    """Another value under a commitment that fits."""
    opening = openings[index]
    assert opening.value is not None
    assert old in opening.value
    openings[index] = replace(opening, value=opening.value.replace(old, new))
    entries[index] = encode_entry(replace(decode_entry(entries[index]), commitment=commitment(openings[index])))


def test_nothing_changed_is_still_right(bundle: Bundle) -> None:
    assert audit(altered(bundle, lambda *_: None)).checkpoint == checkpoint_of(bundle)


def test_a_score_changed_after_the_decision_is_found_by_replay(bundle: Bundle) -> None:
    index = index_of(bundle, "score.recorded", nth=0)
    value = openings_of(bundle)[index].value or b""
    mark = orjson.loads(value)["data"]["value"].encode()
    error = refused(altered(bundle, lambda e, o: reopen(e, o, index, b'"value":"%s"' % mark, b'"value":"1"')))
    assert str(error.details["file"]).startswith("tile/entries/")
    assert {"index", "expected", "found"} <= error.details.keys()
    assert "entrant.assessed" in error.message or "intake.closed" in error.message


def test_a_forged_decision_is_found_by_its_signature(bundle: Bundle) -> None:
    index = index_of(bundle, "phase.decided")
    error = refused(altered(bundle, lambda e, o: reopen(e, o, index, b"eliminated", b"advanced")))
    assert error.details["index"] == index
    assert (error.details["found"], error.details["expected"]) == ("accepted", "refused")


def test_a_changed_verdict_is_found_by_replay(bundle: Bundle) -> None:
    index = index_of(bundle, "score.recorded")

    def late(entries: list[bytes], _: dict[int, Opening]) -> None:
        entries[index] = encode_entry(replace(decode_entry(entries[index]), verdict="refused", reason="late"))

    error = refused(altered(bundle, late))
    assert (error.details["index"], error.details["found"], error.details["expected"]) == (index, "refused", "accepted")


def test_a_backdated_receipt_is_found_when_it_changes_anything(bundle: Bundle) -> None:
    index = index_of(bundle, "intake.marked")

    def backdate(entries: list[bytes], _: dict[int, Opening]) -> None:
        entry = decode_entry(entries[index])
        entries[index] = encode_entry(replace(entry, received_ms=entry.received_ms - 3 * small.DAY))

    refused(altered(bundle, backdate))


def renumbered(entries: list[bytes], openings: dict[int, Opening], order: list[int]) -> None:
    """Entries in another order, or fewer, with indexes that follow each other again."""
    place = {old: new for new, old in enumerate(order)}
    kept = [decode_entry(entries[old]) for old in order]
    entries[:] = [
        encode_entry(replace(entry, index=new, of=None if entry.of is None else place[entry.of]))
        for new, entry in enumerate(kept)
    ]
    moved = {place[old]: opening for old, opening in openings.items() if old in place}
    openings.clear()
    openings.update(moved)


def test_an_omitted_record_leaves_a_gap(bundle: Bundle) -> None:
    index = index_of(bundle, "score.recorded", nth=1)
    order = [n for n in range(len(entries_of(bundle))) if n != index]
    error = refused(altered(bundle, lambda e, o: renumbered(e, o, order)))
    assert error.details["file"] == POSITIONS
    assert "a record is missing" in error.message


def test_an_omitted_record_attributed_to_another_log_contradicts_the_closed_intake(bundle: Bundle) -> None:
    index = index_of(bundle, "score.recorded", nth=1)
    gone = decode_entry(entries_of(bundle)[index])
    order = [n for n in range(len(entries_of(bundle))) if n != index]
    forged = altered(bundle, lambda e, o: renumbered(e, o, order))
    places = [
        replace(p, others=tuple(sorted((*p.others, (gone.offset, gone.offset + 1, "cup-zz")))))
        if p.topic == "scores"
        else p
        for p in decode_positions(bundle[POSITIONS])
    ]
    refused(summed({**forged, POSITIONS: encode_positions(places)}))


def test_reordered_entries_are_found(bundle: Bundle) -> None:
    order = list(range(len(entries_of(bundle))))
    first, second = index_of(bundle, "score.recorded", nth=0), index_of(bundle, "score.recorded", nth=1)
    order[first], order[second] = second, first
    assert refused(altered(bundle, lambda e, o: renumbered(e, o, order))).details["file"] == POSITIONS


def test_a_history_that_was_rewritten_and_signed_again_is_caught_by_an_older_checkpoint(
    bundle: Bundle, stage: Stage
) -> None:
    """A prefix of the truth, or another truth: each is right in itself, and neither extends what an outsider holds."""
    old = stage.parts.ledger.checkpoints(small.PROGRAMME)[0]
    cut = old.size - 3
    entries, openings = entries_of(bundle)[:cut], openings_of(bundle)
    truncated = resigned(bundle, entries, {n: o for n, o in openings.items() if n < cut})
    lasts = {(e.topic, e.partition): e.offset for e in map(decode_entry, entries)}
    places = [Place(t, p, last + 1, _others(bundle, t, p, last)) for (t, p), last in sorted(lasts.items())]
    truncated = summed({**truncated, POSITIONS: encode_positions(places)})
    assert audit(truncated, office=False).checkpoint.size == cut
    error = refused(truncated, since=old.note)
    assert (error.details["expected"], error.details["found"]) == (old.size, cut)


def _others(bundle: Bundle, topic: str, partition: int, last: int) -> tuple[tuple[int, int, str], ...]:
    place = next(p for p in decode_positions(bundle[POSITIONS]) if (p.topic, p.partition) == (topic, partition))
    return tuple(one for one in place.others if one[1] <= last)


def test_another_history_of_the_same_length_does_not_extend_the_older_checkpoint(
    bundle: Bundle, stage: Stage, tmp_path: Path
) -> None:
    twin = memory_stage(tmp_path)  # other salts, so other leaves
    play(twin)
    error = refused(exported(twin, tmp_path / "b"), since=stage.parts.ledger.checkpoints(small.PROGRAMME)[0].note)
    assert "leads to root" in error.message


def test_a_swapped_rulebook_is_found(bundle: Bundle) -> None:
    path = next(name for name in bundle if name.startswith("rulebooks/"))
    swapped = {name: data for name, data in bundle.items() if name != path}
    other = "rulebooks/" + "0" * 64 + ".json"
    assert refused(summed({**bundle, path: bundle[path].replace(b"heat", b"heap")})).details["file"] == path
    assert refused(summed({**swapped, other: bundle[path]})).details["file"] in (path, other)
    assert refused(summed(swapped)).details["file"] == path


@pytest.mark.parametrize(
    "name",
    [
        "more.txt", "Checkpoint", "checkpoint ", "ｃheckpoint", "tile/0/001", "tile/entries/000.p/1", "tile/9/000",
        "rulebooks/x.json", "schemas/../checkpoint", "openings.ndjson.bak", ".checkpoint",
    ],
)  # fmt: skip
def test_a_file_that_a_bundle_does_not_have_is_refused_by_name(tiny: Bundle, name: str) -> None:
    error = refused(summed({**tiny, name: b"x"}), TINY)
    assert error.details["file"] == name


@pytest.mark.parametrize("path", [CHECKPOINT, OPENINGS, POSITIONS, DEPLOYMENT, SUMS, "tile/0/000.p/3", "README.txt"])
def test_a_missing_file_is_named(tiny: Bundle, path: str) -> None:
    files = {name: data for name, data in tiny.items() if name != path}
    assert refused(files, TINY).details["file"] == path


OPENING_TRAPS: dict[str, Callable[[bytes], bytes]] = {
    "a member twice": lambda line: line.replace(b'"index":0', b'"index":0,"index":0'),
    "another order": lambda line: b'{"index":0,' + line.removeprefix(b"{").replace(b'"index":0,', b""),
    "a space": lambda line: line.replace(b'"index":0', b'"index": 0'),
    "a number as a float": lambda line: line.replace(b'"index":0', b'"index":0.0'),
    "a huge number": lambda line: line.replace(b'"index":0', b'"index":' + b"9" * 400),
    "an unknown member": lambda line: line.replace(b'"index":0', b'"index":0,"more":1'),
    "an escaped letter": lambda line: line.replace(b'"key":"t', b'"key":"\\u0074'),
    "depth": lambda line: b"[" * 100_000 + b"\n",
    "an upper-case salt": lambda line: line.replace(b'"salt":"', b'"salt":"AB'),
    "base64 of what is text": lambda line: line.replace(b'"key":"tiny-cup"', b'"key_base64":"dGlueS1jdXA="'),
    "no LF at its end": lambda line: line[:-1],
}


@pytest.mark.parametrize("trap", OPENING_TRAPS)
def test_an_opening_has_one_spelling_and_is_refused_with(tiny: Bundle, trap: str) -> None:
    first, rest = tiny[OPENINGS].split(b"\n", 1)
    changed = OPENING_TRAPS[trap](first + b"\n") + (b"" if trap == "no LF at its end" else rest)
    assert refused(summed({**tiny, OPENINGS: changed}), TINY).details["file"] == OPENINGS


def test_an_opening_of_a_settlement_of_nothing_or_twice_is_refused(tiny: Bundle) -> None:
    lines = tiny[OPENINGS].split(b"\n")[:-1]
    for order in ([lines[0], *lines], [lines[1], lines[0], lines[2]], [*lines, lines[2].replace(b":2", b":7")]):
        files = summed({**tiny, OPENINGS: b"".join(line + b"\n" for line in order)})
        assert refused(files, TINY).details["file"] == OPENINGS


POSITION_TRAPS = {
    "a range too early": Place("scores", 1, 3, ((0, 1, "cup-1"),)),
    "a next too late": Place("scores", 1, 4, ()),
    "a next too early": Place("scores", 1, 2, ()),
    "a huge range": Place("scores", 1, 2**53 - 1, ((3, 2**53 - 2, "cup-1"),)),
    "its own name": Place("scores", 1, 4, ((3, 4, TINY),)),
    "another topic": Place("audits", 1, 3, ()),
    "another partition": Place("scores", 0, 3, ()),
}


@pytest.mark.parametrize("trap", POSITION_TRAPS)
def test_positions_are_refused_with(tiny: Bundle, trap: str) -> None:
    (true,) = decode_positions(tiny[POSITIONS])
    place = replace(POSITION_TRAPS[trap], partition=true.partition if trap != "another partition" else 9)
    start = time.monotonic()
    error = refused(summed({**tiny, POSITIONS: encode_positions([place])}), TINY)
    assert error.details["file"] == POSITIONS
    assert time.monotonic() - start < 5


def test_the_key_comes_from_the_auditor_and_not_from_the_bundle(bundle: Bundle) -> None:
    stranger = from_seed(key_of().name, b"\x09" * 32)
    mine = {**bundle, CHECKPOINT: stranger.sign_note(bundle[CHECKPOINT].split(b"\n\n")[0] + b"\n")}
    assert refused(summed(mine)).details["file"] == CHECKPOINT
    with pytest.raises(Tampered, match="no known key"):
        Audit(Files(Memory(bundle)), Trust(LOG_KEY.named("phasegate.example/other").verifier))


def test_an_office_that_the_auditor_does_not_know_cannot_have_spoken(bundle: Bundle) -> None:
    stranger = from_seed("office.phasegate.example", b"\x09" * 32).verifier
    with pytest.raises(Tampered, match="refused") as error:
        Audit(Files(Memory(bundle)), Trust(key_of(), (stranger,))).run()
    assert error.value.details["index"] == index_of(bundle, "programme.announced")


def cosigned(bundle: Bundle, *times: int) -> tuple[Bundle, list[Trust]]:
    text = bundle[CHECKPOINT].split(b"\n\n")[0] + b"\n"
    keys = [from_seed(f"witness.example/w{n}", bytes([20 + n]) * 32) for n in range(len(times))]
    note = bundle[CHECKPOINT] + b"".join(key.cosign(text, at) for key, at in zip(keys, times, strict=True))
    witnesses = tuple(key.witness for key in keys)
    trusts = [Trust(key_of(TINY), (), None, witnesses, quorum, 150) for quorum in range(len(times) + 1)]
    return summed({**bundle, CHECKPOINT: note}), trusts


def test_a_quorum_of_fresh_witnesses_is_asked_for(tiny: Bundle) -> None:
    files, trusts = cosigned(tiny, 100, 200, 300)

    def found(trust: Trust) -> Findings:
        return Audit(Files(Memory(files)), trust).run()

    assert [one.time_s for one in found(trusts[2]).cosigned] == [200, 300]
    assert found(trusts[2]).checked["cosignatures"] == 2
    with pytest.raises(Tampered, match="2 of 3"):
        found(trusts[3])
