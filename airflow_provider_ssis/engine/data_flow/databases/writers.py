"""Choosing how a table is written."""

from __future__ import annotations

from airflow_provider_ssis.engine.data_flow.databases.bulk_loading import BulkWriter, can_bulk_load
from airflow_provider_ssis.engine.data_flow.databases.database import Database
from airflow_provider_ssis.engine.data_flow.databases.inserting import InsertWriter
from airflow_provider_ssis.engine.data_flow.databases.table_writer import TableWriter, WriteOptions, columns_of_table


def open_writer(database: Database, options: WriteOptions, *, single_transaction: bool) -> TableWriter:
    """Return a writer for a table.

    :param database: the connection.
    :param options: how the table is written.
    :param single_transaction: whether everything is committed at the end.
    """
    table = columns_of_table(database.connection, options.table)

    def inserts() -> TableWriter:
        return InsertWriter(database, options, table, single_transaction=single_transaction)

    text = database.microsoft_string if options.is_bulk and not database.in_transaction else None
    if text is None or not can_bulk_load(options):
        return inserts()
    return BulkWriter(database, text, options, table, single_transaction=single_transaction, otherwise=inserts)
