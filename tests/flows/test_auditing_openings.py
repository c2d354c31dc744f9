"""Reading a whole log as an auditor: in bounded memory, and each opening in its one form."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import orjson
import pytest

from events.bundle import OPENINGS
from events.bus import Message
from events.errors import Tampered
from flows.audit_report import Trust
from flows.auditing import Audit
from infra.bundle.reading import open_bundle
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.contracts.ledger import Writing
from tests.support.bundles import audit, export_to, exported, key_of, summed
from tests.support.stage import OFFICE_KEY, memory_stage


def test_the_memory_of_an_audit_of_the_log_alone_does_not_grow_with_the_log(tmp_path: Path) -> None:
    """Four times the entries and openings, and the same peak, but for the names of their files."""
    peaks = []
    for size in (1_500, 6_000):
        folder = tmp_path / str(size)
        folder.mkdir()
        upgrade(url := f"sqlite:///{folder}/l.sqlite")
        log = Writing("p")
        with Ledger.open(url) as ledger:
            ledger.append(log.batch(*[log.first(value=b"x" * 2_000) for _ in range(size)]))
            place = export_to(ledger, folder / "b", 4, "p")
        tracemalloc.start()
        with open_bundle(place) as files:
            found = Audit(files, Trust(key_of("p"), (OFFICE_KEY.verifier,)), judges=False).run()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found.checked["openings"] == found.checked["entries"] == size
        assert [told for told in found.not_checked if "nobody asked" in told]
    assert peaks[1] < peaks[0] + 300_000, peaks


def test_an_opening_whose_members_are_of_another_kind_is_refused(tmp_path: Path) -> None:
    stage = memory_stage(tmp_path)
    stage.send([Message("scores", b"tiny-cup", b"{}", (), 0)])
    stage.record()
    bundle = exported(stage, tmp_path / "kinds", "tiny-cup")
    assert audit(bundle, "tiny-cup").checked["openings"] == 1
    first, _, rest = bundle[OPENINGS].partition(b"\n")
    document = orjson.loads(first)
    for name, value in (("key", 5), ("value", []), ("headers", None), ("salt", 1), ("index", True), ("index", 0.0)):
        line = orjson.dumps({**document, name: value}, option=orjson.OPT_SORT_KEYS)
        with pytest.raises(Tampered):
            audit(summed({**bundle, OPENINGS: line + b"\n" + rest}), "tiny-cup")
    loud = {**document, "salt": document["salt"].upper()}
    with pytest.raises(Tampered):
        audit(summed({**bundle, OPENINGS: orjson.dumps(loud, option=orjson.OPT_SORT_KEYS) + b"\n" + rest}), "tiny-cup")
