"""Names of logs: who keeps them, then the programme. A ledger that was made again from Kafka keeps its logs under a name of
its own, `<origin>/rebuilt-<12 hex>`, so that two histories never stand under one name (docs/decisions/0024).
"""

from __future__ import annotations

import re
from typing import Final

_REBUILT: Final = re.compile(r"(.+)/rebuilt-[0-9a-f]{12}")


def rebuilt_origin(origin: str, token: bytes) -> str:
    """The origin of a ledger rebuilt from that of `origin`, which may be a rebuilt one itself. `token` has 6 random bytes:
    whoever rebuilds twice makes two logs, with other salts.
    """
    return f"{first_origin(origin)}/rebuilt-{token.hex()}"


def is_rebuilt(origin: str) -> bool:
    """Whether the logs under an origin were made again from Kafka."""
    return _REBUILT.fullmatch(origin) is not None


def first_origin(origin: str) -> str:
    """The origin under which the programmes began; the same for one that was never rebuilt."""
    found = _REBUILT.fullmatch(origin)
    return origin if found is None else found[1]


def programme_of(log: str) -> str:
    """The programme that a log's name ends in, or the name of a log of records without a usable key."""
    return log[log.index("unrouted/") :] if "unrouted/" in log else log.rpartition("/")[2]


def origin_of(log: str, programme: str) -> str:
    """The origin of a programme's log by the log's name; empty where the name is not made of the two."""
    return log.removesuffix(f"/{programme}") if log.endswith(f"/{programme}") else ""


def is_other_history(log: str, other: object, programme: str) -> bool:
    """Whether `other` names a log of the same programme that this one, a rebuilt one, may have been made from."""
    own, before = origin_of(log, programme), origin_of(str(other), programme)
    return is_rebuilt(own) and own != before and first_origin(own) == first_origin(before)
