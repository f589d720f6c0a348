"""Which cells an Excel source reads: names of sheets and ranges, and the simple forms of SELECT."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.workbooks.parts import column_number

_RANGE = re.compile(
    r"(?P<sheet>.+)\$(?P<area>(?P<left>[A-Z]{1,3})(?P<top>\d+)?:(?P<right>[A-Z]{1,3})(?P<bottom>\d+)?)?", re.IGNORECASE
)
_SELECT = re.compile(
    r"\s*select\s+(?:top\s+(?P<top>\d{1,7})\s+)?(?P<columns>\*|[^*()]+?)\s+from\s+"
    r"(?P<table>\[[^\]]+\]|`[^`]+`|'[^']+'|[^\s;]+)\s*(?:where\s+(?P<conditions>.+?))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(
    r"\s*(?:\[([^\]]+)\]|`([^`]+)`|(\w+))\s+is\s+(?P<not>not\s+)?null\s*(?:\band\b|$)", re.IGNORECASE
)
_NAME = re.compile(r"\s*(?:\[([^\]]+)\]|`([^`]+)`|([^\s,\[\]`]+))\s*(?:,|$)")
_RANGE_NAME = re.compile(r"[^\W\d][\w. ]*")
_LAST_ROW = 1_048_576
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
    """The rows and columns that are read from a range.

    :param columns: the names of the columns; None for all.
    :param nulls: the columns that decide which rows are read, each with whether it must be NULL. Default: none.
    :param count: the most rows; None for all.
    """

    cells: CellRange
    columns: tuple[str, ...] | None = None
    nulls: tuple[tuple[str, bool], ...] = ()
    count: int | None = None


def parse_range(text: str) -> CellRange:
    """Read the name of a sheet or range: ``Sheet1$``, ``'My Sheet$'``, ``Sheet1$A1:F20``, ``MyRange``.

    A range without its last row, ``Sheet1$A3:F``, ends with the sheet; ``Sheet1$A:F`` are whole columns.

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
    if match["area"] is None:
        return CellRange(match["sheet"])
    return CellRange(
        match["sheet"],
        int(match["top"] or 1) - 1,
        column_number(match["left"]) - 1,
        int(match["bottom"] or _LAST_ROW) - 1,
        column_number(match["right"]) - 1,
    )


def parse_select(sql: str) -> Selection:
    """Read ``SELECT [a], [b] FROM [Sheet1$A1:F20]`` or ``SELECT TOP 9 * FROM [Sheet1$] WHERE [a] IS NOT NULL``.

    :param sql: the statement.
    :raises TaskFailure: it has another form.
    """
    match = _SELECT.fullmatch(sql)
    if match is None:
        raise _unsupported(sql)
    cells = parse_range(match["table"])
    nulls = tuple(
        (found[1] or found[2] or found[3], not found["not"])
        for found in _parts(_CONDITION, (match["conditions"] or "").strip(), sql)
    )
    count = None if match["top"] is None else int(match["top"])
    if match["columns"].strip() == "*":
        return Selection(cells, None, nulls, count)
    names = tuple(found[1] or found[2] or found[3] for found in _parts(_NAME, match["columns"].strip(), sql))
    return Selection(cells, names, nulls, count)


def _parts(pattern: re.Pattern[str], text: str, sql: str) -> Iterator[re.Match[str]]:
    """The parts of a list, which must match as a whole."""
    position = 0
    while position < len(text):
        found = pattern.match(text, position)
        if found is None:
            raise _unsupported(sql)
        yield found
        position = found.end()


def _unsupported(sql: str) -> TaskFailure:
    return TaskFailure(
        "The engine reads Excel with SELECT column, … FROM [Sheet$] only, without functions and joins, and with no "
        "other conditions than IS NULL and IS NOT NULL. "
        f"Filter and convert in the data flow instead. The statement begins with {sql.strip()[:40]!r}.",
        0xC0202001,
    )
