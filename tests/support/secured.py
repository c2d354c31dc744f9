"""A real broker that lets nobody in without a password, and allows nothing that no rule allows.

Clients come over TLS with SCRAM-SHA-512; the broker itself and its administrator over a listener of their own. The
authority that vouches for the broker is made here, for one broker.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from infra.kafka.broker import TemporaryBroker, temporary_broker
from infra.kafka.knocking import reach
from infra.kafka.process import HOST, free_ports
from infra.kafka.settings import Node

SUPER = "root"
"""A super user who comes as everybody does: for the first rules, and for what no role may do."""

BROKER_PASSWORD = "of-the-broker-itself"
ADMINISTRATOR = {
    "security_protocol": "SASL_PLAINTEXT",
    "sasl_mechanism": "PLAIN",
    "sasl_plain_username": "broker",
    "sasl_plain_password": BROKER_PASSWORD,
}
_PLAIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    f'username="broker" password="{BROKER_PASSWORD}" user_broker="{BROKER_PASSWORD}";'
)


@dataclass(slots=True)
class SecuredBroker:
    """The broker and how to come in. `folder` holds the authority's certificate and one password file for each user."""

    broker: TemporaryBroker
    folder: Path
    inside: int
    _users: set[str] = field(default_factory=set)

    @property
    def bootstrap(self) -> str:
        return self.broker.bootstrap

    @property
    def authority(self) -> Path:
        return self.folder / "ca.pem"

    def administrator(self) -> KafkaAdminClient:
        """The super user, for what a test sets up."""
        return KafkaAdminClient(bootstrap_servers=f"{HOST}:{self.inside}", **ADMINISTRATOR)

    def password_file(self, user: str) -> Path:
        """The user's, who is made when asked for the first time."""
        path = self.folder / f"{user}.password"
        if user not in self._users:
            password = f"secret of {user}"
            made = UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, password, iterations=4096)
            with closing(self.administrator()) as admin:
                assert admin.alter_user_scram_credentials([made]) == {user: None}
            path.touch(mode=0o600)
            path.write_text(password + "\n")
            self._users.add(user)
            self._until_known(user)
        return path

    def _until_known(self, user: str) -> None:
        """A broker learns of a user from the controller, a moment after the controller has said that it is made."""
        deadline = time.monotonic() + 30
        while not reach(self.bootstrap, self.security(user))[0]:
            assert time.monotonic() < deadline, f"{user} is not let in"
            time.sleep(0.02)

    def environment(self, user: str) -> dict[str, str]:
        """The settings of a process that comes as this user."""
        return {
            "PHASEGATE_KAFKA": self.bootstrap,
            "PHASEGATE_KAFKA_SECURITY": "SASL_SSL",
            "PHASEGATE_KAFKA_USER": user,
            "PHASEGATE_KAFKA_PASSWORD_FILE": str(self.password_file(user)),
            "PHASEGATE_KAFKA_CA": str(self.authority),
        }

    def security(self, user: str) -> dict[str, Any]:
        """The same as kafka-python's settings, written by hand."""
        return {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": user,
            "sasl_plain_password": self.password_file(user).read_text().strip(),
            "ssl_cafile": str(self.authority),
        }


@contextmanager
def secured_broker(folder: Path) -> Iterator[SecuredBroker]:
    """For as long as the block."""
    make_authority(folder)
    asked: list[int] = []

    def shape(port: int, control: int) -> Node:
        asked[:] = free_ports(1)
        return Node(
            port, control, more=settings(port, control, asked[0], folder), inside=asked[0], administrator=ADMINISTRATOR
        )

    with temporary_broker(shape=shape) as broker:
        yield SecuredBroker(broker, folder, asked[0])


def settings(port: int, control: int, inside: int, folder: Path) -> Mapping[str, str]:
    """What the broker is told beyond an open one's settings."""
    own = ("internal", "controller")
    return {
        "listeners": f"CLIENT://{HOST}:{port},INTERNAL://{HOST}:{inside},CONTROLLER://{HOST}:{control}",
        "advertised.listeners": f"CLIENT://{HOST}:{port},INTERNAL://{HOST}:{inside}",
        "listener.security.protocol.map": "CLIENT:SASL_SSL,INTERNAL:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "inter.broker.listener.name": "INTERNAL",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        **{f"listener.name.{name}.sasl.enabled.mechanisms": "PLAIN" for name in own},
        **{f"listener.name.{name}.plain.sasl.jaas.config": _PLAIN for name in own},
        "listener.name.client.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.client.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.client.ssl.keystore.type": "PEM",
        "listener.name.client.ssl.keystore.location": str(folder / "server.pem"),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:broker;User:{SUPER}",
        "allow.everyone.if.no.acl.found": "false",
    }


def make_authority(folder: Path) -> None:
    """`ca.pem`, the authority's certificate, and `server.pem`, the broker's key and certificate for this host."""
    authority = ec.generate_private_key(ec.SECP256R1())
    server = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("authority of a test")
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")])
    root = (
        _certificate(issuer, issuer, authority)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .sign(authority, SHA256())
    )
    leaf = _certificate(_name(HOST), issuer, server).add_extension(here, critical=False).sign(authority, SHA256())
    (folder / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    key = server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").touch(mode=0o600)
    (folder / "server.pem").write_bytes(key + leaf.public_bytes(Encoding.PEM))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
    )
