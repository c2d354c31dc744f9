"""A log that a recorder opens again, while much of it pends."""

from __future__ import annotations

from pathlib import Path

import pytest

from events.entry import decode_entry
from flows.open_logs import OpenLogs
from infra.ledger import Ledger
from tests.support import small
from tests.support.stage import ORIGIN, memory_stage


def test_what_pends_is_known_again_without_a_look_at_each_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = memory_stage(tmp_path)
    on.tell(small.announced(), *small.beginnings(), *small.submissions(), *small.scores())  # Its phase is not open yet.
    looks, read = [0], Ledger.read

    def counted(ledger: Ledger, *arguments: object, **options: object) -> object:
        looks[0] += 1
        return read(ledger, *arguments, **options)  # type: ignore[arg-type]  # as they were given

    monkeypatch.setattr(Ledger, "read", counted)
    opened = OpenLogs(on.parts.ledger, on.parts.deployment, ORIGIN).get(small.PROGRAMME)
    assert len(opened.state.waiting) >= 10
    assert looks == [2]
    entries = {row.index: decode_entry(row.entry).commitment for row in on.parts.ledger.read(small.PROGRAMME)}
    assert opened.commitments == {index: entries[index] for index in opened.state.waiting}
