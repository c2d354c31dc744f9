"""What a process of phasegate needs on this machine: its keys in files, and settings that point at its parts."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.stage import LOG_KEY, OFFICE_KEY, ORIGIN

SEEDS = ((OFFICE_KEY, 7, "office.phasegate.example.pem"), (LOG_KEY, 8, "phasegate.example~log.pem"))
"""The stage's keys, the byte that their seeds repeat, and the file that gives them their name back."""


def environment(home: Path, database: str, kafka: str = "") -> dict[str, str]:
    """The environment of a process that works on this ledger with the stage's keys, written below `home`."""
    folder = home / "keys"
    folder.mkdir(parents=True, exist_ok=True)
    for _, byte, name in SEEDS:
        key = Ed25519PrivateKey.from_private_bytes(bytes([byte]) * 32)
        (folder / name).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / name).chmod(0o600)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PHASEGATE_")}
    kept = {name: os.environ[name] for name in ("PHASEGATE_CACHE", "PHASEGATE_JAVA") if name in os.environ}
    own = {
        "PHASEGATE_HOME": str(home),
        "PHASEGATE_DATABASE": database,
        "PHASEGATE_KAFKA": kafka,
        "PHASEGATE_ORIGIN": ORIGIN,
        "PHASEGATE_OFFICE_KEY": str(folder / SEEDS[0][2]),
        "PHASEGATE_LOG_KEY": str(folder / SEEDS[1][2]),
    }
    return {**inherited, **kept, **own}
