"""What a command says: its result on standard output, everything else on standard error.

Nothing heavy is imported before it is needed: `--help` and errors must come at once.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from events.errors import PhasegateError

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_IN_A_PIPE = 400
"""Columns where nobody watches: ids, hashes and tables are not folded."""
SECONDS_BETWEEN_LINES = 10.0


class Usage(PhasegateError):
    """The command line asks for something that the command does not have."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command found. `data` is plain JSON; `render` shows the same to people.

    With an exit code other than 0 `problem` says in one sentence what is wrong, and `hint` what to do next.
    """

    data: Mapping[str, Any]
    render: Callable[[Console], None]
    exit_code: int = 0
    problem: str = ""
    hint: str = ""


@dataclass(slots=True)
class Report:
    """Progress and warnings of a running command, on standard error. Warnings also go into the JSON document."""

    quiet: bool = False
    verbose: int = 0
    warnings: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """A step of the work."""
        if not self.quiet:
            _line(text)

    def detail(self, text: str) -> None:
        """Something that only `-v` shows."""
        if self.verbose:
            _line(text)

    def warn(self, text: str) -> None:
        """Something that does not stop the work but may be wrong; shown even when quiet."""
        self.warnings.append(text)
        _line(f"warning: {text}")

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Gives a function that is told how much is done: a bar where a person watches, else a line now and then."""
        if self.quiet:
            yield lambda _done: None
        elif sys.stderr.isatty():
            with _bar(what, total) as advance:
                yield advance
        else:
            yield _lines(what, total)


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _lines(what: str, total: int | None) -> Callable[[int], None]:
    last = time.monotonic()

    def advance(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            _line(f"{what}: {done}" + (f" of {total}" if total is not None else ""))

    return advance


def _line(text: str) -> None:
    """Line and end in one write: `print` makes two where nothing is buffered, and another thread's line comes between."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def prepare_streams() -> None:
    """UTF-8 for documents; a terminal that cannot show a letter gets a substitute instead of a crash."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def write_json(document: Mapping[str, Any]) -> None:
    """One document, UTF-8 whatever the locale, keys sorted, so that two runs can be compared by `diff`."""
    text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:
        sys.stdout.write(text)
    else:
        sys.stdout.flush()
        raw.write(text.encode("utf-8", errors="replace"))
    sys.stdout.flush()


def show(result: Result) -> None:
    """The result for people."""
    result.render(console_on(sys.stdout))
    sys.stdout.flush()


def console_on(stream: TextIO) -> Console:
    """A rich console: colours where a person watches and NO_COLOR is not set, no folding in a pipe."""
    from rich.console import Console

    width = None if stream.isatty() or os.environ.get("COLUMNS") else WIDTH_IN_A_PIPE
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


def answer(schema: str, result: Result, warnings: list[str], code: str) -> dict[str, Any]:
    """The document of a command that came to its end. `code` names the exit code when it is not 0."""
    document: dict[str, Any] = {
        "schema": schema,
        "ok": result.exit_code == 0,
        "data": result.data,
        "warnings": warnings,
    }
    if result.exit_code:
        document["error"] = {"code": code, "message": result.problem, "details": {}, "hint": result.hint}
    return document


def failure(schema: str, error: PhasegateError, warnings: list[str], code: str) -> dict[str, Any]:
    """The document of a command that was stopped by an error."""
    about = {"code": code, "message": error.message, "details": _plain(error.details), "hint": error.hint}
    return {"schema": schema, "ok": False, "error": about, "warnings": warnings}


def _plain(value: object) -> Any:
    """Details as JSON: errors carry paths, bytes and tuples too."""
    match value:
        case None | bool() | int() | str():
            return value
        case Mapping():
            return {str(key): _plain(part) for key, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(part) for part in value]
        case bytes():
            return value.hex()
        case _:
            return str(value)


def complain(error: PhasegateError) -> None:
    """The error for people: what, and what to do next."""
    _line(f"phasegate: {error.message}" + (f"\n  next: {error.hint}" if error.hint else ""))
