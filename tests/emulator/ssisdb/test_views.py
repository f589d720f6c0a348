"""The columns of the views, as clients see them."""

from __future__ import annotations

from contextlib import closing

import pyodbc

from airflow_provider_ssis.emulator.server import SsisdbEmulator


def test_the_object_type_of_extended_operation_info_may_be_null(ssisdb_emulator: SsisdbEmulator) -> None:
    query = (
        "SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS "
        "WHERE TABLE_SCHEMA = 'catalog' AND TABLE_NAME = 'extended_operation_info' AND IS_NULLABLE = 'YES' "
        "ORDER BY ORDINAL_POSITION"
    )
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
        names = [name for (name,) in connection.execute(query).fetchall()]
    assert names == ["object_type", "reference_id", "end_time"]
