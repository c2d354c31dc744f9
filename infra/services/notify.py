"""How a service says that it is ready: sd_notify(3), the protocol of systemd and of our own keeper.

Where nobody asked (NOTIFY_SOCKET is not set), nothing is sent.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

VARIABLE = "NOTIFY_SOCKET"
READY = b"READY=1"


def ready() -> None:
    """Tells whoever started this process that it does its work now. Who does not listen any more is not told."""
    address = os.environ.get(VARIABLE, "")
    if not address:
        return
    place = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(READY, place)
        except OSError:
            return


def listener(path: Path) -> socket.socket:
    """Where one service may say it; `path` is what it finds in NOTIFY_SOCKET. Close it, and remove the path."""
    path.unlink(missing_ok=True)
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(path))
    return heard


def is_said(heard: socket.socket, within_s: float) -> bool:
    """Whether it was said, waiting no longer than this."""
    heard.settimeout(within_s)
    try:
        return READY in heard.recv(4096).splitlines()
    except (TimeoutError, BlockingIOError):
        return False
