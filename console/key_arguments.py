"""What `keys` and `witness` take on their lines."""

from __future__ import annotations

import argparse
from pathlib import Path

from console import arguments


def keys(parser: argparse.ArgumentParser) -> None:
    arguments.actions(
        parser,
        {
            "new": ("make a signing key", _key_name),
            "list": ("list the keys of this home", arguments.nothing),
            "rotate": ("say from when on a source signs with another key", _key_change),
            "revoke": ("say from when on a key signs nothing any more", _key_change),
        },
    )


def _key_change(parser: argparse.ArgumentParser) -> None:
    arguments.programme(parser)
    parser.add_argument("key", metavar="KEY", help="a vkey, or the name of a key of this home")
    about = parser.add_mutually_exclusive_group()
    about.add_argument("--source", metavar="URI", help="whose key it is (default: the office's)")
    about.add_argument("--log", action="store_true", help="it is the key that signs the log's checkpoints")
    parser.add_argument(
        "--from", dest="start", metavar="T", help="from when on (default: rotate in a minute, revoke now)"
    )
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why; it goes on record")


def _key_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the key's name, such as office or example.org/auditor")


def witness(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", type=Path, metavar="FILE", help="the witness's key (default <home>/keys/witness.pem)")
    parser.add_argument(
        "--log", action="append", metavar="VKEY", help="a log to witness, repeatable (default PHASEGATE_LOG_VKEYS)"
    )
    parser.add_argument(
        "--listen", type=listen, default=("127.0.0.1", 7468), metavar="HOST:PORT", help="default 127.0.0.1:7468"
    )
    parser.add_argument("--prefix", default="", metavar="PATH", help="what stands before /add-checkpoint, such as /w1")


def listen(text: str) -> tuple[str, int]:
    """`127.0.0.1:7468`, `[::1]:7468`; port 0 is a free one."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as 127.0.0.1:7468")
    return host.removeprefix("[").removesuffix("]"), int(port)
