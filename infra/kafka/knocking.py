"""Does a broker let us in, and if not, why? Asked by hand, step by step: connection, TLS, ApiVersions, SASL.

kafka-python tells a wrong password, a wrong authority and a closed port alike: "unable to bootstrap", after 30 s. And a
client that meets a closed port backs off for up to 20 s more. So this comes before every client.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kafka.net.sasl import get_sasl_mechanism

from events.errors import PhasegateError, Refused, Unavailable
from infra.kafka.process import answers

Connection = socket.socket

_API_VERSIONS, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = 18, 17, 36
_NO_SASL, _WRONG_PASSWORD = 34, 58
"""Error codes: the listener has no SASL; user or password is not right."""
_LARGEST_ANSWER = 1 << 20

MECHANISM = "SCRAM-SHA-512"
"""The one way for a user to come in. Kafka holds no password, only what it can check one with."""


def knock(host: str, port: int, security: Mapping[str, Any], timeout_s: float = 2.0) -> None:
    """Returns when the broker would serve us. Raises Unavailable where nobody answers, and Refused, with the next step,
    where somebody does who would not serve us with these settings, however often we asked.
    """
    place, is_secured = f"{host}:{port}", "SSL" in security.get("security_protocol", "")
    try:
        with _connected(host, port, security, timeout_s) as line:
            _ask(line, _API_VERSIONS, 0, b"")
            _sign_in(line, place, security)
    except ssl.SSLCertVerificationError as error:
        raise Refused(
            f"{place} shows a certificate that is not trusted here: {error.verify_message}",
            hint="PHASEGATE_KAFKA_CA names the authority of the brokers; the address must be a name in the certificate",
        ) from error
    except (ConnectionRefusedError, TimeoutError, socket.gaierror) as error:
        raise _silent(place, error) from error
    except (OSError, _Strange) as error:
        if is_secured and answers(host, port, timeout_s):
            raise Refused(
                f"{place} speaks in the clear, not TLS", hint="PHASEGATE_KAFKA must name the listener with TLS"
            ) from error
        if not is_secured and _speaks_tls(host, port, timeout_s):
            raise Refused(
                f"{place} speaks TLS, not in the clear",
                hint="set PHASEGATE_KAFKA_SECURITY=SASL_SSL (or SSL), with its user",
            ) from error
        raise _silent(place, error) from error


def reach(bootstrap: str, security: Mapping[str, Any]) -> tuple[list[str], list[PhasegateError]]:
    """The addresses that serve us, and why the others do not: what no waiting would change comes first."""
    up: list[str] = []
    problems: list[PhasegateError] = []
    for place in (address.strip() for address in bootstrap.split(",")):
        host, _, port = place.rpartition(":")
        try:
            knock(host.strip("[]"), int(port), security)
            up.append(place)
        except (Refused, Unavailable) as error:
            problems.append(error)
    return up, sorted(problems, key=lambda error: isinstance(error, Unavailable))


def _silent(place: str, error: Exception) -> Unavailable:
    return Unavailable(f"{place} does not answer: {error}", hint="see the address, the broker and the network")


@contextmanager
def _connected(host: str, port: int, security: Mapping[str, Any], timeout_s: float) -> Iterator[Connection]:
    with socket.create_connection((host, port), timeout=timeout_s) as plain:
        if "SSL" not in security.get("security_protocol", ""):
            yield plain
            return
        with _tls(security.get("ssl_cafile")).wrap_socket(plain, server_hostname=host) as line:
            yield line


def _tls(authority: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority)


def _speaks_tls(host: str, port: int, timeout_s: float) -> bool:
    """Whoever it claims to be: only whether it would answer a client with TLS."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as plain, anybody.wrap_socket(plain):
            return True
    except OSError:
        return False


def _sign_in(line: Connection, place: str, security: Mapping[str, Any]) -> None:
    """Also without a user: a listener that asks for one would hang up on the first real request, without a word."""
    wanted = security.get("sasl_mechanism")
    code, ways = _handshake(line, str(wanted or MECHANISM))
    if not wanted:
        if code == _NO_SASL:
            return
        raise Refused(
            f"{place} asks for a user", hint="PHASEGATE_KAFKA_SECURITY=SASL_SSL, with its user and password file"
        )
    if code == _NO_SASL:
        raise Refused(
            f"{place} asks for no user", hint="PHASEGATE_KAFKA_SECURITY=SSL, or the port of the SASL listener"
        )
    if code:
        raise Refused(
            f"{place} takes no {wanted}, but {', '.join(ways) or 'nothing'}",
            hint="give the listener sasl.enabled.mechanisms=SCRAM-SHA-512",
        )
    _prove(line, place, security)


def _handshake(line: Connection, mechanism: str) -> tuple[int, list[str]]:
    """The error code, and the mechanisms that the listener takes."""
    answer = _ask(line, _SASL_HANDSHAKE, 1, _text(mechanism.encode()))
    code, count = struct.unpack_from(">hi", answer)
    ways, place = [], 6
    for _ in range(count):
        end = place + 2 + int.from_bytes(answer[place : place + 2], "big")
        ways.append(answer[place + 2 : end].decode(errors="replace"))
        place = end
    return code, ways


def _prove(line: Connection, place: str, security: Mapping[str, Any]) -> None:
    scram = get_sasl_mechanism(security["sasl_mechanism"])(host=place, **security)
    while not scram.is_done():
        token = scram.auth_bytes()
        answer = _ask(line, _SASL_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token)
        (code,) = struct.unpack_from(">h", answer)
        if code:
            raise _turned_away(place, security, code, answer)
        scram.receive(answer[8:] if answer[2:4] == b"\xff\xff" else answer[8 + int.from_bytes(answer[2:4], "big") :])


def _turned_away(place: str, security: Mapping[str, Any], code: int, answer: bytes) -> Refused:
    said = answer[4 : 4 + max(0, int.from_bytes(answer[2:4], "big", signed=True))].decode(errors="replace")
    user = security["sasl_plain_username"]
    what = "wrong user or password" if code == _WRONG_PASSWORD else f"error {code}"
    return Refused(
        f"{place} does not let {user!r} in: {what} ({said})",
        hint="see PHASEGATE_KAFKA_USER and what PHASEGATE_KAFKA_PASSWORD_FILE holds",
        user=user,
    )


class _Strange(Exception):
    """An answer that is none of Kafka's."""


def _ask(line: Connection, key: int, version: int, body: bytes) -> bytes:
    """One request, and what is in the answer behind its correlation id."""
    correlation = 77
    request = struct.pack(">hhi", key, version, correlation) + _text(b"phasegate") + body
    line.sendall(struct.pack(">i", len(request)) + request)
    size, back = struct.unpack(">ii", _exactly(line, 8))
    if back != correlation or not 4 <= size <= _LARGEST_ANSWER:
        raise _Strange("what comes back is not Kafka's protocol")
    return _exactly(line, size - 4)


def _exactly(line: Connection, count: int) -> bytes:
    got = b""
    while len(got) < count:
        more = line.recv(count - len(got))
        if not more:
            raise _Strange("it hangs up")
        got += more
    return got


def _text(value: bytes) -> bytes:
    return struct.pack(">h", len(value)) + value
