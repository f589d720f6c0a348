"""Which cells an Excel source reads: names of sheets and ranges, and the simple forms of SELECT."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.workbooks.parts import column_number

_RANGE = re.compile(
    r"(?P<sheet>.+)\$(?:(?P<left>[A-Z]{1,3})(?P<top>\d+):(?P<right>[A-Z]{1,3})(?P<bottom>\d+))?", re.IGNORECASE
)
_SELECT = re.compile(
    r"\s*select\s+(?P<columns>\*|[^*()]+?)\s+from\s+(?P<table>\[[^\]]+\]|`[^`]+`|'[^']+'|[^\s;]+)\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_NAME = re.compile(r"\s*(?:\[([^\]]+)\]|`([^`]+)`|([^\s,\[\]`]+))\s*(?:,|$)")
_RANGE_NAME = re.compile(r"[^\W\d][\w. ]*")
NO_SHEET = 0xC0202005


@dataclass(frozen=True, slots=True)
class CellRange:
    """Cells of a sheet, with numbers from 0; the last row and column belong to it.

    :param sheet: the name of the sheet; empty for a named range.
    :param top: the first row; None for the used cells of the whole sheet.
    :param name: the named range, or a table that was created with that name. Default: none.
    """

    sheet: str
    top: int | None = None
    left: int = 0
    bottom: int = 0
    right: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read from a range.

    :param columns: the names of the columns; None for all.
    """

    cells: CellRange
    columns: tuple[str, ...] | None = None


def parse_range(text: str) -> CellRange:
    """Read the name of a sheet or range: ``Sheet1$``, ``'My Sheet$'``, ``Sheet1$A1:F20``, ``MyRange``.

    :param text: the name as the package stores it.
    :raises TaskFailure: it names neither.
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
    if match is None and _RANGE_NAME.fullmatch(name):
        return CellRange("", name=name)
    if match is None:
        raise TaskFailure(
            "The engine knows sheets, ranges and named ranges of Excel, such as [Sheet1$], [Sheet1$A1:F20] and "
            f"MyRange, not {text!r}.",
            NO_SHEET,
        )
    if match["top"] is None:
        return CellRange(match["sheet"])
    return CellRange(
        match["sheet"],
        int(match["top"]) - 1,
        column_number(match["left"]) - 1,
        int(match["bottom"]) - 1,
        column_number(match["right"]) - 1,
    )


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
