"""Comparing the external columns of a component with the table that it reads or writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyodbc

from airflow_provider_ssis.datatypes import COLUMN_TYPES, DECIMALS, INTEGERS, REALS, STRINGS, DataTypeCode
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.databases.database import Database, provider_failure
from airflow_provider_ssis.engine.data_flow.databases.table_names import Quoting, split_name
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import ExternalColumn

OUT_OF_SYNC, NEW_COLUMN, CHANGED_COLUMN, MISSING_COLUMN = 0x800470C8, 0x800470C9, 0x800470CA, 0x800470CB
NEEDS_NEW_METADATA = 0xC004706B
"""DTS_E_INDIVIDUALVALIDATIONSTATUSFAILED, with the status VS_NEEDSNEWMETADATA."""

_T = DataTypeCode
_UTF_8 = 65001
_LONG_TEXT = frozenset((_T.DT_TEXT, _T.DT_NTEXT))

Description = Sequence[tuple[Any, ...]]


def describe_table(connection: pyodbc.Connection, table: str) -> Description:
    """Return the columns of a table as :attr:`pyodbc.Cursor.description` has them.

    :param table: the name as the package stores it.
    :raises TaskFailure: there is no such table, or it cannot be read.
    """
    with closing(connection.cursor()) as cursor:
        try:
            # A table cannot be a parameter; Quoting quotes its name.
            cursor.execute(f"SELECT * FROM {Quoting(connection).table(table)} WHERE 1 = 0")
        except pyodbc.Error as error:
            raise provider_failure(error, f"Opening the table {table}") from error
        found: Description = cursor.description
        return found


def check_external_columns(
    context: TaskContext,
    plan: ComponentPlan,
    connection: pyodbc.Connection,
    table: str,
    external: Sequence[ExternalColumn],
    used: Collection[str],
) -> None:
    """Compare the external columns of a component with a table: warn of differences.

    :param context: the running task.
    :param plan: the component.
    :param connection: the connection.
    :param table: the name of the table.
    :param external: the external columns.
    :param used: the names of those that the component uses.
    :raises TaskFailure: 0xC004706B, a column that is used no longer exists.
    """
    found = {str(column[0]): column for column in describe_table(connection, table)}
    folded = {name.lower(): column for name, column in found.items()}
    warnings: list[tuple[str, int]] = []
    missing = []
    for column in external:
        now = found.get(column.name) or folded.get(column.name.lower())
        if now is None:
            warnings.append((f"The column {column.name} no longer exists in {table}.", MISSING_COLUMN))
            if column.name in used:
                missing.append(column.name)
        elif _differs(column, now):
            warnings.append((f"The type of the column {column.name} of {table} has changed.", CHANGED_COLUMN))
    known = {column.name.lower() for column in external}
    new = [name for name in found if name.lower() not in known]
    warnings += [(f"The column {name} of {table} is new.", NEW_COLUMN) for name in new]
    if not warnings:
        return
    name = plan.stored.name
    context.warning(f"The external columns of {name} differ from {table}.", OUT_OF_SYNC, subcomponent=plan.subcomponent)
    for text, code in warnings:
        context.warning(text, code, subcomponent=plan.subcomponent)
    if missing:
        raise TaskFailure(
            f"{name} needs new metadata (VS_NEEDSNEWMETADATA): {table} no longer has the column {', '.join(missing)}. "
            "Update the columns of the component, or the table.",
            NEEDS_NEW_METADATA,
        )


def check_code_pages(
    context: TaskContext, plan: ComponentPlan, database: Database, table: str, pages: Mapping[str, int]
) -> None:
    """Warn of columns of a table of SQL Server whose code page is not that of the component.

    :param context: the running task.
    :param plan: the component.
    :param database: the connection.
    :param table: the name of the table.
    :param pages: the code page of each column with text that is not Unicode.
    """
    if not database.is_sql_server or not pages:
        return
    for name, page in _code_pages(database.connection, table):
        stored = next((pages[column] for column in pages if column.lower() == name.lower()), page)
        if page not in (stored, _UTF_8):
            context.warning(
                f"The column {name} of {table} has the code page {page}, and {plan.stored.name} has {stored} for it. "
                "The server writes a question mark for each character that its code page lacks. Choose a Unicode type, "
                "or a collation with the same code page.",
                CHANGED_COLUMN,
                subcomponent=plan.subcomponent,
            )


def _code_pages(connection: pyodbc.Connection, table: str) -> Sequence[tuple[str, int]]:
    """The names and code pages of the columns that are char, varchar or text; none of a temporary table."""
    quoting = Quoting(connection)
    catalog, *rest = split_name(table)
    prefix = f"{quoting.quote(catalog[0])}." if len(rest) == 2 else ""  # database, schema, table
    with closing(connection.cursor()) as cursor:
        try:
            rows = cursor.execute(
                # The prefix is a quoted name.
                "SELECT name, CAST(COLLATIONPROPERTY(collation_name, 'CodePage') AS int)"
                f" FROM {prefix}sys.columns WHERE object_id = OBJECT_ID(?) AND system_type_id IN (35, 167, 175)",
                quoting.table(table),
            ).fetchall()
        except pyodbc.Error:
            return ()  # the login has no right to see the table's columns
    return [(str(name), int(page)) for name, page in rows if page]


def _differs(column: ExternalColumn, now: Sequence[Any]) -> bool:
    """Whether the type of a column has changed; what a driver reports without certainty is not a change."""
    code = COLUMN_TYPES.get(column.data_type.name)
    python, size, precision, scale = now[1], now[3], now[4], now[5]
    if code in STRINGS:
        is_longer = python is str and bool(size) and size != column.data_type.length
        return is_longer or python not in (str, date, time, datetime)
    if code in _LONG_TEXT:
        return python is not str
    if code in INTEGERS:
        return python not in (int, bool)
    if code in REALS:
        return python is not float
    if code is _T.DT_NUMERIC:
        return python is not Decimal or (precision, scale) != (column.data_type.precision, column.data_type.scale)
    return code in DECIMALS and python is not Decimal
