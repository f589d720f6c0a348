"""Writing rows into a table: the options, and the interface of writers."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa
import pyodbc

from airflow_provider_ssis.engine.data_flow.databases.statuses import ValueStatus
from airflow_provider_ssis.engine.data_flow.databases.table_names import split_name
from airflow_provider_ssis.engine.data_flow.databases.target_columns import TargetColumn


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a table is written.

    :param table: its name as the package stores it.
    :param columns: the columns that are written, in the order of the batches' columns.
    :param is_fast: whether whole batches are written and fail together, instead of single rows.
    :param is_bulk: whether the table is bulk loaded, if the database has that and the connection allows it.
    :param keep_identity: whether identity columns get the values of the flow.
    :param keep_nulls: whether a NULL stays NULL instead of the default of its column; fast load only.
    :param check_constraints: whether CHECK and FOREIGN KEY constraints are checked by a bulk load.
    :param table_lock: whether a bulk load locks the whole table.
    :param fire_triggers: whether a bulk load runs the triggers of the table.
    :param timeout: the longest time of a statement, in seconds; 0 for no limit.
    """

    table: str
    columns: tuple[TargetColumn, ...]
    is_fast: bool
    is_bulk: bool = False
    keep_identity: bool = False
    keep_nulls: bool = False
    check_constraints: bool = True
    table_lock: bool = False
    fire_triggers: bool = True
    timeout: int = 0


class WriteError(Exception):
    """A statement was rejected by the database, and all of its rows with it.

    :param status: the kind of the error.
    :param reason: the text of the database.
    """

    def __init__(self, status: ValueStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class TableWriter(ABC):
    """Writes batches into a table."""

    @abstractmethod
    def write(self, rows: pa.RecordBatch) -> None:
        """Write and commit rows, all or none of them.

        :param rows: the rows, with the columns of the options.
        :raises WriteError: the database rejected them.
        :raises Cancelled: the run was cancelled.
        """

    def finish(self) -> None:  # noqa: B027 a writer that commits each batch needs none
        """Commit what is not committed yet."""

    def close(self, *, failed: bool) -> None:  # noqa: B027 not all writers hold something
        """Release everything; roll back what is not committed."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table in the database.

    :param has_default: whether it has a default.
    :param is_identity: whether the database numbers its rows.
    :param read_only: why no value can be written; empty if one can.
    """

    name: str
    has_default: bool
    is_identity: bool
    read_only: str = ""


def columns_of_table(connection: pyodbc.Connection, table: str) -> Sequence[TableColumn]:
    """Return the columns of a table; none if the driver does not know the table, such as a temporary one.

    :param table: the name as the package stores it.
    """
    parts = [name for name, _is_quoted in split_name(table)]
    catalog, schema = ([None, None, *parts[:-1]])[-2:]
    with closing(connection.cursor()) as cursor:
        try:
            rows = cursor.columns(
                table=_pattern(connection, parts[-1]), catalog=catalog or None, schema=schema
            ).fetchall()
        except pyodbc.Error:
            return ()
        names = [column[0].lower() for column in cursor.description]
    is_sql_server = "SQL Server" in str(connection.getinfo(pyodbc.SQL_DBMS_NAME))
    found = []
    for row in rows:
        values = dict(zip(names, row, strict=True))
        if str(values["table_name"]).lower() != parts[-1].lower():
            continue
        type_name = str(values.get("type_name") or "").lower()
        default = values.get("column_def")
        is_numbered = str(default or "").lower().startswith("nextval(")
        is_identity = is_numbered or type_name.endswith("identity") or bool(values.get("ss_is_identity"))
        is_version = is_sql_server and type_name == "timestamp"
        read_only = "computed" if values.get("ss_is_computed") else "a row version" if is_version else ""
        has_default = default is not None and not is_identity
        found.append(TableColumn(str(values["column_name"]), has_default, is_identity, read_only))
    return found


def _pattern(connection: pyodbc.Connection, name: str) -> str:
    """The name for a catalog function, where ``_`` and ``%`` match anything."""
    escape = str(connection.getinfo(pyodbc.SQL_SEARCH_PATTERN_ESCAPE) or "")
    if not escape:
        return name
    return "".join(escape + one if one in f"_%{escape}" else one for one in name)


_STATUS_OF_STATE: dict[str, ValueStatus] = {
    "22001": ValueStatus.TRUNCATED,
    "22003": ValueStatus.OVERFLOW,
    "22007": ValueStatus.CONVERSION,
    "22008": ValueStatus.OVERFLOW,
    "22018": ValueStatus.CONVERSION,
    "22P02": ValueStatus.CONVERSION,
    "23502": ValueStatus.NULL,
    "42501": ValueStatus.PERMISSION,
}
_STATUS_OF_NUMBER = {
    229: ValueStatus.PERMISSION,
    230: ValueStatus.PERMISSION,
    515: ValueStatus.NULL,
    2628: ValueStatus.TRUNCATED,
    8152: ValueStatus.TRUNCATED,
}
"""Numbers of SQL Server whose state other errors have, too."""
_NUMBER = re.compile(r"\[SQL Server\].*\((\d+)\) \(\w+\)", re.DOTALL)


def status_of(error: pyodbc.Error) -> ValueStatus:
    """Return the kind of an error of a driver, by its SQLSTATE and the number of SQL Server."""
    state = str(error.args[0]) if error.args else ""
    text = str(error.args[-1])
    number = _NUMBER.search(text)
    if number is not None and int(number[1]) in _STATUS_OF_NUMBER:
        return _STATUS_OF_NUMBER[int(number[1])]
    if state.startswith("23"):
        return _STATUS_OF_STATE.get(state, ValueStatus.INTEGRITY)
    return _STATUS_OF_STATE.get(state, ValueStatus.UNKNOWN)
