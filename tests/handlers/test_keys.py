"""Keys that change: from an instant on, on each topic from its own record on, whatever the order among topics."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from random import Random

import pytest

from events.derived import log_source, pipeline_source
from events.envelope import Envelope
from events.record import TOPICS, Record
from events.values import format_instant
from flows.office import message
from infra.keys import SigningKey, from_seed
from tests.support import small
from tests.support.log import DEPLOYMENT, PARTITION, Log, record_of
from tests.support.stage import OFFICE_KEY

ANN = "urn:jury:ann"
PIPELINE = pipeline_source(small.PROGRAMME)
AT = small.OPENS + 15 * small.DAY
FIRST, SECOND, THIRD = (from_seed(f"ann-{seed}", bytes([seed]) * 32) for seed in (1, 2, 3))
NEW_OFFICE = from_seed("office-2", b"\x31" * 32)


def rulebook() -> dict[str, object]:
    document = small.rulebook()
    for source in document["sources"]:
        if source["source"] == ANN:
            source |= {"signs": "true", "keys": [FIRST.vkey]}
    return document


def opened() -> Log:
    """Ann signs with a key of her own; the phase takes marks."""
    log = Log()
    log.tell(small.announced(rulebook()), *small.beginnings())
    log.progress(small.OPENS + 1)
    log.tell(*small.submissions())
    log.progress(small.DEADLINES["submissions"] + 1)
    return log


def change(name: str, key: SigningKey, from_ms: int, at_ms: int, source: str = ANN) -> Envelope:
    data = {"source": source, "key": key.vkey, "from": format_instant(from_ms), "reason": "Yearly."}
    return small.event(name, f"{name}-{key.name}-{source}-{from_ms}", small.OFFICE, at_ms, **data)


def signed(said: Envelope, key: SigningKey | None, at_ms: int, topic: str = "scores") -> Record:
    sent = message(topic, said, key, at_ms)
    return Record(topic, PARTITION, -1, at_ms, "producer", sent.key, sent.headers, sent.value)


def everywhere(said: Envelope, at_ms: int, key: SigningKey = OFFICE_KEY) -> list[Record]:
    return [signed(said, key, at_ms, topic) for topic in TOPICS]


def marked(team: str, at_ms: int, key: SigningKey | None) -> Record:
    data = {"phase": "heat", "entrant": team, "criterion": "jury", "item": "art", "evaluator": "ann", "value": "30"}
    return signed(small.event("score.recorded", f"mark-{team}-{at_ms}", ANN, at_ms, **data), key, at_ms)


def verdicts(log: Log, *records: Record) -> list[tuple[str, str | None]]:
    start = len(log.records)
    log.tell(*records)
    told, outcomes = log.records[start:], log.outcomes()
    return [outcomes[record.topic, record.offset] for record in told]


ACCEPTED, INVALID = ("accepted", None), ("refused", "signature-invalid")


def test_from_the_instant_on_only_the_new_key_counts_and_before_it_only_the_old() -> None:
    log = opened()
    assert verdicts(log, *everywhere(change("key.rotated", SECOND, AT + 1000, AT), AT)) == [ACCEPTED] * 4
    assert verdicts(log, marked("ash", AT + 998, SECOND), marked("ash", AT + 999, FIRST)) == [INVALID, ACCEPTED]
    assert verdicts(log, marked("birch", AT + 1000, FIRST), marked("birch", AT + 1000, SECOND)) == [INVALID, ACCEPTED]


def test_a_change_counts_for_what_stands_behind_it_in_its_own_topic() -> None:
    log = opened()
    told = change("key.rotated", SECOND, AT, AT + 5)
    decisions = [record for record in everywhere(told, AT + 5) if record.topic != "scores"]
    assert verdicts(log, *decisions, marked("ash", AT + 6, FIRST)) == [*[ACCEPTED] * 3, ACCEPTED]
    scores = [record for record in everywhere(told, AT + 5) if record.topic == "scores"]
    assert verdicts(log, *scores, marked("birch", AT + 6, FIRST)) == [ACCEPTED, INVALID]


def test_a_revoked_key_verifies_nothing_any_more_and_never_returns() -> None:
    log = opened()
    assert verdicts(log, *everywhere(change("key.revoked", FIRST, AT, AT), AT)) == [ACCEPTED] * 4
    assert verdicts(log, marked("ash", AT, FIRST)) == [INVALID]
    back = verdicts(log, *everywhere(change("key.rotated", FIRST, AT + 2, AT + 1), AT + 1))
    assert back == [("refused", "illegal-transition")] * 4
    verdicts(log, *everywhere(change("key.rotated", SECOND, AT + 2, AT + 1), AT + 1))
    assert verdicts(log, marked("ash", AT + 2, SECOND)) == [ACCEPTED]


def test_a_key_that_is_revoked_before_its_rotation_is_due_never_counts() -> None:
    log = opened()
    verdicts(log, *everywhere(change("key.rotated", SECOND, AT + 100, AT), AT))
    verdicts(log, *everywhere(change("key.revoked", SECOND, AT + 50, AT + 1), AT + 1))
    assert verdicts(log, marked("ash", AT + 99, FIRST)) == [ACCEPTED]
    assert verdicts(log, marked("birch", AT + 100, SECOND), marked("birch", AT + 100, FIRST)) == [INVALID, INVALID]


def test_which_rotation_is_the_latest_its_from_says() -> None:
    log = opened()
    verdicts(log, *everywhere(change("key.rotated", SECOND, AT + 100, AT), AT))
    verdicts(log, *everywhere(change("key.rotated", THIRD, AT + 50, AT + 1), AT + 1))
    assert verdicts(log, marked("ash", AT + 60, THIRD), marked("birch", AT + 100, THIRD)) == [ACCEPTED, INVALID]
    assert verdicts(log, marked("birch", AT + 100, SECOND)) == [ACCEPTED]


def test_the_offices_keys_change_under_the_pipelines_source() -> None:
    log = opened()
    verdicts(log, *everywhere(change("key.rotated", NEW_OFFICE, AT + 10, AT, PIPELINE), AT))
    said = small.event("evaluator.appointed", "appoint-x", small.OFFICE, AT, evaluator="xi", panel="jury")
    assert verdicts(log, signed(said, NEW_OFFICE, AT + 9, "decisions")) == [INVALID]
    assert verdicts(log, signed(said, OFFICE_KEY, AT + 10, "decisions")) == [INVALID]
    assert verdicts(log, signed(said, NEW_OFFICE, AT + 10, "decisions")) == [ACCEPTED]
    again = change("key.revoked", OFFICE_KEY, AT + 11, AT + 11, PIPELINE)
    assert verdicts(log, *everywhere(again, AT + 11, NEW_OFFICE)) == [ACCEPTED] * 4


def test_the_offices_last_key_cannot_be_revoked() -> None:
    log = opened()
    told = change("key.revoked", OFFICE_KEY, AT, AT, PIPELINE)
    assert verdicts(log, *everywhere(told, AT)) == [("refused", "illegal-transition")] * 4
    verdicts(log, *everywhere(change("key.rotated", NEW_OFFICE, AT + 100, AT + 1, PIPELINE), AT + 1))
    assert verdicts(log, *everywhere(replace(told, id="too-soon"), AT + 2)) == [("refused", "illegal-transition")] * 4
    of_new = change("key.revoked", NEW_OFFICE, AT + 100, AT + 3, PIPELINE)
    assert verdicts(log, *everywhere(of_new, AT + 3)) == [("refused", "illegal-transition")] * 4


def test_only_the_office_changes_keys_and_only_of_who_has_some() -> None:
    log = opened()
    told = change("key.rotated", SECOND, AT, AT)
    assert verdicts(log, signed(told, None, AT)) == [("refused", "signature-missing")]
    assert verdicts(log, signed(told, FIRST, AT)) == [INVALID]
    assert verdicts(log, signed(replace(told, source=ANN), OFFICE_KEY, AT)) == [("refused", "source-not-authorised")]
    for source in ("urn:jury:ben", "urn:nobody", small.OFFICE):
        found = verdicts(log, signed(change("key.rotated", SECOND, AT, AT, source), OFFICE_KEY, AT))
        assert found == [("refused", "unknown-reference")]
    never = change("key.revoked", THIRD, AT, AT)
    assert verdicts(log, signed(never, OFFICE_KEY, AT)) == [("refused", "unknown-reference")]


def test_a_change_of_the_logs_key_is_on_record_and_changes_no_verdict() -> None:
    log = opened()
    told = change("key.rotated", SECOND, AT, AT, log_source(small.PROGRAMME))
    assert verdicts(log, *everywhere(told, AT)) == [ACCEPTED] * 4
    assert verdicts(log, marked("ash", AT, FIRST)) == [ACCEPTED]


def test_the_same_change_again_is_a_duplicate() -> None:
    log = opened()
    told = change("key.rotated", SECOND, AT, AT)
    verdicts(log, *everywhere(told, AT))
    assert verdicts(log, *everywhere(told, AT + 1)) == [("duplicate", None)] * 4


def everything() -> list[Record]:
    """The announcement, changes on all topics and marks around them, each with its offset."""
    log = opened()
    log.tell(
        marked("ash", AT, FIRST),
        *everywhere(change("key.rotated", SECOND, AT, AT + 1), AT + 1),  # what stands before it was in time
        marked("birch", AT + 9, FIRST),
        marked("cedar", AT + 10, FIRST),
        marked("cedar", AT + 11, SECOND),
        record_of(small.event("evaluator.appointed", "late-x", small.OFFICE, AT, evaluator="xi", panel="jury")),
        *everywhere(change("key.revoked", SECOND, AT + 20, AT + 12), AT + 12),
        marked("ash", AT + 20, SECOND),
        *everywhere(change("key.rotated", NEW_OFFICE, AT + 30, AT + 21, PIPELINE), AT + 21),
        record_of(small.event("evaluator.appointed", "y", small.OFFICE, AT + 40, evaluator="yo", panel="jury")),
    )
    return log.records


@pytest.mark.parametrize("seed", range(20))
def test_no_order_among_topics_changes_a_verdict(seed: int) -> None:
    records = everything()
    expected = opened_again(records).outcomes()
    lines = {topic: [record for record in records if record.topic == topic] for topic in TOPICS}
    orders = [[record for topic in order for record in lines[topic]] for order in permutations(TOPICS)]
    dice, mixed = Random(seed), []
    while any(lines.values()):
        mixed.append(lines[dice.choice([topic for topic in TOPICS if lines[topic]])].pop(0))
    for order in (*orders[seed::20], mixed):
        assert opened_again(order).outcomes() == expected


def opened_again(records: list[Record]) -> Log:
    log = Log()
    for record in records:
        log.feed(record)
    assert DEPLOYMENT.office_keys
    return log
