"""An attestation in a bundle is held against the bundle's own tree, also where marks are withheld."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from events.derived import attestor_source
from events.entry import decode_entry
from events.errors import Tampered
from flows.attesting import TOPIC
from flows.audit_attestations import Attestations
from flows.exporting import Exporter, View
from flows.office import message
from handlers.decide import decision_id
from handlers.disclosure import to_everybody
from infra.bundle.writing import DirectoryWriter
from tests.support import small
from tests.support.attesting import AUDITOR, AUDITOR_KEY, play_with_auditor
from tests.support.bundles import Bundle, audit, exported, key_of, loaded
from tests.support.stage import OFFICE_KEY, Stage, memory_stage

DECISION = decision_id(small.PROGRAMME, "heat")
ATTESTOR = attestor_source(small.PROGRAMME)


@pytest.fixture
def on(tmp_path: Path) -> Stage:
    stage = memory_stage(tmp_path)
    play_with_auditor(stage)
    return stage


def attest(on: Stage, source: str, *, size: int, root: str | None = None) -> None:
    right = on.way.reader.root(small.PROGRAMME, min(size, on.way.state.size)).hex()
    data: dict[str, Any] = {"decision": DECISION, "size": size, "root": root or right, "result": "identical"}
    said = small.event("replay.attested", f"{source}-{size}", source, small.OPENS + 40 * small.DAY, **data)
    key = AUDITOR_KEY if source == AUDITOR else OFFICE_KEY
    on.send([message(TOPIC, said, key, small.OPENS + 40 * small.DAY)])
    on.record()
    assert source in on.way.state.phases["heat"].decisions[DECISION].attested


def public(on: Stage, place: Path) -> Bundle:
    exported(on, place / "whole")
    head = on.parts.ledger.head(small.PROGRAMME)
    assert head is not None
    exporter = Exporter(on.parts.ledger, on.parts.bus.partitions, {OFFICE_KEY.kid: OFFICE_KEY.public}, (key_of(),))
    return loaded(exporter.export(head, DirectoryWriter(place / "part"), View("public", to_everybody("none"))).path)


@pytest.mark.parametrize("view", [lambda on, place: exported(on, place / "whole"), public], ids=["whole", "public"])
def test_those_of_this_log_are_counted_and_told(on: Stage, tmp_path: Path, view: Any) -> None:
    attest(on, ATTESTOR, size=20)
    attest(on, AUDITOR, size=on.way.state.size)
    found = audit(view(on, tmp_path))
    assert [(one.source, one.is_of_this_log) for one in found.attested] == [(ATTESTOR, True), (AUDITOR, True)]
    assert found.checked["attestations"] == 2


@pytest.mark.parametrize(("size", "root"), [(20, "ab" * 32), (10_000, None)], ids=["other root", "of the future"])
def test_one_of_another_log_is_told_and_is_no_fault_of_this_one(
    on: Stage, tmp_path: Path, size: int, root: str | None
) -> None:
    attest(on, AUDITOR, size=size, root=root)
    found = audit(exported(on, tmp_path / "bundle"))
    assert [one.is_of_this_log for one in found.attested] == [False]
    assert found.checked["attestations"] == 0


def test_the_attestor_of_the_programme_cannot_speak_of_another_log(on: Stage, tmp_path: Path) -> None:
    attest(on, ATTESTOR, size=20, root="ab" * 32)
    with pytest.raises(Tampered, match="attests root abab"):
        audit(exported(on, tmp_path / "bundle"))


def test_in_a_rebuilt_log_the_attestor_may_have_spoken_of_the_log_before(on: Stage) -> None:
    """What it said is told as not of this log. In a log that was never rebuilt it would be a forgery."""
    attest(on, ATTESTOR, size=20, root="ab" * 32)
    size = on.way.state.size
    stored = next(iter(on.parts.ledger.read(small.PROGRAMME, size - 1, size)))
    for origin, is_fault in (("phasegate.example", True), ("phasegate.example/rebuilt-0123456789ab", False)):
        attestations = Attestations(small.PROGRAMME, f"{origin}/{small.PROGRAMME}")
        attestations.saw(decode_entry(stored.entry), stored.opening)
        with pytest.raises(Tampered) if is_fault else nullcontext():
            assert [one.is_of_this_log for one in attestations.checked(zeros)] == [False]


def zeros(wanted: Sequence[tuple[int, int]]) -> list[bytes]:
    """A tree of nothing but zeros."""
    return [bytes(32) for _ in wanted]
