"""Reading a rulebook from YAML: every scalar as text, no duplicate keys, no anchors, aliases or tags, lines kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from events.errors import NotFound, Refused

Place = tuple[str | int, ...]
_LARGEST = 4_000_000
_DEEPEST = 60


class RulebookUnreadable(Refused):
    """The file is not the YAML that a rulebook may be; the message names the line."""


@dataclass(frozen=True, slots=True)
class LoadedRulebook:
    """The document as written, and the line (from 1) on which each of its members begins, by path."""

    document: Any
    lines: Mapping[Place, int]

    def line(self, path: Place) -> int:
        """The line of the path, or of the nearest member around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def load(path: Path) -> LoadedRulebook:
    """The rulebook of a file. Raises NotFound, or RulebookUnreadable at the first line that cannot be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no rulebook at {path}", hint="check the path") from None
    except OSError as error:
        raise RulebookUnreadable(f"{path}: {error.strerror}", hint="name a readable file") from None
    if len(data) > _LARGEST:
        raise RulebookUnreadable(f"{path} has {len(data)} bytes, at most {_LARGEST} are read", hint="is it a rulebook?")
    try:
        return loads(data.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise RulebookUnreadable(f"{path} is not UTF-8 (byte {error.start})", hint="save it as UTF-8") from None


def loads(text: str, name: str = "rulebook") -> LoadedRulebook:
    """The rulebook of a text. Raises RulebookUnreadable."""
    try:
        _refuse_references(text, name)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        raise RulebookUnreadable(f"{where}: {error.problem or error.context}", hint="correct the YAML there") from None
    except yaml.YAMLError as error:
        raise RulebookUnreadable(f"{name}: {error}", hint="correct the YAML") from None
    if node is None:
        raise RulebookUnreadable(f"{name} is empty", hint="start with programme: and phases:")
    lines: dict[Place, int] = {}
    return LoadedRulebook(_plain(node, (), lines, name), lines)


def _refuse_references(text: str, name: str) -> None:
    """Anchors, aliases and tags would make the document differ from what is read; nesting is bounded here too."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise RulebookUnreadable(f"{name}:{line}: nested deeper than {_DEEPEST}", hint="flatten it")
        if (anchor := getattr(event, "anchor", None)) is not None:
            kind = "alias" if isinstance(event, yaml.AliasEvent) else "anchor"
            raise RulebookUnreadable(f"{name}:{line}: {kind} {anchor!r}", hint="write the value out where it stands")
        if (tag := getattr(event, "tag", None)) is not None:
            raise RulebookUnreadable(f"{name}:{line}: tag {tag!r}", hint="leave it out; every scalar is text")


def _plain(node: yaml.Node, path: Place, lines: dict[Place, int], name: str) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*path, index), lines, name) for index, child in enumerate(node.value)]
    assert isinstance(node, yaml.MappingNode)
    plain: dict[str, Any] = {}
    for key, child in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise RulebookUnreadable(f"{name}:{line}: a key is a {key.id}", hint="use a plain name as the key")
        if key.value in plain:
            first = lines[(*path, key.value)]
            raise RulebookUnreadable(
                f"{name}:{line}: {key.value!r} stands already on line {first}", hint="leave one of them"
            )
        lines[(*path, key.value)] = line
        plain[key.value] = _plain(child, (*path, key.value), lines, name)
    return plain
