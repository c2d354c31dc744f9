"""Taste that fails the build: sizes, names, leftovers, and nothing of one person's machine.

A rule is a function from one file to what is wrong in it, as `line: reason`. `BREACHES` shows each what it must see.
This file quotes what it forbids, so the rules of text leave it out.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
SELF = "tests/test_tidy.py"

LINES_OF_CODE, LINES_OF_TESTS, LINES_OF_A_FUNCTION, BYTES_OF_A_FILE = 250, 400, 60, 600_000
ROOT_FILES = {
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "NOTICE", "Makefile", "Dockerfile"),
    "compose.yaml",
    *("pyproject.toml", "requirements.in", "requirements-dev.in", "requirements.lock"),
    *(".gitignore", ".gitattributes", ".dockerignore", ".editorconfig"),
}
ROOT_FOLDERS = {"events", "handlers", "infra", "flows", "console", "examples", "benchmarks", "docs", "tests", ".ci"}
BUILD_FILES = re.compile(r"(requirements[^/]*|pyproject\.toml|Makefile|Dockerfile|\.ci/.*)")
DATA = {".json", ".ndjson", ".jsonl", ".csv"}

NOTHING_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
NOTHING_SUFFIXES = re.compile(r".+(Event|Data|Info|Manager)")
OPEN_ENDS = re.compile(r"\b(FIXME|TODO|XXX|HACK)\b")
BLANKET_IGNORE = re.compile(r"#\s*(type:\s*ignore(?!\[)|noqa(?!:\s*[A-Z]+[0-9]+))")
ONE_MACHINE = re.compile(r"(?<![\w.:/-])/(?:root|work|opt/wheels|home/\w+|Users/\w+)/")
REGISTRIES = re.compile(r"\b(pypi\.org|pythonhosted\.org|repo1?\.maven\.|registry\.npmjs|proxy\.golang|index\.crates)")
HOSTS = re.compile(r"[a-z+]+://|--(extra-)?index-url|--find-links|--trusted-host|\bgit\+|\b\d+\.\d+\.\d+\.\d+:\d+\b")


class Source(NamedTuple):
    """A file of the repository: its path from the root, with `/`, and its text (empty when it is not UTF-8)."""

    path: str
    text: str

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    @property
    def is_vendored(self) -> bool:
        """Others' code, kept as it came (its SHA-256 is checked elsewhere), and licence texts."""
        return "/vendor/" in self.path or ".min." in self.path or self.path == "LICENSE"

    def matches(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
        """Line number and text of every match."""
        for number, line in enumerate(self.text.splitlines(), 1):
            if found := pattern.search(line):
                yield number, found.group()

    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(ast.parse(self.text)) if self.is_python else iter(())


Rule = Callable[[Source], Iterator[str]]


def long_files(source: Source) -> Iterator[str]:
    limit = LINES_OF_TESTS if source.path.startswith("tests/") else LINES_OF_CODE
    count = len(source.text.splitlines())
    if source.is_python and count > limit:
        yield f"{count}: the file has {count} lines, {limit} are allowed; split it by subject"


def long_functions(source: Source) -> Iterator[str]:
    for node in source.nodes():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > LINES_OF_A_FUNCTION:
                yield f"{node.lineno}: {node.name} has {count} lines, {LINES_OF_A_FUNCTION} are allowed"


def modules_named_for_nothing(source: Source) -> Iterator[str]:
    parts = source.path.removesuffix(".py").split("/")
    for part in parts if source.is_python else ():
        if part.strip("_").removeprefix("test_") in NOTHING_NAMES:
            yield f"1: {part!r} says nothing; name the module for its subject"


def classes_named_for_nothing(source: Source) -> Iterator[str]:
    for node in source.nodes():
        if isinstance(node, ast.ClassDef) and NOTHING_SUFFIXES.fullmatch(node.name):
            yield f"{node.lineno}: class {node.name}; drop the suffix, name what it is"


def swallowed_errors(source: Source) -> Iterator[str]:
    for node in source.nodes():
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield f"{node.lineno}: a bare except; name what is expected"
        elif _is_broad(node.type) and not any(_does_something(step) for step in node.body):
            yield f"{node.lineno}: every error is swallowed; name what is expected, or let it stop the work"


def _does_something(step: ast.stmt) -> bool:
    is_constant = isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)
    return not is_constant and not isinstance(step, ast.Pass | ast.Continue)


def _is_broad(caught: ast.expr) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"} for name in names)


def open_ends(source: Source) -> Iterator[str]:
    if Path(source.path).suffix not in DATA:
        for number, text in source.matches(OPEN_ENDS):
            yield f"{number}: {text}; do it, or write an issue"


def blanket_ignores(source: Source) -> Iterator[str]:
    for number, text in source.matches(BLANKET_IGNORE) if source.is_python else ():
        yield f"{number}: {text!r} silences everything; name the code in it"


def paths_of_one_machine(source: Source) -> Iterator[str]:
    for number, text in source.matches(ONE_MACHINE):
        yield f"{number}: {text} exists on one machine only"


def registries(source: Source) -> Iterator[str]:
    for number, text in source.matches(REGISTRIES):
        yield f"{number}: {text} belongs to the settings of a machine, not here"


def hosts_in_build_files(source: Source) -> Iterator[str]:
    if BUILD_FILES.fullmatch(source.path):
        for number, text in source.matches(HOSTS):
            yield f"{number}: {text!r}; name what is installed by version and hash; where from is the machine's affair"


RULES_OF_CODE: tuple[Rule, ...] = (
    long_files,
    long_functions,
    modules_named_for_nothing,
    classes_named_for_nothing,
    swallowed_errors,
)
RULES_OF_TEXT: tuple[Rule, ...] = (open_ends, blanket_ignores, paths_of_one_machine, registries, hosts_in_build_files)

BREACHES = [
    (long_files, "events/a.py", "x = 1\n" * 251),
    (long_files, "tests/test_a.py", "x = 1\n" * 401),
    (long_functions, "events/a.py", "def f():\n" + "    x = 1\n" * 60),
    (long_functions, "tests/test_a.py", "async def f():\n" + "    x = 1\n" * 60),
    (modules_named_for_nothing, "events/utils.py", ""),
    (modules_named_for_nothing, "infra/common/__init__.py", ""),
    (modules_named_for_nothing, "infra/_base.py", ""),
    (classes_named_for_nothing, "events/a.py", "class ScoreEvent: ..."),
    (classes_named_for_nothing, "infra/a.py", "class FlowManager: ..."),
    (swallowed_errors, "infra/a.py", "try:\n    f()\nexcept:\n    raise"),
    (swallowed_errors, "infra/a.py", "try:\n    f()\nexcept Exception:\n    pass"),
    (swallowed_errors, "infra/a.py", "for x in y:\n  try:\n    f()\n  except (OSError, Exception) as e:\n    continue"),
    (swallowed_errors, "infra/a.py", "try:\n    f()\nexcept BaseException:\n    ..."),
    (open_ends, "docs/a.md", "Sizes: TODO"),
    (blanket_ignores, "infra/a.py", "f(x)  # type: ignore"),
    (blanket_ignores, "infra/a.py", "f(x)  # noqa"),
    (paths_of_one_machine, "docs/a.md", "see /home/kim/phasegate"),
    (paths_of_one_machine, ".ci/run", 'cd "/root/x"'),
    (registries, "docs/a.md", "from https://pypi.org/simple"),
    (hosts_in_build_files, "requirements.lock", "--index-url mirror"),
    (hosts_in_build_files, "requirements.in", "x @ git+ssh://somewhere/x"),
    (hosts_in_build_files, ".ci/run", "curl https://example.com"),
]
FINE = [
    (long_files, "events/a.py", "x = 1\n" * 250),
    (long_functions, "events/a.py", "def f():\n" + "    x = 1\n" * 59),
    (modules_named_for_nothing, "events/database.py", ""),
    (classes_named_for_nothing, "events/a.py", "class Event: ..."),
    (swallowed_errors, "infra/a.py", "try:\n    f()\nexcept Exception:\n    log()\n    raise"),
    (swallowed_errors, "infra/a.py", "try:\n    f()\nexcept FileNotFoundError:\n    pass"),
    (blanket_ignores, "infra/a.py", "f(x)  # type: ignore[arg-type]  # noqa: S101"),
    (paths_of_one_machine, "docs/a.md", "GET /v1/work/1 and ./root/x and tree/root/"),
    (hosts_in_build_files, "docs/a.md", "https://example.com"),
]


def repository() -> list[Source]:
    """Every file that is tracked, or would be by `git add .`; what .gitignore names is nobody's business here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    return [Source(path, _text(ROOT / path)) for path in sorted(set(listed.split("\0"))) if (ROOT / path).is_file()]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@pytest.fixture(scope="module")
def files() -> list[Source]:
    return repository()


@pytest.mark.parametrize("rule", RULES_OF_CODE, ids=lambda rule: rule.__name__)
def test_code_has_no(rule: Rule, files: list[Source]) -> None:
    assert [f"{file.path}:{fault}" for file in files for fault in rule(file)] == []


@pytest.mark.parametrize("rule", RULES_OF_TEXT, ids=lambda rule: rule.__name__)
def test_text_has_no(rule: Rule, files: list[Source]) -> None:
    ours = [file for file in files if file.path != SELF and not file.is_vendored]
    assert [f"{file.path}:{fault}" for file in ours for fault in rule(file)] == []


@pytest.mark.parametrize(("rule", "path", "text"), BREACHES)
def test_a_rule_sees_its_breach(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text))) != []


@pytest.mark.parametrize(("rule", "path", "text"), FINE)
def test_a_rule_leaves_alone_what_is_fine(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text))) == []


def test_every_rule_has_been_shown_a_breach() -> None:
    assert {rule for rule, _, _ in BREACHES} == {*RULES_OF_CODE, *RULES_OF_TEXT}


def test_the_root_holds_nothing_but_what_belongs_there(files: list[Source]) -> None:
    """Plans and notes are not for readers of the code; decisions go to docs/decisions."""
    assert {file.path for file in files if "/" not in file.path} - ROOT_FILES == set()
    assert {file.path.split("/")[0] for file in files if "/" in file.path} - ROOT_FOLDERS == set()


def test_no_file_is_a_blob(files: list[Source]) -> None:
    sizes = {file.path: (ROOT / file.path).stat().st_size for file in files}
    assert {path: size for path, size in sizes.items() if size > BYTES_OF_A_FILE} == {}
