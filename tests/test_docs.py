"""The documents say all of it, and what they say is so.

Every stored name, reason code, setting and command has its entry in `docs/`: a heading, the first cell of a table's row
or the beginning of a list item, that has the name in backticks. What the documents tell a reader to type exists.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
GUIDES = [ROOT / "README.md", *DOCS]
FOLDERS = {".venv", ".git", "node_modules", ".pytest_cache"}
MARKDOWN = [path for path in sorted(ROOT.rglob("*.md")) if not FOLDERS & set(path.relative_to(ROOT).parts)]

HEADING = re.compile(r"^ {0,3}(#{1,6}) +(.*?) *#*$")
ENTRY = re.compile(
    r"^(?:#{1,6} +(?P<heading>.*)|\|(?P<cell>(?:`[^`]*`|[^|`])*)\||\s*[-*] +(?P<item>(?:[*_]*`[^`]+`[*_]*[ ,/]*)+))"
)
CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"(?<!\\)!?\[(?:[^\]\\]|\\.)*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
SHELL = {"sh", "bash", "console", "shell"}


def prose(path: Path) -> Iterator[str]:
    """The lines outside of fenced code."""
    fence = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        mark = re.match(r" *(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence:
            yield line


def blocks(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The fenced blocks: their language and their lines."""
    for found in re.finditer(
        r"^ *```(\w*)[^\n]*\n(.*?)^ *```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        yield found[1], found[2].splitlines()


def entries() -> set[str]:
    """Every name that has an entry somewhere in docs/."""
    names: set[str] = set()
    for path in DOCS:
        for line in prose(path):
            if found := ENTRY.match(line):
                names.update(CODE.findall(found["heading"] or found["cell"] or found["item"] or ""))
    return names


def assert_documented(kind: str, names: Iterable[str], documented: set[str]) -> None:
    missing = sorted(name for name in names if name not in documented)
    assert missing == [], f"{kind} without a heading, row or item in docs/: {', '.join(missing)}"


def typed(path: Path) -> Iterator[list[str]]:
    """The words of each command line in shell blocks; of a session, only the lines with a prompt."""
    for language, lines in blocks(path):
        if language not in SHELL:
            continue
        session = any(line.lstrip().startswith("$ ") for line in lines)
        for line in lines:
            text = line.strip()
            if not text or text.startswith("#") or (session and not text.startswith("$ ")):
                continue
            for part in re.split(r"&&|\|\||;|\|", text.removeprefix("$ ").rstrip("\\")):
                yield (
                    shlex.split(part, comments=True)
                    if part.count("'") % 2 == part.count('"') % 2 == 0
                    else part.split()
                )


def arguments_of(program: str, path: Path) -> Iterator[list[str]]:
    """What stands after a program's name, by its plain name or by a path to it."""
    for line in typed(path):
        words = [word for word in line if not re.fullmatch(r"[A-Z_]+=\S*", word)]
        if words and Path(words[0]).name == program:
            yield words[1:]


def anchors(path: Path) -> set[str]:
    """The anchors of headings, made as code hosts make them."""
    made: set[str] = set()
    for line in prose(path):
        if found := HEADING.match(line):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found[2]).lower()
            slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            count = sum(1 for other in made if re.fullmatch(re.escape(slug) + r"(-\d+)?", other))
            made.add(f"{slug}-{count}" if count else slug)
    return made


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def name_of(path: object) -> str:
    return str(path.relative_to(ROOT)) if isinstance(path, Path) else str(path)


# --- everything has its entry -----------------------------------------------------------------------------------------


def test_every_stored_name_has_its_entry() -> None:
    from events.names import TYPES

    assert_documented("stored names", TYPES, entries())


def test_every_reason_of_refusal_has_its_entry() -> None:
    from events.reasons import REFUSALS

    assert_documented("reason codes", REFUSALS, entries())


def test_every_code_of_a_decision_has_its_entry() -> None:
    """Each table of codes: reasons of outcomes, of holds, and whatever else is told by a code."""
    from handlers import reasons

    tables = {name: table for name, table in vars(reasons).items() if name.isupper() and isinstance(table, dict)}
    assert {"REASONS", "HOLDS"} <= set(tables)
    for name, table in tables.items():
        assert_documented(f"codes of {name}", table, entries())


def test_every_setting_has_its_entry() -> None:
    from infra.settings import Settings

    assert_documented("settings", [f"PHASEGATE_{name.upper()}" for name in Settings.model_fields], entries())


def test_every_setting_says_what_it_is() -> None:
    from infra.settings import Settings

    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_command_has_its_entry() -> None:
    """An entry begins with the command's name: `run SCENARIO` and `phasegate run` are entries of `run`."""
    from console.table_of_commands import COMMANDS

    documented = {entry.removeprefix("phasegate ") for entry in entries()}
    names = {word for entry in documented for word in (entry, entry.split(" ")[0])}
    assert_documented("commands", COMMANDS, names)


def test_every_make_target_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (\S+)$", text, re.MULTILINE))
    assert phony == set(re.findall(r"^([a-z-]+):.*## \S", text, re.MULTILINE))


# --- what the documents say is so -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_a_guide_names_only_targets_of_the_makefile(path: Path) -> None:
    named = {
        word for words in arguments_of("make", path) for word in words if not word.startswith("-") and "=" not in word
    }
    assert named - targets() == set()


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_a_guide_names_only_commands_of_phasegate(path: Path) -> None:
    from console.table_of_commands import COMMANDS

    named = {words[0] for words in arguments_of("phasegate", path) if words and not words[0].startswith("-")}
    assert named - set(COMMANDS) == set()


def test_the_readme_shows_the_two_commands() -> None:
    assert {"demo", "test"} <= {word for words in arguments_of("make", ROOT / "README.md") for word in words}


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_help_in_a_guide_is_what_help_prints(path: Path) -> None:
    """A block that begins with `$ phasegate … --help` shows that output to the letter, at 100 columns."""
    for _, lines in blocks(path):
        if lines and re.fullmatch(r"\$ phasegate\b.* --help", lines[0].strip()):
            command = [sys.executable, "-m", "console.main", *shlex.split(lines[0].strip())[2:]]
            environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
            run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
            assert "\n".join(lines[1:]).strip() == run.stdout.strip(), f"{lines[0]} prints something else"


@pytest.mark.parametrize("path", MARKDOWN, ids=name_of)
def test_every_link_leads_somewhere(path: Path) -> None:
    broken = [target for target in links(path) if not _leads_somewhere(path, unquote(target))]
    assert broken == []


def links(path: Path) -> Iterator[str]:
    for line in prose(path):
        for target in LINK.findall(CODE.sub("", line)):
            if not re.match(r"[a-z][a-z+.-]*:", target):
                yield target


def _leads_somewhere(path: Path, target: str) -> bool:
    file, _, anchor = target.partition("#")
    goal = path.parent / file if file else path
    if not goal.exists() or not goal.resolve().is_relative_to(ROOT):
        return False
    return not anchor or goal.suffix != ".md" or anchor in anchors(goal)


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").iterdir())
    assert names != [], "docs/decisions has no decision yet"
    assert [name for name in names if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name)] == []
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


# --- the tests above can fail -----------------------------------------------------------------------------------------


def test_entries_and_links_are_read_as_markdown_says(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# `score.recorded` and more\n\n| `late` | text |\n| --- | --- |\n- `PHASEGATE_X`: a setting\n- not `this`\n"
        "[a](page.md#x) `[b](no.md)` [c](https://example.com) ![d](d.png)\n\n```sh\n$ make test ARGS=-x  # all\n"
        "make no\n"
        "$ PHASEGATE_X=1 .venv/bin/phasegate run x | phasegate verify\n```\n## A & b: `c`\n",
        encoding="utf-8",
    )
    found = [ENTRY.match(line) for line in prose(page)]
    texts = [entry["heading"] or entry["cell"] or entry["item"] for entry in found if entry]
    assert CODE.findall(" ".join(texts)) == ["score.recorded", "late", "PHASEGATE_X", "c"]
    assert list(links(page)) == ["page.md#x", "d.png"]
    assert list(arguments_of("make", page)) == [["test"]]
    assert list(arguments_of("phasegate", page)) == [["run", "x"], ["verify"]]
    assert anchors(page) == {"scorerecorded-and-more", "a--b-c"}
