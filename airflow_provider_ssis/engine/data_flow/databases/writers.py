"""Choosing how a table is written."""

from __future__ import annotations

from contextlib import closing

import mssql_python

from airflow_provider_ssis.engine.data_flow.databases.bulk_loading import BulkWriter, can_bulk_load
from airflow_provider_ssis.engine.data_flow.databases.database import Database, driver_text
from airflow_provider_ssis.engine.data_flow.databases.inserting import InsertWriter
from airflow_provider_ssis.engine.data_flow.databases.table_names import Quoting
from airflow_provider_ssis.engine.data_flow.databases.table_writer import TableWriter, WriteOptions, columns_of_table
from airflow_provider_ssis.engine.errors import TaskFailure

NO_FAST_LOAD = 0xC0202040
"""DTS_E_CANNOTGETIROWSETFASTLOAD."""


_TRIGGERS = "SELECT COUNT(*) FROM sys.triggers WHERE parent_id = OBJECT_ID(?) AND is_disabled = 0"


def open_writer(database: Database, options: WriteOptions, *, single_transaction: bool) -> TableWriter:
    """Return a writer for a table.

    :param database: the connection.
    :param options: how the table is written.
    :param single_transaction: whether everything is committed at the end.
    :raises TaskFailure: 0xC0202040, the library of the bulk load cannot connect.
    """
    table = columns_of_table(database.connection, options.table)

    def inserts() -> TableWriter:
        _check_triggers(database, options)
        return InsertWriter(database, options, table, single_transaction=single_transaction)

    text = database.microsoft_string if options.is_bulk and not database.in_transaction else None
    if text is None or not can_bulk_load(options):
        return inserts()
    try:
        return BulkWriter(database, text, options, table, single_transaction=single_transaction, otherwise=inserts)
    except (mssql_python.Error, RuntimeError, ValueError) as error:
        raise TaskFailure(
            f"A fast load of {options.table} cannot connect: {driver_text(error)} Write the table without fast "
            "load, or use another way to log in.",
            NO_FAST_LOAD,
        ) from error


def _check_triggers(database: Database, options: WriteOptions) -> None:
    """Check that INSERT statements do not run triggers that a bulk load would not run."""
    if not options.is_bulk or options.fire_triggers or not database.is_sql_server:
        return
    with closing(database.connection.cursor()) as cursor:
        count = cursor.execute(_TRIGGERS, Quoting(database.connection).table(options.table)).fetchval()
    if count:
        raise TaskFailure(
            f"{options.table} cannot be written as a bulk load, and INSERT statements would run its {count} triggers. "
            "Add the fast load option FIRE_TRIGGERS, or disable the triggers.",
            NO_FAST_LOAD,
        )
