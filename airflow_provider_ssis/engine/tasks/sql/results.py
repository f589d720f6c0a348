"""The results of a batch: its first result set, the values of output parameters, and late errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.engine.connections.driver_errors import driver_message, sql_state
from airflow_provider_ssis.engine.recordset import RecordColumn, RecordSet

if TYPE_CHECKING:
    import pyodbc

_MOST_ERRORS = 100
"""Errors of one batch after which no further result is read."""


@dataclass(slots=True)
class BatchResults:
    """The results of a batch.

    :param first: the first result set; None if the batch returned none.
    :param outputs: the values of the output parameters.
    :param affected: the rows that statements changed; None if no statement reported it.
    :param ignored: the errors after the first result set, which OLE DB does not report.
    """

    first: RecordSet | None = None
    outputs: Sequence[Any] = ()
    affected: int | None = None
    ignored: list[str] = field(default_factory=list)


def read_results(cursor: pyodbc.Cursor, *, rows: int | None, has_outputs: bool, ignores_late: bool) -> BatchResults:
    """Read all results of a batch.

    :param cursor: the cursor that ran the batch.
    :param rows: how many rows of the first result set are needed; None for all.
    :param has_outputs: whether the last result set has the values of output parameters.
    :param ignores_late: whether errors after the first result set are ignored, as OLE DB does.
    :raises pyodbc.Error: the server reported an error.
    """
    found = BatchResults()
    last: RecordSet | None = None
    while True:
        if cursor.description is not None:
            if found.first is None:
                found.first = _record_set(cursor, None if has_outputs else rows)
            elif has_outputs:
                last = _record_set(cursor, None)
        elif cursor.rowcount >= 0:
            found.affected = (found.affected or 0) + cursor.rowcount
        if not _next(cursor, found.ignored, ignores=ignores_late and found.first is not None):
            break
    if has_outputs:
        if last is None:
            last, found.first = found.first, None
        found.outputs = last.rows[0] if last is not None and last.rows else ()
    return found


def _record_set(cursor: pyodbc.Cursor, most: int | None) -> RecordSet:
    columns = tuple(RecordColumn(column[0]) for column in cursor.description)
    rows = cursor.fetchall() if most is None else cursor.fetchmany(most) if most else []
    return RecordSet(columns, [tuple(row) for row in rows])


def _next(cursor: pyodbc.Cursor, ignored: list[str], *, ignores: bool) -> bool:
    import pyodbc

    while True:
        try:
            return bool(cursor.nextset())
        except pyodbc.Error as error:
            if not ignores or sql_state(error).startswith(("08", "HY008", "HYT")):
                raise
            ignored.append(driver_message(error))
            if len(ignored) >= _MOST_ERRORS:
                return False
