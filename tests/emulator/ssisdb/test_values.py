"""Values of variables and parameters: which are accepted, and what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.odbc.drivers import DriverFamily
from tests.support.mart import MART

LARGE = Decimal(12345678901234567890123456789012345678)


@pytest.fixture(params=DriverFamily)
def connection(request: pytest.FixtureRequest, ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    family: DriverFamily = request.param
    with closing(pyodbc.connect(ssisdb_emulator.odbc(family), autocommit=True)) as connection:
        connection.execute("EXEC catalog.create_folder N'Sales'")
        connection.execute("EXEC catalog.create_environment N'Sales', N'Prod'")
        connection.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", MART)
        yield connection


def test_a_decimal_of_38_digits_is_stored_as_it_is(connection: pyodbc.Connection) -> None:
    connection.execute(f"EXEC catalog.create_environment_variable N'Sales', N'Prod', N'v', N'Decimal', 0, {LARGE}")
    query = (
        "SELECT CAST(value AS decimal(38,0)), CAST(SQL_VARIANT_PROPERTY(value, 'Precision') AS int),"
        " CAST(SQL_VARIANT_PROPERTY(value, 'Scale') AS int) FROM catalog.environment_variables"
    )
    assert tuple(connection.execute(query).fetchone()) == (LARGE, 38, 0)
    small = "0." + "1" * 38
    connection.execute(f"EXEC catalog.set_environment_variable_value N'Sales', N'Prod', N'v', {small}")
    found = connection.execute("SELECT CAST(value AS decimal(38,38)) FROM catalog.environment_variables").fetchval()
    assert found == Decimal(small)


def test_a_decimal_of_38_digits_is_stored_as_a_parameter(connection: pyodbc.Connection) -> None:
    connection.execute(
        f"EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'Discount', {LARGE}, N'Load.dtsx'"
    )
    query = (
        "SELECT CAST(default_value AS decimal(38,0)) FROM catalog.object_parameters WHERE parameter_name = 'Discount'"
    )
    assert connection.execute(query).fetchval() == LARGE
    execution_id = connection.execute(
        "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id OUTPUT;"
        f" EXEC catalog.set_execution_parameter_value @id, 30, N'Discount', {LARGE.copy_negate()}; SELECT @id"
    ).fetchval()
    query = (
        "SELECT CAST(parameter_value AS decimal(38,0)) FROM catalog.execution_parameter_values"
        f" WHERE execution_id = {execution_id} AND parameter_name = 'Discount'"
    )
    assert connection.execute(query).fetchval() == LARGE.copy_negate()


def test_a_sensitive_decimal_must_fit_into_what_is_encrypted(connection: pyodbc.Connection) -> None:
    with pytest.raises(pyodbc.Error, match="8115"):
        connection.execute(f"EXEC catalog.create_environment_variable N'Sales', N'Prod', N'v', N'Decimal', 1, {LARGE}")


def test_a_parameter_that_refers_to_a_variable_of_another_type_is_a_warning(connection: pyodbc.Connection) -> None:
    connection.execute("EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Text', N'String', 0, N'x'")
    connection.execute("EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Number', N'Int32', 0, 1")
    bind = "EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'BatchSize', N'{}', N'Load.dtsx', 'R'"
    # Without a reference, there is no variable to compare with.
    assert warnings(connection, bind.format("Text")) == []
    reference_id = connection.execute(
        "DECLARE @id bigint;"
        " EXEC catalog.create_environment_reference N'Sales', N'Mart', N'Prod', 'R', NULL, @id OUTPUT; SELECT @id"
    ).fetchval()
    assert warnings(connection, bind.format("Number")) == []
    assert warnings(connection, bind.format("text")) == [27148]
    values = f"EXEC catalog.get_parameter_values N'Sales', N'Mart', N'Load.dtsx', {reference_id}"
    assert warnings(connection, values) == [27148]


def warnings(connection: pyodbc.Connection, statement: str) -> list[int]:
    """The numbers of the messages that are not errors."""
    cursor = connection.execute(statement)
    found = list(cursor.messages or [])
    while cursor.nextset():
        found += cursor.messages or []
    return [int(kind.rpartition("(")[2].rstrip(")")) for kind, _ in found]


@pytest.mark.parametrize(
    "arguments", ["@runinscaleout = 1, @useanyworker = 1", "@runinscaleout = 1", "@runinscaleout = 0"]
)
def test_scale_out_with_any_worker_runs_the_package(connection: pyodbc.Connection, arguments: str) -> None:
    execution_id = connection.execute(
        "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id OUTPUT,"
        f" {arguments}; EXEC catalog.set_execution_parameter_value @id, 50, N'SYNCHRONIZED', 1;"
        " EXEC catalog.start_execution @id; SELECT @id"
    ).fetchval()
    status = connection.execute(f"SELECT status FROM catalog.executions WHERE execution_id = {execution_id}").fetchval()
    assert status == 7
