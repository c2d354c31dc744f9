"""The order drawn for an evaluator: a permutation, the same for everybody who computes it, and not to be foreseen."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.marking_order import DOMAIN, Seed, drawn, lot, seed_of, seed_size
from tests.support.long_stages import at

IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,12}", fullmatch=True)
SEEDS = st.builds(Seed, st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32).map(bytes.hex), IDS)
MANY = settings(max_examples=100, deadline=None)
SEED = Seed(bytes(32), "ab" * 32, "heat")


@MANY
@given(SEEDS, IDS, st.lists(IDS, unique=True, max_size=12), st.randoms(use_true_random=False))
def test_it_has_everybody_once_in_whatever_order_they_are_named(
    seed: Seed, evaluator: str, entrants: list[str], random: Random
) -> None:
    found = drawn(seed, evaluator, entrants)
    assert sorted(found) == sorted(entrants)
    random.shuffle(entrants)
    assert drawn(seed, evaluator, entrants) == found


@MANY
@given(SEEDS, IDS, st.lists(IDS, unique=True, min_size=2, max_size=12), st.data())
def test_who_is_left_out_moves_nobody_else(
    seed: Seed, evaluator: str, entrants: list[str], data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(entrants))
    rest = [name for name in entrants if name != gone]
    assert list(drawn(seed, evaluator, rest)) == [name for name in drawn(seed, evaluator, entrants) if name != gone]


@MANY
@given(SEEDS, IDS, IDS)
def test_every_part_of_what_is_drawn_from_changes_the_lot(seed: Seed, evaluator: str, entrant: str) -> None:
    root = bytes([seed.root[0] ^ 1]) + seed.root[1:]
    found = {
        lot(seed, evaluator, entrant),
        lot(replace(seed, root=root), evaluator, entrant),
        lot(replace(seed, rulebook="0" + seed.rulebook), evaluator, entrant),
        lot(replace(seed, phase=seed.phase + "x"), evaluator, entrant),
        lot(seed, evaluator + "x", entrant),
        lot(seed, evaluator, entrant + "x"),
    }
    assert len(found) == 6


def test_the_lot_is_what_a_shell_computes_from_six_lines() -> None:
    lines = f"{DOMAIN}\n{'00' * 32}\n{'ab' * 32}\nheat\nann\nash\n"
    assert lot(SEED, "ann", "ash") == hashlib.sha256(lines.encode()).hexdigest()
    assert DOMAIN == "phasegate marking order v1"


def test_every_order_comes_up_about_as_often_and_evaluators_differ() -> None:
    """3,000 evaluators, three entrants: each of the six orders is expected 500 times, with a deviation of about 20."""
    found = Counter(drawn(SEED, f"judge-{n}", ("ash", "birch", "cedar")) for n in range(3000))
    assert len(found) == 6
    assert all(400 < count < 600 for count in found.values()), found


def test_it_is_drawn_from_the_log_that_ends_with_the_opening() -> None:
    log = at("handed-in")
    phase = log.state.phases["heat"]
    assert seed_size(phase) == phase.opened.index + 1
    assert seed_of(phase, bytes(32)) == Seed(bytes(32), log.state.digest, "heat")
