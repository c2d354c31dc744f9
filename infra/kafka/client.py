"""kafka-python clients of one cluster, and its errors in our words."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka import errors as kafka_errors
from kafka.coordinator.assignors.range import RangePartitionAssignor

from events.errors import Refused, Unavailable
from infra.kafka.header_names import read_any_header_name
from infra.kafka.knocking import knock

LARGEST = 1_048_588
"""Bytes of the largest record batch that our topics take: Kafka's own default, stated so that it cannot drift."""

PATIENCE_S = 10.0
"""How long a new client waits for a broker that does not answer yet. One that restarts after a crash takes 6 s."""

_NEVER_STORED = (kafka_errors.MessageSizeTooLargeError, kafka_errors.InvalidTimestampError)

_ALSO_NOT_ALLOWED = "ClusterAuthorizationFailedError"
"""A producer who may write to no topic at all is refused before it names one; kafka-python gives that as text alone."""


class Cluster:
    """Builds clients. `security` holds kafka-python's own settings (security_protocol, sasl_*, ssl_*)."""

    def __init__(self, bootstrap: str, security: Mapping[str, Any]) -> None:
        self.bootstrap = bootstrap
        self._security = security
        self._settings = {
            "bootstrap_servers": bootstrap.split(","),
            "reconnect_backoff_max_ms": 1000,
            **security,
        }

    def admin(self) -> KafkaAdminClient:
        with self.reached():
            self._wait_for_answer()
            return KafkaAdminClient(**self._settings)

    @contextmanager
    def administering(self) -> Iterator[KafkaAdminClient]:
        """An admin client for as long as the block, its errors in our words."""
        admin = self.admin()
        try:
            with self.reached():
                yield admin
        finally:
            admin.close()

    def producer(self, linger_ms: int, delivery_timeout_ms: int) -> KafkaProducer:
        with self.reached():
            self._wait_for_answer()
            return KafkaProducer(
                **self._settings,
                metrics_enabled=False,
                acks="all",
                enable_idempotence=True,
                linger_ms=linger_ms,
                batch_size=262_144,
                max_request_size=LARGEST,
                delivery_timeout_ms=delivery_timeout_ms,
                request_timeout_ms=min(30_000, delivery_timeout_ms - linger_ms),
                max_block_ms=delivery_timeout_ms,
                allow_auto_create_topics=False,
            )

    def consumer(self, group: str | None, **settings: Any) -> KafkaConsumer:
        """A consumer that stores no offsets by itself and never guesses where to begin."""
        read_any_header_name()
        with self.reached():
            self._wait_for_answer()
            return KafkaConsumer(
                **self._settings,
                metrics_enabled=False,
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="none",
                isolation_level="read_committed",
                partition_assignment_strategy=(RangePartitionAssignor,),
                allow_auto_create_topics=False,
                fetch_max_bytes=8 * 1024 * 1024,
                max_partition_fetch_bytes=4 * 1024 * 1024,
                **settings,
            )

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Turn the client's errors into ours: Refused for what can never be stored, Unavailable for the rest."""
        try:
            yield
        except _NEVER_STORED as error:
            raise Refused(
                f"Kafka does not take this message: {error}", hint=f"At most {LARGEST} bytes, stamps of any time."
            ) from error
        except kafka_errors.KafkaConfigurationError as error:
            raise Refused(
                f"kafka-python does not take these settings: {error}", hint="Compare the security settings."
            ) from error
        except kafka_errors.AuthorizationError as error:
            raise self._not_allowed(error) from error
        except kafka_errors.SaslAuthenticationFailedError as error:
            raise Refused(
                f"Kafka at {self.bootstrap} does not let {self._user!r} in any more: {error}",
                hint="See PHASEGATE_KAFKA_USER and what PHASEGATE_KAFKA_PASSWORD_FILE holds.",
            ) from error
        except kafka_errors.UnknownTopicOrPartitionError as error:
            raise Unavailable(
                f"Kafka at {self.bootstrap} shows {self._user!r} no such topic: {error}",
                hint="phasegate topics apply makes topics; acls apply lets this user see them; phasegate doctor tells which",
                bootstrap=self.bootstrap,
            ) from error
        except kafka_errors.KafkaError as error:
            if _ALSO_NOT_ALLOWED in str(error):
                raise self._not_allowed(error) from error
            raise Unavailable(
                f"Kafka at {self.bootstrap}: {type(error).__name__}: {error}",
                hint="See phasegate kafka status and PHASEGATE_KAFKA.",
                bootstrap=self.bootstrap,
            ) from error

    @property
    def _user(self) -> str:
        return str(self._security.get("sasl_plain_username", "anonymous"))

    def _not_allowed(self, error: kafka_errors.KafkaError) -> Refused:
        """The broker's authorizer said no: the same request gets the same answer until somebody changes its rules."""
        about = error.args[0] if error.args else ""
        where = ", ".join(sorted(about)) if isinstance(about, (set, frozenset)) else str(about)
        return Refused(
            f"Kafka does not allow this to {self._user!r}: {type(error).__name__} {where}".rstrip(),
            hint="phasegate acls check shows what each role may do; the cluster's operator applies it with acls apply",
            user=self._user,
            error=type(error).__name__,
        )

    def _wait_for_answer(self) -> None:
        """Ask by hand before a client does: a client that meets a closed port backs off for up to 20 s more, and one that is
        not let in does not say why. Whom one broker turns away, the others do as well: that is not waited for.
        """
        addresses = [address.rpartition(":") for address in self.bootstrap.split(",")]
        deadline = time.monotonic() + PATIENCE_S
        while True:
            refusals = []
            for host, _, port in addresses:
                try:
                    return knock(host.strip().strip("[]"), int(port), self._security)
                except Refused as error:
                    refusals.append(error)
                except Unavailable:
                    continue
            if refusals:
                raise refusals[0]
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"No Kafka broker answers at {self.bootstrap} (asked for {PATIENCE_S:g} s)",
                    hint="Start one with phasegate kafka up, or name a cluster with PHASEGATE_KAFKA=host:port.",
                    bootstrap=self.bootstrap,
                )
            time.sleep(0.1)
