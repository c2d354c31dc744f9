"""What the soak calls flat."""

from __future__ import annotations

from tests.endurance.samples import Minute, slopes


def minutes(memory: list[float], handles: list[int]) -> list[Minute]:
    return [
        Minute(number, 500.0, [0.0], {"record": mb}, {"record": count}, {}, {"record": 0.1}, 0, 1.0)
        for number, (mb, count) in enumerate(zip(memory, handles, strict=True), 1)
    ]


def test_what_grew_at_first_and_then_stayed_is_flat_whatever_one_minute_says() -> None:
    rows = minutes([float(min(number, 30) * 10) for number in range(60)], [17] * 59 + [900])
    assert [one.is_flat for one in slopes(rows)] == [True, True]


def test_what_grows_a_little_each_minute_is_not_flat() -> None:
    memory, handles = slopes(minutes([300 + number / 2 for number in range(60)], list(range(17, 77))))
    assert (round(memory.per_hour, 1), memory.is_flat) == (30.0, False)
    assert (round(handles.per_hour, 1), handles.is_flat) == (60.0, False)
    assert "NOT FLAT: memory of record: +30.0 MB per hour" in memory.line()
