"""Errors, split by what the caller must do next.

PhasegateError
├── Refused        a rule said no; asking again changes nothing
├── Conflict       someone else wrote first; drop what is cached, read again, retry
├── Tampered       stored bytes contradict each other; stop and keep the evidence
├── Unavailable    a real part (broker, database, key, engine) is not to be had; retry later
└── NotFound       the named thing is not there
"""

from __future__ import annotations


class PhasegateError(Exception):
    """The root. `hint` is the next thing to do, shown after the message; `details` are values for machines."""

    def __init__(self, message: str, *, hint: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class Refused(PhasegateError):
    """A rule said no. Asking again with the same input gives the same answer."""


class Conflict(PhasegateError):
    """Another writer moved the head first. Nothing was written; read again and retry."""


class Tampered(PhasegateError):
    """Stored bytes contradict each other or their signature. Stop; nothing here can be trusted until it is explained."""


class Unavailable(PhasegateError):
    """A real part does not answer. The same call may succeed later."""


class NotFound(PhasegateError):
    """The named programme, entry, file or decision is not there."""
