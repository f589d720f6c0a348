"""Calls about folders, projects, environments and values that are refused, and the names of types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.emulator.ssisdb import ssis_types
from tests.support.catalog_objects import prepare, variable
from tests.support.catalog_sql import connect, error_number, rows, value

REFUSED = [
    ("rename_folder NULL, N'x'", 27189),
    ("rename_folder N'Sales', N'a<b'", 27199),
    ("rename_folder N'Nowhere', N'Other'", 27104),
    ("rename_folder N'Sales', N'OTHER'", 27129),
    ("rename_environment N'Sales', N'Prod', NULL", 27138),
    ("rename_environment N'Sales', N'None', N'a<b'", 27142),
    ("rename_environment N'Sales', N'None', N'New'", 27182),
    ("rename_environment N'Sales', N'Prod', N'Prod'", 27157),
    ("move_environment N'Sales', N'None', N'Nowhere'", 27182),
    ("move_environment N'Sales', N'Prod', N'Nowhere'", 27115),
    ("move_environment N'Sales', N'Prod', N'Sales'", 27157),
    ("move_project N'Sales', N'None', N'Nowhere'", 27109),
    ("move_project N'Sales', N'Mart', N'Nowhere'", 27115),
    ("move_project N'Sales', N'Mart', N'Sales'", 27181),
    ("restore_project N'Sales', N'Mart', NULL", 27138),
    ("restore_project N'Sales', N'None', 1", 27109),
    ("restore_project N'Sales', N'Mart', 999999", 27179),
    ("set_environment_property N'Sales', N'None', N'NAME', N'x'", 27182),
    ("set_environment_property N'Sales', N'Prod', N'NAME', N'x'", 27101),
    ("set_environment_variable_property N'Sales', N'Prod', N'No', N'NAME', N'x'", 27183),
    ("set_environment_variable_property N'Sales', N'Prod', N'Text', N'VALUE', N'x'", 27101),
    ("set_environment_variable_property N'Sales', N'Prod', N'Text', N'NAME', N'@x'", 27180),
    ("set_environment_variable_property N'Sales', N'Prod', N'Text', N'NAME', N'count'", 27173),
    ("set_environment_variable_property N'Sales', N'Prod', N'Text', N'TYPE', N'Object'", 27159),
    ("set_environment_variable_property N'Sales', N'Prod', N'Text', N'TYPE', N'Int32'", 27210),
    ("set_environment_variable_protection N'Sales', N'Prod', N'Text', NULL", 27138),
    ("set_environment_variable_protection N'Sales', N'Prod', N'No', 1", 27183),
    ("set_environment_reference_type NULL, 'A'", 27138),
    ("set_environment_reference_type 999, 'X'", 27101),
    ("set_environment_reference_type 999, 'A'", 27101),
    ("set_environment_reference_type 999, 'R', N'Sales'", 27101),
    ("set_environment_reference_type 999, 'R'", 27111),
    # Of two faults, the one that is checked first.
    ("create_environment_variable N'Sales', N'None', N'v', N'Int32', 0, N'x'", 27147),
    ("create_environment_variable N'Sales', N'None', N'v', N'Object', 0, N'x'", 27159),
    ("create_environment_variable N'Sales', N'None', N'@', N'Object', 0, N'x'", 27180),
    ("create_environment_variable N'None', N'None', N'v', N'Int32', 0, 1", 27182),
    ("set_object_parameter_value 40, N'Sales', N'None', N'x', N'x', NULL, 'X'", 27101),
    ("set_object_parameter_value NULL, N'Sales', N'Mart', N'Source', N'x'", 27106),
    ("set_object_parameter_value NULL, N'Sales', N'None', N'Source', N'x'", 27109),
    ("clear_object_parameter_value N'Sales', N'None', 30, NULL, N'BatchSize'", 27138),
    ("clear_object_parameter_value N'Sales', N'None', 40, NULL, N'BatchSize'", 27101),
    ("clear_object_parameter_value N'Sales', N'None', NULL, NULL, N'BatchSize'", 27138),
    ("clear_object_parameter_value N'Sales', N'Mart', 30, N'Load.dtsx', N'batchsize'", 27106),
]


@pytest.fixture(scope="module")
def prepared(ssisdb_emulator_server: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    """A catalog that all tests here share: the calls are refused, or leave it as it was."""
    ssisdb_emulator_server.reset()
    with closing(connect(ssisdb_emulator_server)) as connection:
        prepare(connection)
        variable(connection, "Text", "String", "N'x'")
        variable(connection, "Count", "Int32", "1")
        yield connection


@pytest.mark.parametrize(("call", "number"), REFUSED, ids=[call for call, _ in REFUSED])
def test_a_call_is_refused_with_its_number(prepared: pyodbc.Connection, call: str, number: int) -> None:
    assert error_number(prepared, f"EXEC catalog.{call}") == number


def test_the_object_type_is_named_before_the_value_type(prepared: pyodbc.Connection) -> None:
    with pytest.raises(pyodbc.Error, match="'object_type'"):
        prepared.execute("EXEC catalog.set_object_parameter_value 40, N'Sales', N'Mart', N'x', N'x', NULL, 'X'")
    with pytest.raises(pyodbc.Error, match="'value_type'"):
        prepared.execute("EXEC catalog.set_object_parameter_value 20, N'Sales', N'Mart', N'x', N'x', NULL, 'X'")


@pytest.mark.parametrize("literal", ["CAST('20240131' AS time)", "NEWID()", "CAST(1 AS money)"])
def test_a_value_that_no_data_type_of_ssis_has_is_refused_first(prepared: pyodbc.Connection, literal: str) -> None:
    batch = f"DECLARE @v sql_variant = {literal}; EXEC catalog."
    assert error_number(prepared, f"{batch}set_environment_variable_value N'No', N'No', N'No', @v") == 27159
    assert error_number(prepared, f"{batch}set_object_parameter_value 20, N'No', N'No', N'No', @v") == 27159


TYPES = [
    ("Boolean", "CAST(1 AS bit)", "bit"),
    ("Byte", "CAST(1 AS tinyint)", "tinyint"),
    ("DateTime", "CAST('20240131' AS date)", "date"),
    ("DateTime", "CAST('20240131' AS smalldatetime)", "smalldatetime"),
    ("Decimal", "CAST(1.5 AS decimal(5,2))", "decimal"),
    ("Double", "CAST(1.5 AS decimal(5,2))", "decimal"),
    ("Double", "CAST(1.5 AS real)", "real"),
    ("Int16", "CAST(1 AS smallint)", "smallint"),
    ("Int64", "CAST(1 AS bigint)", "bigint"),
    ("Single", "CAST(1.5 AS float)", "float"),
    ("String", "CAST('x' AS varchar(10))", "varchar"),
    ("UInt32", "CAST(1 AS int)", "int"),
    ("UInt64", "CAST(1 AS bigint)", "bigint"),
]


@pytest.mark.parametrize(("data_type", "literal", "base"), TYPES)
def test_a_variable_keeps_the_base_type_of_its_value(
    prepared: pyodbc.Connection, data_type: str, literal: str, base: str
) -> None:
    query = (
        "SELECT CAST(SQL_VARIANT_PROPERTY(value, 'BaseType') AS varchar(30)) FROM catalog.environment_variables"
        " WHERE name = 'Typed'"
    )
    declare = f"DECLARE @v sql_variant = {literal}; EXEC catalog."
    rows(prepared, f"{declare}create_environment_variable N'Sales', N'Prod', N'Typed', N'{data_type}', 0, @v")
    try:
        assert value(prepared, query) == base
        rows(prepared, f"{declare}set_environment_variable_value N'Sales', N'Prod', N'TYPED', @v")
        assert value(prepared, query) == base
    finally:
        rows(prepared, "EXEC catalog.delete_environment_variable N'Sales', N'Prod', N'Typed'")


@pytest.mark.parametrize("data_type", sorted(ssis_types.ACCEPTED))
def test_the_name_of_a_type_may_have_any_case(prepared: pyodbc.Connection, data_type: str) -> None:
    base = ssis_types.ACCEPTED[data_type][0]
    text = "CAST('20240131' AS {})" if data_type == "DateTime" else "CAST('1' AS {})"
    for name in (data_type.lower(), data_type.upper()):
        rows(
            prepared,
            f"DECLARE @v sql_variant = {text.format(base)};"
            f"EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Cased', N'{name}', 0, @v;"
            f"EXEC catalog.set_environment_variable_value N'Sales', N'Prod', N'Cased', @v;"
            "EXEC catalog.delete_environment_variable N'Sales', N'Prod', N'Cased'",
        )
