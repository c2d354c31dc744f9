"""Tables of marks as CSV: team, criterion, item, evaluator, value, reference."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from io import StringIO
from pathlib import Path

from events.errors import NotFound, Refused
from events.values import parse_number

COLUMNS = ("team", "criterion", "item", "evaluator", "value", "reference")
_NEEDED = COLUMNS[:5]


class MarksFileInvalid(Refused):
    """The table cannot be read; the message names the line."""


@dataclass(frozen=True, slots=True)
class MarkRow:
    """One line of the table: the slot, and exact numbers."""

    team: str
    criterion: str
    item: str
    evaluator: str
    value: Fraction
    reference: Fraction | None
    line: int

    @property
    def slot(self) -> tuple[str, str, str, str]:
        return self.team, self.criterion, self.item, self.evaluator


def read_marks(path: Path) -> list[MarkRow]:
    """The rows in the order of the file. Raises NotFound, or MarksFileInvalid at the first bad line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"there is no table of marks at {path}", hint="check the path") from None
    except UnicodeDecodeError as error:
        raise MarksFileInvalid(f"{path} is not UTF-8 (byte {error.start})", hint="save it as UTF-8") from None
    reader = csv.DictReader(StringIO(text, newline=""), strict=True)
    absent = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
    if absent:
        raise MarksFileInvalid(
            f"{path} has no column {absent[0]!r}; its columns are {', '.join(reader.fieldnames or ()) or 'none'}",
            hint=f"the first line must name {', '.join(COLUMNS)}",
        )
    try:
        return _without_repeats(path, [_row(path, reader.line_num, fields) for fields in reader])
    except csv.Error as error:
        raise MarksFileInvalid(f"{path}:{reader.line_num}: {error}", hint="quote fields as RFC 4180 does") from None


def _row(path: Path, line: int, fields: Mapping[str | None, str | list[str] | None]) -> MarkRow:
    cells = {name: fields.get(name) for name in COLUMNS}
    texts = {name: cell.strip() if isinstance(cell, str) else "" for name, cell in cells.items()}
    empty = [name for name in _NEEDED if not texts[name]]
    if empty or None in fields:
        problem = f"{empty[0]!r} is empty" if empty else "there are more fields than columns"
        raise MarksFileInvalid(f"{path}:{line}: {problem}", hint=f"each line has {', '.join(COLUMNS)}")
    try:
        value = _number(texts["value"])
        reference = _number(texts["reference"]) if texts["reference"] else None
    except ValueError as error:
        raise MarksFileInvalid(f"{path}:{line}: {error}", hint="write numbers such as 17.5") from None
    return MarkRow(texts["team"], texts["criterion"], texts["item"], texts["evaluator"], value, reference, line)


@lru_cache(maxsize=4096)
def _number(text: str) -> Fraction:
    return parse_number(text)


def _without_repeats(path: Path, rows: list[MarkRow]) -> list[MarkRow]:
    first: dict[tuple[str, str, str, str], int] = {}
    for row in rows:
        earlier = first.setdefault(row.slot, row.line)
        if earlier != row.line:
            raise MarksFileInvalid(
                f"{path}:{row.line}: {'/'.join(row.slot)} has a mark already on line {earlier}",
                hint="leave one of them",
            )
    return rows
