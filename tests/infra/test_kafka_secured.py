"""Coming to a broker that lets in only whom it knows, and what is said to those whom it does not let in."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from events.errors import NotFound, PhasegateError, Refused, Unavailable
from infra.kafka.broker import TemporaryBroker
from infra.kafka.bus import KafkaBus
from infra.kafka.client import Cluster
from infra.kafka.knocking import knock, reach
from infra.kafka.process import HOST, free_ports
from infra.kafka.security import security_of
from infra.settings import Settings
from tests.contracts.bus import from_the_beginning, message, take
from tests.support.secured import SUPER, SecuredBroker, make_authority

pytestmark = pytest.mark.kafka

SOON_S = 10
"""A reason is said at once; kafka-python would say none after 30 s."""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PHASEGATE_KAFKA")]:
        monkeypatch.delenv(name)


def of(broker: SecuredBroker, user: str, **changed: str | None) -> dict[str, Any]:
    """The connection as the settings of this user give it, with some of them changed."""
    fields = {name.removeprefix("PHASEGATE_").lower(): value for name, value in broker.environment(user).items()}
    return security_of(Settings.load(**{**fields, **changed}))


def test_settings_alone_bring_a_client_in_over_tls_as_its_user(secured_kafka: SecuredBroker, topic_prefix: str) -> None:
    security = of(secured_kafka, SUPER)
    assert security == secured_kafka.security(SUPER)
    with closing(KafkaBus(secured_kafka.bootstrap, topic_prefix, 2, security=security)) as bus:
        bus.ensure_topics()
        with closing(bus.publisher()) as publisher:
            publisher.publish([message(b"k", partition=1)] * 3)
        with closing(bus.intake("g", from_the_beginning)) as intake:
            assert len(take(intake, 3)) == 3
        assert (bus.ends()["submissions", 1], bus.begins()["submissions", 1]) == (3, 0)


def wrong_password(broker: SecuredBroker, folder: Path) -> dict[str, Any]:
    path = folder / "wrong"
    path.touch(mode=0o600)
    path.write_text("guessed\n")
    return of(broker, "somebody", kafka_password_file=str(path))


def unknown_user(broker: SecuredBroker, _: Path) -> dict[str, Any]:
    return of(broker, "somebody", kafka_user="never-made")


def another_authority(broker: SecuredBroker, folder: Path) -> dict[str, Any]:
    make_authority(folder)
    return of(broker, "somebody", kafka_ca=str(folder / "ca.pem"))


def the_systems_authorities(broker: SecuredBroker, _: Path) -> dict[str, Any]:
    return of(broker, "somebody", kafka_ca=None)


def tls_alone(broker: SecuredBroker, _: Path) -> dict[str, Any]:
    return of(broker, "somebody", kafka_security="SSL")


def in_the_clear(_: SecuredBroker, __: Path) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize(
    ("come", "said", "todo"),
    [
        (wrong_password, "does not let 'somebody' in: wrong user or password", "PHASEGATE_KAFKA_PASSWORD_FILE"),
        (unknown_user, "does not let 'never-made' in: wrong user or password", "PHASEGATE_KAFKA_USER"),
        (another_authority, "shows a certificate that is not trusted here", "PHASEGATE_KAFKA_CA"),
        (the_systems_authorities, "shows a certificate that is not trusted here", "PHASEGATE_KAFKA_CA"),
        (tls_alone, "asks for a user", "PHASEGATE_KAFKA_SECURITY=SASL_SSL"),
        (in_the_clear, "speaks TLS, not in the clear", "PHASEGATE_KAFKA_SECURITY=SASL_SSL"),
    ],
)
def test_who_is_not_let_in_is_told_why_and_at_once(
    secured_kafka: SecuredBroker, tmp_path: Path, come: Any, said: str, todo: str
) -> None:
    began = time.monotonic()
    with pytest.raises(Refused) as raised:
        Cluster(secured_kafka.bootstrap, come(secured_kafka, tmp_path)).admin()
    assert said in raised.value.message
    assert secured_kafka.bootstrap in raised.value.message
    assert todo in raised.value.hint
    assert "guessed" not in f"{raised.value.message} {raised.value.hint} {raised.value.details}"
    assert time.monotonic() - began < SOON_S


def test_a_client_with_tls_at_a_listener_in_the_clear_is_told_so(
    secured_kafka: SecuredBroker, kafka: TemporaryBroker
) -> None:
    with pytest.raises(Refused, match="speaks in the clear, not TLS"):
        knock(HOST, kafka.running.port, of(secured_kafka, "somebody"))


def test_a_user_at_a_listener_that_asks_for_none_is_told_so(kafka: TemporaryBroker) -> None:
    user = {"sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": "x", "sasl_plain_password": "y"}
    with pytest.raises(Refused, match="asks for no user"):
        knock(HOST, kafka.running.port, user)


def test_a_listener_without_scram_is_told_with_what_it_takes(secured_kafka: SecuredBroker) -> None:
    user = {"sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": "x", "sasl_plain_password": "y"}
    with pytest.raises(Refused, match=r"takes no SCRAM-SHA-512, but PLAIN"):
        knock(HOST, secured_kafka.inside, user)


def test_of_several_addresses_one_that_serves_us_is_enough(secured_kafka: SecuredBroker) -> None:
    (closed,) = free_ports(1)
    security = of(secured_kafka, SUPER)
    both = f"{HOST}:{closed},{secured_kafka.bootstrap}"
    up, problems = reach(both, security)
    assert up == [secured_kafka.bootstrap]
    assert [type(problem) for problem in problems] == [Unavailable]
    Cluster(both, security).admin().close()


def test_what_the_rules_do_not_allow_is_refused_with_the_next_step(
    secured_kafka: SecuredBroker, topic_prefix: str
) -> None:
    own = KafkaBus(secured_kafka.bootstrap, topic_prefix, 2, security=of(secured_kafka, SUPER))
    with closing(own):
        own.ensure_topics()
    bus = KafkaBus(secured_kafka.bootstrap, topic_prefix, 2, security=of(secured_kafka, "stranger"), linger_ms=1)
    with closing(bus):
        for act in (bus.ensure_topics, lambda: _publish(bus), lambda: _take_in(bus)):
            with pytest.raises(Refused, match="does not allow this to 'stranger'") as raised:
                act()
            assert "acls check" in raised.value.hint
        with pytest.raises(Unavailable, match="shows 'stranger' no such topic"):
            bus.ends()


def _publish(bus: KafkaBus) -> None:
    with closing(bus.publisher()) as publisher:
        publisher.publish([message(b"k")])


def _take_in(bus: KafkaBus) -> None:
    with closing(bus.intake("g", from_the_beginning)) as intake:
        intake.poll(20, 1)


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"kafka_security": "PLAINTEXT"}, Refused, "PHASEGATE_KAFKA_USER is set, but PHASEGATE_KAFKA_SECURITY is"),
        ({"kafka": ""}, Refused, "PHASEGATE_KAFKA names no cluster"),
        ({"kafka_user": ""}, Refused, "PHASEGATE_KAFKA_USER is not set"),
        ({"kafka_password_file": None}, Refused, "PHASEGATE_KAFKA_PASSWORD_FILE is not set"),
        ({"kafka_password_file": "nowhere"}, NotFound, "no password file nowhere"),
        ({"kafka_ca": "nowhere"}, NotFound, "no file nowhere of the brokers' authority"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_before_anything_is_sent(
    secured_kafka: SecuredBroker, changed: dict[str, str | None], error: type[PhasegateError], said: str
) -> None:
    with pytest.raises(error, match=said):
        of(secured_kafka, "somebody", **changed)


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [("secret\n", 0o640, "mode 0640"), ("", 0o600, "0 lines"), ("\n", 0o600, "1 lines"), ("a\nb\n", 0o600, "2 lines")],
)
def test_a_password_file_holds_one_line_for_its_owner_alone(
    secured_kafka: SecuredBroker, tmp_path: Path, text: str, mode: int, said: str
) -> None:
    path = tmp_path / "password"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(Refused, match=said) as raised:
        of(secured_kafka, "somebody", kafka_password_file=str(path))
    assert "secret" not in raised.value.message
