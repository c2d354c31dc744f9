"""From the words of a command line to the data of an event."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.acts import Act
from console.output import Usage
from events.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from console.words import Word
    from handlers.state import State


Place = Callable[[int], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Files:
    """How what is said of a file becomes a value: an artefact is named by its digest, a document is taken over whole."""

    artefact: Callable[[str], dict[str, Any]]
    document: Callable[[str], Any]


def data_of(
    act: Act, options: argparse.Namespace, state: State, place: Place, files: Files | None = None
) -> dict[str, Any]:
    """The members that the words say. Raises Usage, and NotFound for what they refer to. `place` says where the record of an
    entry stands; files are read from this machine's disk unless it is said otherwise.
    """
    data: dict[str, Any] = {}
    for word in act.words:
        said = getattr(options, word.dest)
        if said is not None:
            data |= members_of(word, said, state, place, files or ON_DISK)
    return data


def members_of(word: Word, said: Any, state: State, place: Place, files: Files) -> dict[str, Any]:
    """The members that one word says. Raises as `data_of` does."""
    if len(word.members) > 1:
        parts = said.split("/")
        if len(parts) != len(word.members) or not all(parts):
            raise Usage(f"{said!r} is not {word.metavar}", hint=f"such as {_example(word)}")
        return dict(zip(word.members, parts, strict=True))
    if word.parts:
        return {word.member: [dict(zip(word.parts, row, strict=True)) for row in said]}
    if word.kind == "entry":
        return {word.member: [place(_index(one)) for one in said]}
    if word.many:
        return {word.member: [_value(word, one, state, files) for one in said]}
    return {word.member: _value(word, said, state, files)}


def _index(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Usage(f"{text!r} is not the index of an entry", hint="a number; phasegate log PROGRAMME shows them")
    return int(text)


def _example(word: Word) -> str:
    return "team-a/policy/consistency" if "gate" in word.members else "team-a/expert/strategy"


def _value(word: Word, said: Any, state: State, files: Files) -> Any:
    match word.kind:
        case "text" | "unless" | "entry":  # An entry was looked up before.
            return said
        case "instant":
            return _instant(said, word.metavar)
        case "file":
            return files.artefact(said)
        case "document":
            return files.document(said)
        case _:
            from handlers.references import event_id

            return event_id(state, word.kind, said)


def content(path: Path) -> bytes:
    """The bytes of a file. Raises NotFound, Unavailable."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", hint="check the path") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from error


def _artefact_on_disk(path: str) -> dict[str, Any]:
    held = content(Path(path))
    return {"name": Path(path).name, "sha256": hashlib.sha256(held).hexdigest(), "bytes": len(held)}


def _document_on_disk(path: str) -> Any:
    try:
        return json.loads(content(Path(path)))
    except ValueError as error:
        raise Usage(f"{path} is not JSON: {error}") from None


ON_DISK = Files(_artefact_on_disk, _document_on_disk)


def _instant(text: str, what: str) -> str:
    from events.values import format_instant, parse_instant

    try:
        return format_instant(parse_instant(text))
    except ValueError as error:
        raise Usage(f"{what}: {error}", hint="such as 2026-01-15T06:00:00Z") from None


def validated(name: str, data: dict[str, Any]) -> dict[str, Any]:
    """The same data, if the model of the type takes it. Raises Usage naming the first member that it does not."""
    from pydantic import ValidationError

    from events.names import TYPES

    try:
        TYPES[f"phasegate.{name}.v1"].model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = _dotted(first["loc"])
        if first["type"] == "missing":
            raise Usage(
                f"{where} is not said, and does not follow from the record", hint=f"say it: --{where}"
            ) from None
        raise Usage(f"{where}: {first['msg']}; got {str(first['input'])[:80]!r}", hint="docs/reference.md") from None
    return data


def _dotted(place: Sequence[Any]) -> str:
    return ".".join(str(part) for part in place) or "data"


def moment(state: State, now: str | None, *, is_needed: bool) -> int:
    """When an act happens: as the clock says; in a programme's own time as it was told, or as of the last receipt where
    nothing is sent.
    """
    from events.values import parse_instant
    from infra.clock import now_ms

    if state.clock != "scenario":
        if now is not None:
            raise Usage(f"{state.programme} runs in the broker's time, which nobody can set", hint="leave --now out")
        return now_ms()
    if now is not None:
        return parse_instant(_instant(now, "--now"))
    if is_needed:
        raise Usage(
            f"{state.programme} runs in its own time", hint="say what time it is there: --now 2026-01-15T06:00:00Z"
        )
    return max(state.order_ms.values(), default=0)
