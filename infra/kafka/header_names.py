"""Header names that are not UTF-8, which kafka-python 3.0.12 cannot read and a broker does not refuse.

One such record, which anybody with write access can send, would stop the intake at its offset for good (and the next
poll would never return). It must reach the ledger instead, to be refused there like any other record. The release is
pinned in requirements.in; the test `a_header_name_that_is_not_utf8` says whether this is still needed and still works.
"""

from __future__ import annotations

from typing import Any

from kafka.record.default_records import DefaultRecordBatch

_read_strictly = DefaultRecordBatch._read_msg  # noqa: SLF001 - no public way to say how names are decoded


def read_any_header_name() -> None:
    """From now on, bytes of a header name that are not UTF-8 are read as backslash escapes. Idempotent."""
    DefaultRecordBatch._read_msg = _read_leniently  # noqa: SLF001


def _read_leniently(batch: Any) -> Any:
    try:
        return _read_strictly(batch)
    except UnicodeDecodeError:
        batch._buffer = _Buffer(batch._buffer)  # noqa: SLF001 - the position has not moved: the record is read again
        return _read_strictly(batch)


class _Name(bytearray):
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")


class _Buffer(bytearray):
    """Only names are decoded from a record's slices; keys and values are copied as bytes."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _Name(found) if isinstance(index, slice) else found
