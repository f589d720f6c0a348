"""Which cells an Excel source reads: names of sheets and ranges, and the simple forms of SELECT."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_provider_ssis.engine.errors import TaskFailure

_RANGE = re.compile(
    r"(?P<sheet>.+)\$(?:(?P<left>[A-Z]{1,3})(?P<top>\d+):(?P<right>[A-Z]{1,3})(?P<bottom>\d+))?", re.IGNORECASE
)
_SELECT = re.compile(
    r"\s*select\s+(?P<columns>\*|[^*()]+?)\s+from\s+(?P<table>\[[^\]]+\]|`[^`]+`|'[^']+'|[^\s;]+)\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_NAME = re.compile(r"\s*(?:\[([^\]]+)\]|`([^`]+)`|([^\s,\[\]`]+))\s*(?:,|$)")
NO_SHEET = 0xC0202005


@dataclass(frozen=True, slots=True)
class CellRange:
    """Cells of a sheet, with numbers from 0; the last row and column belong to it.

    :param sheet: the name of the sheet.
    :param top: the first row; None for the used cells of the whole sheet.
    """

    sheet: str
    top: int | None = None
    left: int = 0
    bottom: int = 0
    right: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read from a range.

    :param columns: the names of the columns; None for all.
    """

    cells: CellRange
    columns: tuple[str, ...] | None = None


def parse_range(text: str) -> CellRange:
    """Read the name of a sheet or range: ``Sheet1$``, ``'My Sheet$'``, ``Sheet1$A1:F20``.

    :param text: the name as the package stores it.
    :raises TaskFailure: it names neither, such as a named range.
    """
    name = text.strip().strip("`")
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    if name.startswith("'") and name.endswith("'") and len(name) > 1:
        name = name[1:-1].replace("''", "'")
    quoted, dollar, rest = name.rpartition("'$")
    if dollar and quoted.startswith("'"):
        name = f"{quoted[1:]}${rest}"
    match = _RANGE.fullmatch(name)
    if match is None:
        raise TaskFailure(
            f"The engine reads whole sheets and ranges of Excel, such as [Sheet1$] and [Sheet1$A1:F20], not {text!r}.",
            NO_SHEET,
        )
    if match["top"] is None:
        return CellRange(match["sheet"])
    return CellRange(
        match["sheet"], int(match["top"]) - 1, _column(match["left"]), int(match["bottom"]) - 1, _column(match["right"])
    )


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def parse_select(sql: str) -> Selection:
    """Read ``SELECT * FROM [Sheet1$]`` or ``SELECT [a], [b] FROM [Sheet1$A1:F20]``.

    :param sql: the statement.
    :raises TaskFailure: it has another form.
    """
    match = _SELECT.fullmatch(sql)
    if match is None:
        raise _unsupported(sql)
    cells = parse_range(match["table"])
    if match["columns"].strip() == "*":
        return Selection(cells)
    names, position, text = [], 0, match["columns"].strip()
    while position < len(text):
        found = _NAME.match(text, position)
        if found is None:
            raise _unsupported(sql)
        names.append(found[1] or found[2] or found[3])
        position = found.end()
    return Selection(cells, tuple(names))


def _unsupported(sql: str) -> TaskFailure:
    return TaskFailure(
        "The engine reads Excel with SELECT column, … FROM [Sheet$] only, without conditions, functions and joins. "
        f"Filter and convert in the data flow instead. The statement begins with {sql.strip()[:40]!r}.",
        0xC0202001,
    )
