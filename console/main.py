"""The command `phasegate`: the one place where errors become exit codes. What there is: `console.table_of_commands`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence

from console import arguments, output
from console.output import Report, Result, Usage
from console.table_of_commands import COMMANDS, Command
from events.errors import Conflict, NotFound, PhasegateError, Refused, Tampered, Unavailable

UNEXPECTED, USAGE, INTERRUPTED = 1, 2, 130
EXITS: Sequence[tuple[type[PhasegateError], int, str]] = (
    (Usage, USAGE, "usage"),
    (Tampered, 3, "tampered"),
    (NotFound, 5, "not-found"),
    (Refused, 6, "refused"),
    (Conflict, 7, "conflict"),
    (Unavailable, 7, "unavailable"),
)
CODES: Mapping[int, str] = {
    1: "unexpected",
    2: "usage",
    3: "tampered",
    4: "replay-differs",
    5: "not-found",
    6: "refused",
    7: "unavailable",
    8: "incomplete",
    10: "attention-needed",
    130: "interrupted",
}
"""What a command's own exit code is called in its document."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, also for a usage error, `--help` and an interruption."""
    words = list(sys.argv[1:] if argv is None else argv)
    output.prepare_streams()
    try:
        return _run(words)
    except BrokenPipeError:
        # Whoever read our output has left (`| head`); point stdout elsewhere or the interpreter complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNEXPECTED


def _run(words: list[str]) -> int:
    report = Report(quiet="-q" in words or "--quiet" in words)
    schema = "phasegate/error/v1"
    as_json, debug = "--json" in words, "--debug" in words
    try:
        options = parse(words)
        schema = schema_of(options)
        report.quiet, report.verbose = options.quiet, options.verbose
        result = _function(COMMANDS[options.command])(options, report)
    except SystemExit as leaving:  # --help
        return int(leaving.code or 0)
    except KeyboardInterrupt:
        return _fail(schema, PhasegateError("interrupted"), report, (INTERRUPTED, "interrupted"), as_json=as_json)
    except PhasegateError as error:
        _trace(debug=debug)
        return _fail(schema, error, report, _exit_of(error), as_json=as_json)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence: reported, with its trace kept
        return _fail(schema, _unexpected(error, debug=debug), report, (UNEXPECTED, "unexpected"), as_json=as_json)
    if as_json:
        output.write_json(output.answer(schema, result, report.warnings, CODES.get(result.exit_code, "")))
    else:
        output.show(result)
        if result.exit_code and result.problem:
            output.complain(PhasegateError(result.problem, hint=result.hint))
    return result.exit_code


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options of a command line. Raises Usage."""
    options = build_parser(words).parse_args(words, argparse.Namespace(**arguments.GLOBAL_DEFAULTS))
    if options.at is not None and not COMMANDS[options.command].reads:
        raise Usage(f"{options.command} does not read the log, so --at means nothing to it", hint="leave --at out")
    return options


def build_parser(words: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The parser of all commands; nothing of the commands themselves is imported. Of commands that none of the words names
    only the name and the summary are made, so that `--help` comes at once.
    """
    shared = arguments.global_options()
    parser = arguments.Parser(
        prog="phasegate",
        description="Phase decisions of funding programmes, each of which can be replayed and proved.",
        parents=[shared],
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for name, command in COMMANDS.items():
        is_named = words is None or name in words
        parents = [shared] if is_named else []
        own = commands.add_parser(name, help=command.summary, description=command.summary + ".", parents=parents)
        if is_named:
            command.arguments(own)
    return parser


def _function(command: Command) -> Callable[[argparse.Namespace, Report], Result]:
    module, _, name = command.runs.partition(":")
    function: Callable[[argparse.Namespace, Report], Result] = getattr(importlib.import_module(module), name)
    return function


def schema_of(options: argparse.Namespace) -> str:
    """The name of a command's document: `phasegate/score/v1`, `phasegate/keys-new/v1`."""
    return f"phasegate/{'-'.join(filter(None, (options.command, getattr(options, 'action', None))))}/v1"


def _exit_of(error: PhasegateError) -> tuple[int, str]:
    return next(((code, name) for kind, code, name in EXITS if isinstance(error, kind)), (UNEXPECTED, "unexpected"))


def _fail(schema: str, error: PhasegateError, report: Report, exits: tuple[int, str], *, as_json: bool) -> int:
    code, name = exits
    if as_json:
        output.write_json(output.failure(schema, error, report.warnings, name))
    else:
        output.complain(error)
    return code


def _unexpected(error: Exception, *, debug: bool) -> PhasegateError:
    """The error in one line, with the path of its trace."""
    descriptor, path = tempfile.mkstemp(prefix="phasegate-", suffix=".trace", text=True)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        traceback.print_exc(file=file)
    _trace(debug=debug)
    first = next(iter(str(error).splitlines()), "")
    return PhasegateError(
        f"unexpected: {type(error).__name__}: {first}",
        hint=f"the whole trace is in {path}; --debug shows it",
        trace=path,
    )


def _trace(*, debug: bool) -> None:
    if debug:
        traceback.print_exc(file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
