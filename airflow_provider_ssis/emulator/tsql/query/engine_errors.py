"""DuckDB's errors as SQL Server's."""

from __future__ import annotations

import logging
import re
from typing import Final

import duckdb

from airflow_provider_ssis.emulator.tsql.values.arithmetic import division_by_zero
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, cancelled, not_supported, out_of_memory

log = logging.getLogger(__name__)

_KNOWN: Final = (
    (re.compile("Division by zero", re.IGNORECASE), division_by_zero),
    (
        re.compile("More than one row returned by a subquery"),
        lambda: SqlError(512, "The subquery returned more than one value."),
    ),
    (
        re.compile('in function "string_agg" must be a constant'),
        lambda: SqlError(8733, "The separator of STRING_AGG must be a string literal or a variable."),
    ),
    (
        re.compile("Conflict on|write-write conflict", re.IGNORECASE),
        lambda: SqlError(
            1205, "Another transaction changed the same row first. Run the transaction again.", severity=13
        ),
    ),
    (
        # An aggregate in a subquery over columns of the outer query makes that one a grouped query.
        re.compile("must appear in the GROUP BY clause"),
        lambda: SqlError(8120, "A column is neither in an aggregate function nor in the GROUP BY clause."),
    ),
    (
        re.compile("LATERAL join cannot contain aggregates"),
        lambda: not_supported("An aggregate over columns of the query around it"),
    ),
)


def of_python(error: Exception) -> SqlError:
    """The error of SQL Server for an exception of Python in a function.

    An unexpected exception is logged, and becomes an internal error.
    """
    match error:
        case SqlError():
            return error
        case ZeroDivisionError():
            return division_by_zero()
        case ArithmeticError():
            return SqlError(8115, "Arithmetic overflow: a result is out of the range of its type.")
        case MemoryError():
            return out_of_memory()
        case RecursionError():
            return SqlError(8631, "The expression nests too deeply to be computed.", severity=17)
        case UnicodeError():
            return not_supported("A string with half of a surrogate pair in a query with FROM")
    log.error("internal error in a function", exc_info=error)
    text = f"Internal error of the server ({type(error).__name__}). Please report it with the server's log."
    return SqlError(50000, text, ends_batch=True)


def translated(error: duckdb.Error) -> SqlError:
    """The error of SQL Server for a DuckDB error.

    An unexpected error is shown as 50000 with DuckDB's text: it is a fault of this server, and the text is
    needed for a report.
    """
    text = str(error)
    for pattern, known in _KNOWN:
        if pattern.search(text):
            return known()
    if (match := _NULL.search(text)) is not None:
        table, column = (_bare(part) for part in match.groups())
        return no_null(re.sub(r" \d+$", "", table), column)
    if (match := _MISSING.search(text)) is not None:
        return SqlError(208, f"Invalid object name '{match[1]}': another session has just dropped it.")
    if isinstance(error, duckdb.OutOfRangeException) or "out of range" in text:
        return SqlError(8115, "Arithmetic overflow: a result is out of the range of its type.")
    if isinstance(error, duckdb.ConversionException):
        return SqlError(8114, f"Error converting a value: {_first_line(text)}")
    if isinstance(error, duckdb.InterruptException):
        return cancelled()
    if isinstance(error, duckdb.OutOfMemoryException):
        return out_of_memory()
    return SqlError(50000, f"Internal error of the server at this query: {_first_line(text)}")


_NAME: Final = r'(\w+|"(?:[^"]|"")*")'
_MISSING: Final = re.compile(r"Table with name (.+?) does not exist")
_NULL: Final = re.compile(rf"NOT NULL constraint failed: {_NAME}\.{_NAME}")


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def no_null(table: str, column: str) -> SqlError:
    """The error for NULL in a column that does not allow it."""
    text = f"Cannot insert NULL into column '{column}' of table '{table}': the column does not allow NULL."
    return SqlError(515, text, state=2)


def _first_line(text: str) -> str:
    return text.split("\n", maxsplit=1)[0]
