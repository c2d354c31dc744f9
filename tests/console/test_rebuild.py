"""`phasegate rebuild` on a real Kafka: a new ledger from the records alone, and what it finds in the old one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, TopicPartition

from events.record import partition_for
from flows import recorder as recording
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.ledger import Ledger
from tests.console.conftest import Phasegate
from tests.support import small
from tests.support.deployment import environment
from tests.support.shared import both_on, keyless, verdicts
from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN, Stage, memory_stage

pytestmark = [pytest.mark.kafka]

PARTITIONS = 3
HOME = partition_for(small.PROGRAMME.encode(), PARTITIONS)


@dataclass
class Office:
    """What there is before anything is rebuilt, and the command line on it."""

    stage: Stage
    other: str
    kafka: str
    folder: Path
    phasegate: Phasegate
    patch: pytest.MonkeyPatch

    def url(self, name: str) -> str:
        return f"sqlite:///{self.folder}/{name}.sqlite"

    def rebuild(self, *words: str, into: str = "new") -> Any:
        return self.phasegate("rebuild", "--into", self.url(into), "--json", *words)

    def doctor(self, *statements: str) -> None:
        """Changes the old ledger at rest, with all rights."""
        with closing(sqlite3.connect(self.folder / "old.sqlite")) as database, database:
            for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                database.execute(f"DROP TRIGGER {trigger}")
            for statement in statements:
                assert database.execute(statement).rowcount == 1, statement


@pytest.fixture(scope="module")
def played(
    kafka: TemporaryBroker, _prefixes: Iterator[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stage, str, Path]]:
    """Two programmes on Kafka and in a ledger, for tests that change neither; the ledger's file."""
    folder = tmp_path_factory.mktemp("played")
    bus = KafkaBus(kafka.bootstrap, next(_prefixes), PARTITIONS, "scenario")
    stage, other = both_on(bus, f"sqlite:///{folder}/old.sqlite")
    yield stage, other, folder / "old.sqlite"
    stage.parts.close()


@pytest.fixture
def office(
    played: tuple[Stage, str, Path], kafka: TemporaryBroker, tmp_path: Path, phasegate: Phasegate,
    monkeypatch: pytest.MonkeyPatch,
) -> Office:  # fmt: skip
    """With a copy of the ledger that was played."""
    stage, other, file = played
    with closing(sqlite3.connect(file)) as kept, closing(sqlite3.connect(tmp_path / "old.sqlite")) as copy:
        kept.backup(copy)
    return begun(Office(stage, other, kafka.bootstrap, tmp_path, phasegate, monkeypatch))


@pytest.fixture
def changing(
    kafka: TemporaryBroker, topic_prefix: str, tmp_path: Path, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """With topics of its own."""
    bus = KafkaBus(kafka.bootstrap, topic_prefix, PARTITIONS, "scenario")
    stage, other = both_on(bus, f"sqlite:///{tmp_path}/old.sqlite")
    yield begun(Office(stage, other, kafka.bootstrap, tmp_path, phasegate, monkeypatch))
    stage.parts.close()


def begun(office: Office) -> Office:
    own = environment(office.folder, office.url("old"), office.kafka)
    own |= {"PHASEGATE_PREFIX": office.stage.parts.bus.prefix, "PHASEGATE_PARTITIONS": str(PARTITIONS)}
    for name, value in own.items():
        if name.startswith("PHASEGATE_"):
            office.patch.setenv(name, value)
    return office


def test_a_ledger_is_made_again_from_kafka_alone_and_says_the_same(office: Office) -> None:
    answer = office.rebuild()
    assert answer.code == 0, answer.out + answer.err
    records = sum(office.stage.parts.bus.ends().values())
    assert verdicts(answer.data) == (records, records, 0)
    assert (answer.data["decisions"]["checked"], answer.data["decisions"]["different"]) == (29, 0)
    assert answer.data["earlier_log"] == 5  # three assessments, the decision, and the closing
    names = [row["programme"] for row in answer.data["logs"]]
    assert set(names) == {
        small.PROGRAMME,
        office.other,
        *(f"unrouted/{topic}/{HOME}" for topic in ("scores", "audits", "decisions")),
    }
    one = office.rebuild(small.PROGRAMME, into="one")
    assert one.code == 0
    assert 0 < one.data["verdicts"]["checked"] < records
    assert one.data["origin"] != answer.data["origin"]
    shown = office.phasegate("rebuild", "--into", office.url("shown")).out
    assert f"{records} checked, {records} identical, 0 different" in shown
    assert "PHASEGATE_ORIGIN=phasegate.example/rebuilt-" in shown


def test_a_rebuilt_ledger_is_carried_on_under_its_own_name_and_replays_and_verifies(changing: Office) -> None:
    origin = changing.rebuild().data["origin"]
    refused = changing.phasegate("record", "--once", "--database", changing.url("new"))
    assert (refused.code, f"PHASEGATE_ORIGIN={origin}" in refused.err) == (6, True)
    changing.patch.setenv("PHASEGATE_ORIGIN", origin)
    changing.patch.setenv("PHASEGATE_DATABASE", changing.url("new"))
    changing.stage.send([keyless("scores", HOME), keyless("scores", HOME)])
    recorded = changing.phasegate("record", "--once", "--json")
    assert (recorded.code, recorded.data["records"]) == (0, 2)
    replayed = changing.phasegate("replay", small.PROGRAMME, "--json")
    assert (replayed.code, replayed.data["earlier_log"], replayed.data["checkpoint"]["origin"]) == (
        0, 5, f"{origin}/{small.PROGRAMME}"
    )  # fmt: skip
    bundle = changing.phasegate("export", small.PROGRAMME, "--out", changing.folder / "bundle", "--json")
    office_key = ("--office", OFFICE_KEY.vkey)
    verified = changing.phasegate("verify", bundle.data["path"], "--vkey", bundle.data["vkey"], *office_key, "--json")
    assert verified.code == 0, verified.out
    assert verified.data["checked"]["decisions"] == 29
    assert any("made again from" in sentence for sentence in verified.data["not_checked"])
    old = LOG_KEY.named(f"{ORIGIN}/{small.PROGRAMME}").vkey
    assert changing.phasegate("verify", bundle.data["path"], "--vkey", old).code == 3
    assert changing.rebuild(into="third").code == 0  # a rebuilt ledger is rebuilt like any other


def test_a_mark_changed_at_rest_is_named_with_its_place_and_both_values(office: Office) -> None:
    where = "WHERE CAST(value AS TEXT) LIKE '%score-ash-size-bench%'"
    office.doctor(f"UPDATE openings SET value = CAST(replace(value, '\"80.5\"', '\"99.5\"') AS BLOB) {where}")
    answer = office.rebuild()
    assert (answer.code, answer.document["error"]["code"]) == (4, "replay-differs")
    assert answer.data["verdicts"]["different"] == 1
    first = answer.data["first_difference"]
    assert (first["programme"], first["member"]) == (small.PROGRAMME, "value")
    assert first["position"].startswith(f"scores/{HOME}/")
    assert ('"80.5"' in first["expected"], '"99.5"' in first["found"]) == (True, True)
    assert first["position"] in answer.document["error"]["message"]
    assert office.rebuild(office.other, into="other").code == 0


def test_what_a_record_held_and_is_not_there_any_more_is_named(office: Office) -> None:
    office.doctor("DELETE FROM openings WHERE CAST(value AS TEXT) LIKE '%score-ash-size-bench%'")
    first = office.rebuild().data["first_difference"]
    assert (first["member"], first["expected"], first["found"]) == ("content", "there", "none")


def test_a_record_that_was_left_out_and_one_that_was_put_in_are_named(office: Office) -> None:
    index = "(SELECT \"index\" FROM openings WHERE CAST(value AS TEXT) LIKE '%score-birch-art-ben%' LIMIT 1)"
    log = f"log_id = (SELECT id FROM logs WHERE programme = '{small.PROGRAMME}')"
    office.doctor(f'DELETE FROM entries WHERE {log} AND "index" = {index}')
    answer = office.rebuild()
    assert (answer.code, answer.data["verdicts"]["different"]) == (4, 1)
    first = answer.data["first_difference"]
    assert (first["member"], first["found"]) == ("entry", "no entry")
    office.doctor('UPDATE entries SET "offset" = 4000 WHERE topic = \'audits\' AND "offset" = 0')
    assert office.rebuild(into="again").data["verdicts"]["different"] >= 2


def test_a_verdict_that_was_turned_is_named(office: Office) -> None:
    """As by somebody who wrote the whole log anew: everything in it fits, but for what Kafka's records give."""
    office.doctor(
        'UPDATE entries SET entry = CAST(replace(entry, \'"type":"phasegate.score.recorded.v1","verdict":"accepted"\','
        ' \'"type":"phasegate.score.recorded.v1","verdict":"duplicate"\') AS BLOB)'
        f' WHERE topic = \'scores\' AND "offset" = 10 AND "partition" = {HOME}'
    )
    first = office.rebuild().data["first_difference"]
    assert (first["member"], first["expected"], first["found"]) == ("verdict", "accepted", "duplicate")


def test_where_kafka_has_deleted_its_beginning_nothing_is_made_and_it_is_said(changing: Office) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=changing.kafka)) as admin:
        admin.delete_records({TopicPartition(f"{changing.stage.parts.bus.prefix}.scores", HOME): 3})
    answer = changing.rebuild()
    assert (answer.code, answer.document["error"]["code"]) == (8, "incomplete")
    assert answer.data["missing"] == [{"topic": "scores", "partition": HOME, "from": 0, "to": 3, "deleted": True}]
    assert not (changing.folder / "new.sqlite").exists()
    assert f"scores/{HOME} offsets 0 to 2" in changing.phasegate("rebuild", "--into", changing.url("new")).out


def test_records_that_only_the_old_ledger_has_are_incomplete_too(office: Office) -> None:
    """Kafka lost its end, or is another Kafka: the old ledger is not taken for wrong."""
    with closing(Ledger.open(office.url("old"))) as old:
        ends = {**office.stage.parts.bus.ends(), ("audits", HOME): 2}
        office.patch.setattr(KafkaBus, "ends", lambda _bus: ends)
        stop = old.positions([("audits", HOME)])["audits", HOME]
    answer = office.rebuild()
    assert answer.code == 8
    assert answer.data["missing"] == [{"topic": "audits", "partition": HOME, "from": 2, "to": stop, "deleted": False}]


def test_what_came_after_the_old_ledger_is_recorded_and_not_compared(changing: Office) -> None:
    """The recorder of the old ledger may be running, or long gone."""
    before = sum(changing.stage.parts.bus.ends().values())
    changing.stage.send([keyless("scores", HOME), keyless("audits", HOME)])
    answer = changing.rebuild()
    assert (answer.code, answer.data["later"], answer.data["verdicts"]["checked"]) == (0, 2, before)
    with closing(Ledger.open(changing.url("new"))) as new:
        assert new.positions(changing.stage.parts.bus.ends()) == changing.stage.parts.bus.ends()


def test_an_interrupted_rebuild_is_taken_up_where_it_was(office: Office) -> None:
    append, calls = Ledger.append, []

    def interrupted(ledger: Ledger, batch: Any) -> None:
        calls.append(batch)
        if len(calls) == 4:
            raise KeyboardInterrupt
        append(ledger, batch)

    with office.patch.context() as patch:
        patch.setattr(recording, "BATCH_MAX", 5)
        patch.setattr(Ledger, "append", interrupted)
        assert office.rebuild().code == 130
    with closing(Ledger.open(office.url("new"))) as half:
        origin = half.heads()[0].origin
        assert sum(half.positions(office.stage.parts.bus.ends()).values()) == 15
    answer = office.rebuild()
    assert (answer.code, answer.data["verdicts"]["different"]) == (0, 0)
    assert origin.startswith(answer.data["origin"])
    assert answer.data["verdicts"]["checked"] == sum(office.stage.parts.bus.ends().values())


def test_a_database_with_something_else_in_it_is_refused(office: Office) -> None:
    (office.folder / "else").mkdir()
    elsewhere = memory_stage(office.folder / "else")
    elsewhere.tell(small.announced())
    elsewhere.parts.close()
    assert office.rebuild(into="else/ledger").code == 6
    assert office.rebuild(into="old").code == 2
    assert office.rebuild(into="../" + office.folder.name + "/old").code == 2
    origin = office.rebuild().data["origin"]
    with closing(Ledger.open(office.url("new"))) as new:
        new.sign(small.PROGRAMME, LOG_KEY.named(f"{origin}/{small.PROGRAMME}"))
    assert "in use" in office.rebuild().document["error"]["message"]


def test_where_the_old_ledger_is_lost_it_is_said_that_nothing_was_compared(office: Office) -> None:
    office.patch.setenv("PHASEGATE_DATABASE", office.url("lost"))
    answer = office.rebuild()
    assert (answer.code, answer.data["compared_with"], answer.data["verdicts"]) == (0, None, None)
    assert "compared with nothing" in answer.document["warnings"][0]
    assert answer.data["decisions"]["identical"] == 29
    with closing(Ledger.open(office.url("new"))) as new:
        stream = new.stream()
        assert (stream.prefix, stream.clock) == (office.stage.parts.bus.prefix, "scenario")  # type: ignore[union-attr]
    office.phasegate("db", "upgrade")
    empty = office.rebuild(into="second")
    assert (empty.code, empty.data["compared_with"]) == (0, None)
    assert "is empty" in empty.document["warnings"][0]


def test_the_group_of_the_recorder_is_not_touched(office: Office) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=office.kafka)) as admin:
        before = admin.list_group_offsets(recording.GROUP)
        assert office.rebuild().code == 0
        assert admin.list_group_offsets(recording.GROUP) == before
