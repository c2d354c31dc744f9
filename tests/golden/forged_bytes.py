"""Forgeries of files: checkpoints, tiles, openings, and what lies beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from events.bundle import CHECKPOINT, OPENINGS, README, encode_opening
from events.note import Checkpoint, checkpoint_text
from infra.keys import from_seed
from tests.golden.forging import Attempt, Forger, with_data
from tests.support.bundles import checkpoint_of, summed
from tests.support.stage import LOG_KEY

WITNESSES = tuple(from_seed(f"witness.example/{name}", bytes([seed]) * 32) for name, seed in (("a", 21), ("b", 22)))
FRESH_S, STALE_S = 2_000_000_000, 1_000_000_000


def in_file(path: str, change: Callable[[bytes], bytes]) -> Callable[[Forger], Attempt]:
    """A file changed, with a sum that fits."""

    def make(forger: Forger) -> Attempt:
        files = forger.golden.files
        (found,) = [name for name in files if name.startswith(path)][:1]
        return Attempt(summed({**files, found: change(files[found])}))

    return make


def flipped(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def signed(forger: Forger, head: Checkpoint, by: str, seed: bytes | None = None) -> Attempt:
    key = LOG_KEY.named(by) if seed is None else from_seed(by, seed)
    return Attempt(summed({**forger.golden.files, CHECKPOINT: key.sign_note(checkpoint_text(head))}))


def by_another_key(forger: Forger) -> Attempt:
    head = checkpoint_of(forger.golden.files)
    return signed(forger, head, head.origin, b"\x0c" * 32)


def of_another_log(forger: Forger) -> Attempt:
    head = checkpoint_of(forger.golden.files)
    return signed(forger, replace(head, origin="phasegate.example/other-cup"), head.origin)


def broken_signature(forger: Forger) -> Attempt:
    note = forger.golden.files[CHECKPOINT]
    at = note.rindex(b" ") + 20
    letter = b"B" if note[at : at + 1] == b"A" else b"A"
    return Attempt(summed({**forger.golden.files, CHECKPOINT: note[:at] + letter + note[at + 1 :]}))


def cut_off(forger: Forger) -> Attempt:
    """An older state, right in itself, for somebody who holds a newer checkpoint."""
    size = forger.first("phase.opened") + 1
    forger.arrange(list(range(size)))
    ends = {(one.topic, one.partition): one.offset + 1 for one in forger.entries if one.of is None}
    forger.places = [
        replace(place, next=end, others=tuple(one for one in place.others if one[1] < end))
        for place in forger.places
        if (end := ends.get((place.topic, place.partition))) is not None
    ]
    newer = forger.golden.files[CHECKPOINT]
    files = forger.sealed()
    announced = {path: data for path, data in files.items() if not path.startswith("rulebooks/")}
    first = f"rulebooks/{forger.event(forger.first('programme.announced')).data['digest']}.json"
    return Attempt(summed({**announced, first: files[first]}), lambda trust: replace(trust, since=newer))


def rewritten(forger: Forger) -> Attempt:
    """The last record under another salt: nothing in the log contradicts it."""
    forger.reopen(max(forger.openings), salt=bytes(32))
    older = forger.golden.files[CHECKPOINT]
    return Attempt(forger.sealed(), lambda trust: replace(trust, since=older))


def cosigned(times: tuple[int, ...], over: bytes | None = None) -> Callable[[Forger], Attempt]:
    """By as many witnesses as there are times, where two are asked for that have signed lately."""

    def make(forger: Forger) -> Attempt:
        note = forger.golden.files[CHECKPOINT]
        text = checkpoint_text(checkpoint_of(forger.golden.files)) if over is None else over
        lines = b"".join(key.cosign(text, at) for key, at in zip(WITNESSES, times, strict=False))
        files = summed({**forger.golden.files, CHECKPOINT: note + lines})
        asked = tuple(key.witness for key in WITNESSES)
        return Attempt(files, lambda trust: replace(trust, witnesses=asked, quorum=2, fresh_since_s=FRESH_S))

    return make


def change_score(forger: Forger) -> None:
    index = forger.first("score.recorded")
    forger.say(index, with_data(forger.event(index), value="1"))


def score_changed_unsigned(forger: Forger) -> Attempt:
    change_score(forger)
    return Attempt(forger.unsigned())


def opening_changed(forger: Forger) -> Attempt:
    """The record alone: the entry still commits to the old one."""
    index = forger.first("score.recorded")
    value = forger.openings[index].value
    assert value is not None
    forger.openings[index] = replace(forger.openings[index], value=value.replace(b'"value":"', b'"value":"1'))
    return with_openings(forger)


def opening_of_another(forger: Forger) -> Attempt:
    one, other = forger.first("score.recorded"), forger.first("score.recorded", nth=1)
    forger.openings[one] = forger.openings[other]
    return with_openings(forger)


def settlement_opened(forger: Forger) -> Attempt:
    forger.openings[forger.settlement()] = forger.openings[0]
    return with_openings(forger)


def opening_of_none(forger: Forger) -> Attempt:
    forger.openings[len(forger.entries)] = forger.openings[0]
    return with_openings(forger)


def opening_missing(forger: Forger) -> Attempt:
    del forger.openings[forger.first("score.recorded")]
    return with_openings(forger)


def with_openings(forger: Forger) -> Attempt:
    lines = b"".join(encode_opening(index, opening) for index, opening in sorted(forger.openings.items()))
    return Attempt(summed({**forger.golden.files, OPENINGS: lines}))


def without(path: str) -> Callable[[Forger], Attempt]:
    def make(forger: Forger) -> Attempt:
        return Attempt(summed({name: data for name, data in forger.golden.files.items() if not name.startswith(path)}))

    return make


def more(path: str) -> Callable[[Forger], Attempt]:
    return lambda forger: Attempt(summed({**forger.golden.files, path: b"{}"}))


def readme_alone(forger: Forger) -> Attempt:
    return Attempt({**forger.golden.files, README: b"Trust me.\n"})
