"""A database that is brought back from a copy: the newest goes on, an older one is noticed by everything that would write, sign
or publish. On a real Kafka, with the databases' own tools.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from events.bus import Message
from events.envelope import Envelope
from events.names import TYPES
from events.note import format_vkey, open_checkpoint
from events.proofs import consistency_proof, verify_consistency
from events.rulebook import digest
from events.tiles import reading_tiles
from events.values import format_instant
from flows.office import message
from flows.sending import uuid7
from infra.clock import now_ms
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from infra.ledger.database import upgrade
from tests.console.conftest import Answer, Phasegate
from tests.support import small
from tests.support.backups import back_up, bring_back
from tests.support.deployment import environment
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN
from tests.support.witnesses import ONE, address, answering, witness

CUP = small.PROGRAMME
KEY = LOG_KEY.named(f"{ORIGIN}/{CUP}")

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Place:
    """A deployment whose recorder works when it is told to."""

    phasegate: Phasegate
    bus: KafkaBus
    url: str
    home: Path

    def tell(self, *names: str) -> None:
        publisher = self.bus.publisher()
        for name in names:
            data = {"entrant": name, "name": name, "members": []}
            publisher.publish([self.signed("entrant.registered", data)])
        publisher.close()

    def announce(self) -> None:
        document = small.rulebook()
        data: dict[str, Any] = {"rulebook": document, "digest": digest(document), "clock": "broker"}
        publisher = self.bus.publisher()
        publisher.publish([self.signed("programme.announced", data)])
        publisher.close()
        assert self.record().code == 0  # Before anything else: topics have no common order.

    def signed(self, name: str, data: dict[str, Any]) -> Message:
        said = Envelope(uuid7(now_ms()), small.OFFICE, f"phasegate.{name}.v1", CUP, format_instant(now_ms()), data)
        return message(TYPES[said.type].topics[0], said, OFFICE_KEY, None)

    def record(self) -> Answer:
        return self.phasegate("record", "--once", "--json", "-q")

    @property
    def size(self) -> int:
        with Ledger.open(self.url) as ledger:
            head = ledger.head(CUP)
        return 0 if head is None else head.size


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(
    request: pytest.FixtureRequest,
    kafka: TemporaryBroker,
    topic_prefix: str,
    phasegate: Phasegate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/ledger.sqlite" if is_file else request.getfixturevalue("postgres_database")
    upgrade(url)
    settings = environment(tmp_path, url, kafka.bootstrap)
    for name, value in (settings | {"PHASEGATE_PREFIX": topic_prefix, "PHASEGATE_PARTITIONS": "2"}).items():
        monkeypatch.setenv(name, value)
    bus = KafkaBus(kafka.bootstrap, topic_prefix, 2, "broker")
    bus.ensure_topics()
    yield Place(phasegate, bus, url, tmp_path)
    bus.close()


def test_an_older_copy_is_refused_by_all_that_write_and_the_newest_goes_on(place: Place, tmp_path: Path) -> None:
    older, newest = tmp_path / "older", tmp_path / "newest"
    place.announce()
    place.tell("ash")
    assert place.record().code == 0
    back_up(place.url, older)
    place.tell("birch")
    assert place.record().code == 0
    given = place.phasegate("checkpoint", CUP, "--json").data
    assert given["size"] == place.size == 3
    back_up(place.url, newest)

    bring_back(older, place.url)
    refused = place.record()
    assert (refused.code, refused.document["error"]["code"]) == (3, "tampered")
    assert "with 3 entries" in refused.document["error"]["message"]
    assert "not the newest copy" in refused.document["error"]["hint"]
    others = (("progress", CUP), ("serve",), ("checkpoint", CUP), ("prove", CUP, "0"), ("attest", CUP),
              ("export", CUP, "--out", tmp_path / "bundle"))  # fmt: skip
    assert {words[0]: place.phasegate(*words).code for words in others} == {words[0]: 3 for words in others}
    found = {one["name"]: one for one in place.phasegate("doctor", "--json").data["checks"]}
    assert found["copy"]["state"] == "failed"
    assert place.size == 2

    bring_back(newest, place.url)
    place.tell("cedar")
    assert place.record().code == 0
    assert place.phasegate("checkpoint", CUP, "--json").data["size"] == place.size == 4


def test_what_a_witness_has_seen_is_missed_where_the_home_was_lost_too(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newest = tmp_path / "older", tmp_path / "newest"
    place.announce()
    with answering(witness(tmp_path / "witness.sqlite", ONE, KEY)) as server:
        at = address(server)
        monkeypatch.setenv("PHASEGATE_WITNESSES", f"{at.url}#{format_vkey(at.key)}")
        assert place.phasegate("checkpoint", CUP).code == 0
        back_up(place.url, older)
        place.tell("ash")
        assert place.record().code == 0
        before = open_checkpoint(place.phasegate("checkpoint", CUP, "--json").data["note"].encode(), [KEY.verifier])
        back_up(place.url, newest)
        shutil.rmtree(place.home / "checkpoints")

        bring_back(older, place.url)
        refused = place.record()
        assert (refused.code, refused.document["error"]["code"]) == (3, "tampered")
        assert "has cosigned phasegate.example/small-cup with 2 entries" in refused.document["error"]["message"]
        assert place.phasegate("serve").code == 3
        assert place.size == 1

        bring_back(newest, place.url)
        place.tell("birch")
        assert place.record().code == 0
        after = place.phasegate("checkpoint", CUP, "--json").data
    assert after["size"] == 3
    with Ledger.open(place.url) as ledger:
        proof = consistency_proof(before.size, 3, reading_tiles(3, ledger.tiles(CUP).hashes))
    verify_consistency(before.size, 3, proof, before.root, bytes.fromhex(after["root"]))
