"""Names of logs: a ledger made again never has the name of the one before."""

from __future__ import annotations

import pytest

from events.origins import first_origin, is_other_history, is_rebuilt, origin_of, programme_of, rebuilt_origin

AGAIN, OTHER = rebuilt_origin("a.example", bytes(6)), rebuilt_origin("a.example", b"\1" * 6)


def test_a_rebuilt_ledger_has_a_name_of_its_own_and_so_has_one_rebuilt_from_it() -> None:
    assert AGAIN == "a.example/rebuilt-000000000000"
    assert (is_rebuilt(AGAIN), is_rebuilt("a.example"), is_rebuilt("a.example/rebuilt-0")) == (True, False, False)
    assert rebuilt_origin(AGAIN, b"\1" * 6) == OTHER
    assert first_origin(OTHER) == first_origin("a.example") == "a.example"


@pytest.mark.parametrize("programme", ["cup", "unrouted/scores/3"])
def test_the_origin_is_what_stands_before_the_programme(programme: str) -> None:
    assert origin_of(f"{AGAIN}/{programme}", programme) == AGAIN
    assert programme_of(f"{AGAIN}/{programme}") == programme
    assert origin_of("cup", programme) == origin_of(f"x{programme}", programme) == ""


@pytest.mark.parametrize(
    ("log", "other", "is_other"),
    [
        (f"{AGAIN}/cup", "a.example/cup", True),
        (f"{AGAIN}/cup", f"{OTHER}/cup", True),
        (f"{AGAIN}/cup", f"{AGAIN}/cup", False),
        (f"{AGAIN}/cup", "a.example/mug", False),
        (f"{AGAIN}/cup", "b.example/cup", False),
        (f"{AGAIN}/cup", None, False),
        ("a.example/cup", f"{AGAIN}/cup", False),
        ("a.example/cup", "b.example/cup", False),
        ("cup", "a.example/cup", False),
    ],
)
def test_only_a_rebuilt_log_has_a_history_under_another_name(log: str, other: object, is_other: bool) -> None:
    assert is_other_history(log, other, "cup") is is_other
