"""The frame of the command line: exit codes, documents, streams, and how soon it answers."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from rich.text import Text

from console import arguments, output
from console.arguments import At
from console.commands import setup
from console.commands.services import log_to_stderr
from console.main import CODES, EXITS, build_parser, main, parse
from console.output import Report, Result, Usage
from console.table_of_commands import COMMANDS, Command
from events.errors import Conflict, NotFound, PhasegateError, Refused, Tampered, Unavailable
from tests.console.conftest import Phasegate

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"prefect", "kafka", "sqlalchemy", "fastapi", "pydantic", "rich"}


def fresh(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in a new process, from the root of the repository."""
    return subprocess.run([sys.executable, "-c", script, *words], cwd=ROOT, capture_output=True, text=True, check=False)


# --- errors become exit codes, here and nowhere else ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "name"),
    [
        (Usage("u"), 2, "usage"),
        (Tampered("t"), 3, "tampered"),
        (NotFound("n"), 5, "not-found"),
        (Refused("r"), 6, "refused"),
        (Conflict("c"), 7, "conflict"),
        (Unavailable("d"), 7, "unavailable"),
        (PhasegateError("root"), 1, "unexpected"),
        (ValueError("bad"), 1, "unexpected"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_error_has_its_exit_code_and_its_document(
    phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, name: str
) -> None:
    def raising(options: argparse.Namespace, report: Report) -> Result:
        report.warn("look out")
        raise error

    monkeypatch.setattr(setup, "version", raising)
    told = phasegate("version")
    assert (told.code, told.out) == (code, "")
    assert "Traceback" not in told.err
    answer = phasegate("version", "--json")
    assert answer.code == code
    assert answer.document["error"]["code"] == name
    assert answer.document["schema"] == "phasegate/version/v1"
    assert answer.document["warnings"] == ["look out"]


def test_every_branch_of_the_error_tree_is_mapped() -> None:
    mapped = {kind for kind, _, _ in EXITS}
    assert set(PhasegateError.__subclasses__()) <= mapped


def test_the_exit_codes_are_those_of_the_interface() -> None:
    assert sorted(CODES) == [1, 2, 3, 4, 5, 6, 7, 8, 10, 130]


def test_an_unexpected_error_is_one_line_and_its_trace_is_kept(
    phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(options: argparse.Namespace, report: Report) -> Result:
        raise KeyError("lost")

    monkeypatch.setattr(setup, "version", broken)
    answer = phasegate("version", "--json")
    trace = Path(answer.document["error"]["details"]["trace"])
    assert "KeyError: 'lost'" in trace.read_text()
    assert trace.stat().st_mode & 0o077 == 0
    assert "Traceback" not in answer.err
    shown = phasegate("version", "--debug")
    assert "Traceback" in shown.err


def test_details_of_an_error_are_plain_json(phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(options: argparse.Namespace, report: Report) -> Result:
        raise Refused("no", hint="ask again", file=Path("x"), wanted=(1, None), bytes=b"\x01", more={2: {"y"}})

    monkeypatch.setattr(setup, "version", refusing)
    assert phasegate("version", "--json").document["error"] == {
        "code": "refused",
        "message": "no",
        "hint": "ask again",
        "details": {"file": "x", "wanted": [1, None], "bytes": "01", "more": {"2": ["y"]}},
    }


def test_a_result_with_an_exit_code_says_what_is_wrong(phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> None:
    def differing(options: argparse.Namespace, report: Report) -> Result:
        return Result({"n": 1}, lambda console: console.print("shown"), 4, "one differs", "look at it")

    monkeypatch.setattr(setup, "version", differing)
    told = phasegate("version")
    assert (told.code, told.out.strip()) == (4, "shown")
    assert "one differs" in told.err
    document = phasegate("version", "--json").document
    assert document["data"] == {"n": 1}
    assert document["error"]["code"] == "replay-differs"


# --- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nothing",
        "check",
        "score only-one",
        "version extra",
        "version --unknown",
        "keys",
        "keys burn",
        "config --hom x",
    ],
)
def test_a_line_that_cannot_be_read_is_usage_with_a_document(phasegate: Phasegate, line: str) -> None:
    told = phasegate(*line.split())
    assert (told.code, told.out) == (2, "")
    answer = phasegate(*line.split(), "--json")
    assert (answer.code, answer.document["error"]["code"]) == (2, "usage")


def test_help_goes_to_standard_output_and_is_no_error(phasegate: Phasegate) -> None:
    answer = phasegate("--help")
    assert answer.code == 0
    assert answer.err == ""
    assert all(re.search(rf"^ +{name}\s+\S", answer.out, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_a_function(phasegate: Phasegate, name: str) -> None:
    assert phasegate(name, "--help").code == 0
    module, _, function = COMMANDS[name].runs.partition(":")
    assert callable(getattr(__import__(module, fromlist=[function]), function))


def test_options_of_every_command_stand_before_or_after_its_name() -> None:
    before = parse(["--json", "--home", "h", "-q", "keys", "new", "x"])
    after = parse(["keys", "new", "x", "--json", "--home", "h", "-q"])
    between = parse(["keys", "--json", "--home", "h", "-q", "new", "x"])
    assert vars(before) == vars(after) == vars(between)
    assert (before.json, before.home, before.quiet, before.at) == (True, Path("h"), True, None)


def test_at_is_a_size_or_a_time() -> None:
    assert arguments.at("1041") == At(size=1041)
    assert arguments.at("2026-01-14T09:00:00Z") == At(time_ms=1768381200000)
    for text in ("-1", "yesterday", "2026-01-14", "2026-01-14T09:00:00+09:00", "١"):
        with pytest.raises(argparse.ArgumentTypeError):
            arguments.at(text)


def test_at_is_refused_where_nothing_is_read(phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = phasegate("version", "--at", "5")
    assert answer.code == 2
    assert "--at" in answer.err
    reading = Command("x", arguments.nothing, "console.commands.setup:version", reads=True)
    monkeypatch.setitem(COMMANDS, "version", reading)
    assert phasegate("version", "--at", "5").code == 0


def test_an_unusable_setting_is_usage(phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASEGATE_PARTITIONS", "many")
    answer = phasegate("config", "--json")
    assert (answer.code, answer.document["error"]["code"]) == (2, "usage")


def test_an_unknown_variable_is_a_warning(phasegate: Phasegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASEGATE_DATABSE", "x")
    answer = phasegate("config", "--json")
    assert answer.code == 0
    assert "PHASEGATE_DATABSE" in answer.document["warnings"][0]
    assert "PHASEGATE_DATABSE" in answer.err


# --- streams ----------------------------------------------------------------------------------------------------------


def test_progress_is_on_standard_error_and_quiet_silences_it(capsys: pytest.CaptureFixture[str]) -> None:
    Report().say("working")
    Report(quiet=True).say("working")
    Report(verbose=1).detail("closely")
    Report().detail("closely")
    Report(quiet=True).warn("careful")
    with Report().progress("counting", 10) as advance:
        advance(5)
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.splitlines() == ["working", "closely", "warning: careful"]


def test_long_work_says_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "SECONDS_BETWEEN_LINES", 0.0)
    with Report().progress("counting", 10) as advance:
        advance(5)
    with Report(quiet=True).progress("counting") as advance:
        advance(6)
    assert capsys.readouterr().err == "counting: 5 of 10\n"


class Unbuffered(io.StringIO):
    """Keeps what each call wrote: with PYTHONUNBUFFERED each is a write of its own, and other threads write between them."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)


def test_every_line_is_written_at_once_so_that_lines_of_several_threads_stay_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Unbuffered()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(output, "SECONDS_BETWEEN_LINES", 0.0)
    log_to_stderr(quiet=False)
    report = Report(verbose=1)
    report.say("metrics at http://127.0.0.1:9464/metrics")
    report.detail("closely")
    report.warn("careful")
    with report.progress("counting") as advance:
        advance(5)
    structlog.get_logger("any").info("performed", entries=[1])
    output.complain(PhasegateError("it is so", hint="do this"))
    assert len(stream.writes) == 6
    assert all(text.endswith("\n") for text in stream.writes)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("name", "coloured"), [("UNSET", True), ("NO_COLOR", False)])
def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch, name: str, coloured: bool) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(name, "1")
    stream = Terminal()
    output.console_on(stream).print(Text("x", style="red"))
    assert ("\x1b[31m" in stream.getvalue()) is coloured


def test_in_a_pipe_nothing_is_folded_and_brackets_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    stream = io.StringIO()
    output.console_on(stream).print("[red]" + "x" * 300)
    assert stream.getvalue() == "[red]" + "x" * 300 + "\n"


def test_a_document_is_utf_8_in_every_locale() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PHASEGATE_ORIGIN": "재단.example"}
    for words, wanted in ((["config", "--json"], "재단.example"), (["config"], "??.example")):
        run = subprocess.run(
            [sys.executable, "-m", "console", *words], cwd=ROOT, env=environment, capture_output=True, check=False
        )
        assert run.returncode == 0, run.stderr
        assert wanted in run.stdout.decode()


def test_a_reader_that_leaves_early_is_no_crash() -> None:
    script = f"'{sys.executable}' -m console version --json | true; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.stdout.strip() in {"0", "1"}


# --- real processes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--help"], ["score", "--help"], ["keys", "new", "--help"], ["nonsense"]])
def test_help_and_usage_import_nothing_heavy(words: list[str]) -> None:
    script = "import sys; from console.main import main; main(sys.argv[1:]); print('\\n' + ' '.join(sys.modules))"
    run = fresh(script, *words)
    assert run.returncode == 0, run.stderr
    assert HEAVY & {name.split(".")[0] for name in run.stdout.splitlines()[-1].split()} == set()


def test_help_comes_at_once(record_property: Callable[[str, object], None]) -> None:
    """0.3 s are promised. Machines differ, so the time is printed and only nonsense fails."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        run = subprocess.run([sys.executable, "-m", "console", "--help"], cwd=ROOT, capture_output=True, check=True)
        times.append(time.perf_counter() - began)
        assert run.stdout.startswith(b"usage: phasegate")
    record_property("seconds", min(times))
    sys.stdout.write(f"--help: {min(times):.3f} s\n")
    assert min(times) < 3


def test_the_process_leaves_with_the_exit_code() -> None:
    run = subprocess.run([sys.executable, "-m", "console.main", "check", "no-such-file"], cwd=ROOT, check=False)
    assert run.returncode == 5
    run = subprocess.run(
        [sys.executable, "-m", "console", "version", "--json"], cwd=ROOT, capture_output=True, check=False
    )
    assert json.loads(run.stdout)["data"]["versions"]["python"]


def test_the_parser_can_be_built_twice() -> None:
    assert build_parser().format_help() == build_parser().format_help()
    assert main(["version", "-q"]) == 0
