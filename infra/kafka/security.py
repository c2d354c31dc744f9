"""How a connection to Kafka is secured: from our settings to kafka-python's own, in this one place.

With SASL_SSL a user proves a password by SCRAM-SHA-512 inside TLS; with SSL the broker alone proves who it is. A password
without TLS is not offered: whoever listens could guess it at leisure. Certificates of brokers and their host names are
always checked.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from events.errors import NotFound, Refused, Unavailable
from infra.kafka.knocking import MECHANISM
from infra.settings import Settings

_OTHERS = 0o077


def security_of(settings: Settings) -> dict[str, Any]:
    """kafka-python's settings for the connection; empty without security. Reads the password anew each time, so that a
    changed file is taken up with the next connection. Raises Refused, NotFound.
    """
    if settings.kafka_security == "PLAINTEXT":
        return _unsecured(settings)
    if not settings.kafka:
        raise Refused(
            f"PHASEGATE_KAFKA_SECURITY={settings.kafka_security}, but PHASEGATE_KAFKA names no cluster",
            hint="set PHASEGATE_KAFKA; the local broker has no security, and is reached from this machine alone",
        )
    secured: dict[str, Any] = {"security_protocol": settings.kafka_security}
    if settings.kafka_ca is not None:
        secured["ssl_cafile"] = str(_authority(settings.kafka_ca))
    if settings.kafka_security == "SSL":
        return secured
    if not settings.kafka_user or settings.kafka_password_file is None:
        lacking = "PHASEGATE_KAFKA_PASSWORD_FILE" if settings.kafka_user else "PHASEGATE_KAFKA_USER"
        raise Refused(f"SASL_SSL needs a user and a password; {lacking} is not set", hint=f"set {lacking}")
    return secured | {
        "sasl_mechanism": MECHANISM,
        "sasl_plain_username": settings.kafka_user,
        "sasl_plain_password": _password(settings.kafka_password_file),
    }


def _unsecured(settings: Settings) -> dict[str, Any]:
    """A user or a password that would not be used is a slip: the connection would go out in the clear unnoticed."""
    for name in ("kafka_user", "kafka_password_file", "kafka_ca"):
        if getattr(settings, name):
            raise Refused(
                f"PHASEGATE_{name.upper()} is set, but PHASEGATE_KAFKA_SECURITY is PLAINTEXT",
                hint="PHASEGATE_KAFKA_SECURITY=SASL_SSL (a user inside TLS) or SSL (TLS alone)",
            )
    return {}


def _authority(path: Path) -> Path:
    if not path.is_file():
        raise NotFound(f"there is no file {path} of the brokers' authority", hint="correct PHASEGATE_KAFKA_CA")
    return path


def _password(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            mode, text = stat.S_IMODE(os.fstat(file.fileno()).st_mode), file.read()
    except FileNotFoundError as error:
        raise NotFound(f"there is no password file {path}", hint="correct PHASEGATE_KAFKA_PASSWORD_FILE") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"cannot read the password file {path}: {error}", hint="see its owner and its mode"
        ) from error
    if mode & _OTHERS:
        raise Refused(f"{path} has mode {mode:04o}; others can read it", hint=f"chmod 600 {path}")
    if len(lines := text.splitlines()) != 1 or not lines[0]:
        raise Refused(f"{path} has {len(lines)} lines; a password is one that is not empty", hint="write it again")
    return lines[0]
