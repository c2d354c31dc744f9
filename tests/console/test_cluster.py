"""Setting up a secured cluster by command: topics, rules of access, and what the doctor finds there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from console.commands import doctor
from console.health import Finding, examine
from infra.kafka.access import ROLES, Rule, principals_of, rules_of
from infra.kafka.acls import _acl, _await, _filter
from infra.kafka.broker import TemporaryBroker
from infra.settings import Settings
from tests.console.conftest import Phasegate
from tests.support.secured import SUPER, SecuredBroker

pytestmark = pytest.mark.kafka

As = Callable[..., None]


@pytest.fixture
def come_as(
    secured_kafka: SecuredBroker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, phasegate: Phasegate
) -> As:
    """From now on commands come as this user; a role's name stands for the user who holds it."""

    def come(user: str) -> None:
        name = f"{topic_prefix}-{user}" if user in ROLES else user
        settings = {"PHASEGATE_PREFIX": topic_prefix, "PHASEGATE_PARTITIONS": "2", **secured_kafka.environment(name)}
        for variable, value in settings.items():
            monkeypatch.setenv(variable, value)

    come(SUPER)
    return come


@pytest.fixture
def applied(come_as: As, phasegate: Phasegate) -> None:
    """Rules and topics are there."""
    assert phasegate("acls", "apply").code == 0
    come_as("operator")
    assert phasegate("topics", "apply").code == 0


def add(broker: SecuredBroker, rule: Rule) -> None:
    with closing(broker.administrator()) as admin:
        assert admin.create_acls([_acl(rule)])["failed"] == []
        _await(admin, frozenset({rule}), frozenset())


def remove(broker: SecuredBroker, rule: Rule) -> None:
    with closing(broker.administrator()) as admin:
        assert len(admin.delete_acls([_filter(rule)])[0][1]) == 1
        _await(admin, frozenset(), frozenset({rule}))


def change(broker: SecuredBroker, topic: str, **settings: str) -> None:
    named = {name.replace("_", "."): value for name, value in settings.items()}
    with closing(broker.administrator()) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, named)])


def finding(name: str) -> Finding:
    """One check of the doctor, with the settings as they are now."""
    return examine(name, partial(doctor.CHECKS[name], Settings.load()))


# --- acls -------------------------------------------------------------------------------------------------------------


def test_rules_are_shown_then_added_and_then_nothing_is_left_to_do(
    come_as: As, phasegate: Phasegate, topic_prefix: str
) -> None:
    count = len(rules_of(topic_prefix, principals_of(topic_prefix, ())))
    shown = phasegate("acls", "check", "--json")
    assert (shown.code, shown.document["error"]["code"]) == (10, "attention-needed")
    assert (len(shown.data["missing"]), shown.data["surplus"]) == (count, [])
    assert phasegate("acls", "apply", "--dry-run", "--json").data["added"] == 0
    assert phasegate("acls", "apply", "--json").data["added"] == count
    come_as("operator")
    assert phasegate("acls", "check").code == 0
    assert phasegate("acls", "apply", "--prune", "--json").data["added"] == 0
    assert f"all {count} rules are there" in phasegate("acls", "check").out


def test_what_is_not_declared_is_taken_away_on_request_and_what_may_serve_others_never(
    applied: None, phasegate: Phasegate, secured_kafka: SecuredBroker, topic_prefix: str
) -> None:
    intruder = Rule("User:intruder", "TOPIC", f"{topic_prefix}.decisions", "LITERAL", "WRITE")
    denied = Rule(
        f"User:{topic_prefix}-scores", "TOPIC", f"{topic_prefix}.scores", "LITERAL", "WRITE", "DENY", "10.0.0.1"
    )
    wide = Rule("User:backup", "TOPIC", topic_prefix, "PREFIXED", "READ")
    for rule in (intruder, denied, wide):
        add(secured_kafka, rule)
    try:
        shown = phasegate("acls", "check", "--json")
        assert shown.code == 10
        assert {row["principal"] for row in shown.data["surplus"]} == {intruder.principal, denied.principal}
        assert [row["principal"] for row in shown.data["beyond"] if row["resource"] == "TOPIC"] == ["User:backup"]
        assert phasegate("acls", "apply", "--json").data["removed"] == 0
        assert phasegate("acls", "check").code == 10
        text = phasegate("acls", "apply", "--prune").out
        assert "0 rules added, 2 taken away" in text
        assert "DENY" in text
        assert "10.0.0.1" in text
        left = phasegate("acls", "check", "--json")
        assert (left.code, left.data["surplus"], left.data["beyond"]) == (0, [], shown.data["beyond"])
    finally:
        remove(secured_kafka, wide)


def test_who_holds_a_role_is_said_by_option_or_setting(
    come_as: As, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASEGATE_KAFKA_PRINCIPALS", "scores=User:jury-a scores=User:jury-b")
    data = phasegate("acls", "check", "--json").data
    assert data["principals"]["scores"] == ["User:jury-a", "User:jury-b"]
    words = ("--principal", "scores=User:jury-c")
    assert phasegate("acls", "check", *words, "--json").data["principals"]["scores"] == ["User:jury-c"]
    answer = phasegate("acls", "check", "--principal", "judge=User:x", "--json")
    assert (answer.code, answer.document["error"]["code"]) == (6, "refused")


def test_rules_are_shown_to_the_operator_alone(applied: None, come_as: As, phasegate: Phasegate) -> None:
    come_as("auditor")
    answer = phasegate("acls", "check", "--json")
    assert answer.code == 6
    assert "as the operator" in answer.document["error"]["hint"]


def test_a_cluster_that_would_not_heed_rules_is_given_none(
    kafka: TemporaryBroker, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASEGATE_KAFKA", kafka.bootstrap)
    answer = phasegate("acls", "apply", "--json")
    assert answer.code == 6
    assert "no authorizer" in answer.document["error"]["message"]


# --- topics -----------------------------------------------------------------------------------------------------------


def test_topics_are_shown_made_and_kept_as_they_must_be(
    come_as: As, phasegate: Phasegate, secured_kafka: SecuredBroker, topic_prefix: str
) -> None:
    phasegate("acls", "apply")
    come_as("operator")
    shown = phasegate("topics", "apply", "--dry-run", "--json").data
    assert [(row["setting"], row["found"]) for row in shown["changes"]] == [("topic", None)] * 5
    assert len(phasegate("topics", "apply", "--json").data["changes"]) == 5
    assert phasegate("topics", "apply", "--json").data["changes"] == []
    change(secured_kafka, f"{topic_prefix}.scores", retention_ms="1000")
    change(secured_kafka, f"{topic_prefix}.audits", compression_type="gzip")
    found = finding("topics")
    assert (found.state, "retention.ms is 1000" in found.found) == ("failed", True)
    assert "phasegate topics apply" in found.todo
    rows = phasegate("topics", "apply", "--min-insync", "1", "--json").data["changes"]
    assert {(row["topic"].removeprefix(f"{topic_prefix}."), row["setting"], row["found"]) for row in rows} == {
        ("scores", "retention.ms", "1000"),
        ("audits", "compression.type", "gzip"),
    }
    assert finding("topics").state == "ok"
    assert "nothing to do" in phasegate("topics", "apply").out


def test_what_would_cost_meaning_is_refused_before_anything_is_done(
    applied: None,
    phasegate: Phasegate,
    secured_kafka: SecuredBroker,
    topic_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change(secured_kafka, f"{topic_prefix}.submissions", retention_ms="1000")
    refusals = {
        ("--replication", "3"): "the cluster has 1 brokers",
        ("--min-insync", "2"): "has 1 copies",
        ("--replication", "1", "--min-insync", "2"): "nothing could be written",
    }
    for words, said in refusals.items():
        answer = phasegate("topics", "apply", *words, "--json")
        assert (answer.code, said in answer.document["error"]["message"]) == (6, True), answer.out
    monkeypatch.setenv("PHASEGATE_PARTITIONS", "3")
    assert "has 2 partitions" in phasegate("topics", "apply", "--json").document["error"]["message"]
    monkeypatch.setenv("PHASEGATE_PARTITIONS", "2")
    change(secured_kafka, f"{topic_prefix}.decisions", message_timestamp_type="CreateTime")
    assert "stamps would mix" in phasegate("topics", "apply", "--json").document["error"]["hint"]
    change(secured_kafka, f"{topic_prefix}.decisions", message_timestamp_type="LogAppendTime")
    rows = phasegate("topics", "apply", "--json").data["changes"]
    assert [(row["setting"], row["found"]) for row in rows] == [("retention.ms", "1000")]


def test_who_is_no_operator_makes_no_topic(come_as: As, phasegate: Phasegate) -> None:
    phasegate("acls", "apply")
    come_as("recorder")
    answer = phasegate("topics", "apply", "--json")
    assert answer.code == 6
    assert "does not allow this to" in answer.document["error"]["message"]


# --- doctor -----------------------------------------------------------------------------------------------------------


def test_the_doctor_finds_what_a_role_lacks_and_what_it_may_do_beyond(
    applied: None, come_as: As, phasegate: Phasegate, secured_kafka: SecuredBroker, topic_prefix: str
) -> None:
    for role in ROLES:
        come_as(role)
        found = finding("access")
        assert found.state == "ok", (role, found)
        assert finding("topics").state == ("warning" if role in ("submissions", "scores", "audits", "http") else "ok")
    own = next(
        rule
        for rule in rules_of(topic_prefix, principals_of(topic_prefix, ()))
        if rule.principal == f"User:{topic_prefix}-recorder"
        and (rule.name, rule.operation) == ("phasegate-recorder", "READ")
    )
    remove(secured_kafka, own)
    come_as("recorder")
    found = finding("access")
    assert (found.state, found.todo.startswith("phasegate acls apply")) == ("failed", True)
    assert "may not READ group phasegate-recorder" in found.found
    come_as("operator")
    found = finding("access")
    assert (found.state, found.found.startswith("1 rules are missing, 0 are not declared")) == ("failed", True)
    add(secured_kafka, own)
    add(secured_kafka, Rule(f"User:{topic_prefix}-scores", "TOPIC", f"{topic_prefix}.decisions", "LITERAL", "WRITE"))
    come_as("scores")
    found = finding("access")
    assert (found.state, "may also" in found.found, "WRITE topic decisions" in found.found) == (
        "warning",
        True,
        True,
    )


def test_the_doctor_tells_a_wrong_password_from_a_stranger(
    come_as: As, phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch, secured_kafka: SecuredBroker
) -> None:
    come_as("stranger")
    assert (finding("broker").state, finding("access").state) == ("ok", "warning")
    assert "holds none of the roles" in finding("access").found
    monkeypatch.setenv("PHASEGATE_KAFKA_PASSWORD_FILE", str(secured_kafka.password_file(SUPER)))
    found = finding("broker")
    assert (found.state, "wrong user or password" in found.found) == ("failed", True)
    status = phasegate("kafka", "status", "--json")
    assert (status.code, "wrong user or password" in status.document["error"]["message"]) == (7, True)
    assert f"secret of {SUPER}" not in phasegate("config", "--json").out + status.out
