"""The columns of the views, as clients see them."""

from __future__ import annotations

from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.odbc.drivers import DriverFamily


def test_the_object_type_of_extended_operation_info_may_be_null(ssisdb_emulator: SsisdbEmulator) -> None:
    query = (
        "SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS "
        "WHERE TABLE_SCHEMA = 'catalog' AND TABLE_NAME = 'extended_operation_info' AND IS_NULLABLE = 'YES' "
        "ORDER BY ORDINAL_POSITION"
    )
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
        names = [name for (name,) in connection.execute(query).fetchall()]
    assert names == ["object_type", "reference_id", "end_time"]


@pytest.mark.parametrize("family", DriverFamily)
def test_every_driver_sees_that_a_number_is_never_null(ssisdb_emulator: SsisdbEmulator, family: DriverFamily) -> None:
    """Microsoft's driver goes by the form in which the type is announced, not by the column's flag."""
    query = "SELECT operation_id, operation_type, status, process_id FROM catalog.operations"
    with closing(pyodbc.connect(ssisdb_emulator.odbc(family), autocommit=True)) as connection:
        nullable = [column[6] for column in connection.execute(query).description]
    assert nullable == [False, False, False, True]
