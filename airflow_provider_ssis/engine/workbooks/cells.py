"""Values as the XML of cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.workbooks.parts import CANNOT_OPEN, column_letters

MOST_CHARACTERS = 32_767
"""The most UTF-16 units of a cell."""

_ESCAPED = re.compile("_x[0-9A-Fa-f]{4}_|[\x00-\x08\x0b-\x0d\x0e-\x1f\ufffe\uffff]")
_FIRST_DAY = datetime(1899, 12, 30)
"""Day 0 of the calendar of OLE."""
_FIRST_DATE = datetime(1900, 1, 1)
_FALSE_LEAP_DAY = datetime(1900, 3, 1)
"""Excel counts 29 February 1900, which did not exist."""
_1904 = 1462
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CellColumn:
    """How the values of a column are written.

    :param number: the number of the column, from 1.
    :param cell_format: the index of the cell format; 0 for that of the sheet.
    """

    number: int
    cell_format: int = 0


def has_serial_number(value: datetime) -> bool:
    """Return whether Excel can show a date: from 1900, or a time of the day 0 of OLE."""
    return value >= _FIRST_DATE or value.date() == _FIRST_DAY.date()


def serial_number(value: datetime, *, starts_in_1904: bool) -> float:
    """Return the number by which Excel stores a date.

    :param value: the date; see :func:`has_serial_number`.
    :param starts_in_1904: whether the workbook counts from 1904.
    :raises TaskFailure: the date is before 1904, and the workbook counts from there.
    """
    number = (value - _FIRST_DAY) / _DAY
    if starts_in_1904:
        if 1 <= number < _1904:
            raise TaskFailure("The workbook counts dates from 1904 and cannot contain earlier ones.", CANNOT_OPEN)
        return number if number < 1 else number - _1904
    return number - 1 if _FIRST_DATE <= value < _FALSE_LEAP_DAY else number


def rows_xml(
    columns: Sequence[CellColumn], values: Sequence[Sequence[Any]], first_row: int, prefix: str, *, in_1904: bool
) -> Iterator[bytes]:
    """Yield rows as XML.

    :param columns: the columns, in ascending order.
    :param values: the values of each column: str, bool, int, float, Decimal, datetime, or None for an empty cell.
    :param first_row: the number of the first row, from 1.
    :param prefix: the prefix of the elements with a colon; empty for none.
    :param in_1904: whether the workbook counts dates from 1904.
    """
    cells = [_cells(column, each, prefix, in_1904) for column, each in zip(columns, values, strict=True)]
    row, end = f'<{prefix}row r="', f"</{prefix}row>"
    letters = [f'<{prefix}c r="{column_letters(column.number)}' for column in columns]
    for number, line in enumerate(zip(*cells, strict=True), first_row):
        parts = [f"{start}{number}{cell}" for start, cell in zip(letters, line, strict=True) if cell is not None]
        yield f'{row}{number}">{"".join(parts)}{end}'.encode()


def _cells(column: CellColumn, values: Sequence[Any], prefix: str, in_1904: bool) -> list[str | None]:
    """The tag of each cell after the number of its row; None for an empty cell."""
    style = f' s="{column.cell_format}"' if column.cell_format else ""
    number, end = f'"{style}><{prefix}v>', f"</{prefix}v></{prefix}c>"
    flag = f'"{style} t="b"><{prefix}v>'
    text = f'"{style} t="inlineStr"><{prefix}is><{prefix}t xml:space="preserve">'
    text_end = f"</{prefix}t></{prefix}is></{prefix}c>"
    found: list[str | None] = []
    for value in values:
        if value is None:
            found.append(None)
        elif isinstance(value, str):
            found.append(f"{text}{_escaped(value)}{text_end}")
        elif isinstance(value, bool):
            found.append(f"{flag}{int(value)}{end}")
        elif isinstance(value, datetime):
            found.append(f"{number}{serial_number(value, starts_in_1904=in_1904)!r}{end}")
        else:
            found.append(f"{number}{value}{end}")
    return found


def _escaped(text: str) -> str:
    """Text of an element: characters that XML does not have are written as ``_xHHHH_``, as Excel does."""
    return _ESCAPED.sub(lambda match: f"_x{ord(match[0][0]):04X}_{match[0][1:]}", escape(text))
