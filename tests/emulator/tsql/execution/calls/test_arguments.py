"""Arguments of procedures and of dynamic SQL."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.emulator.datatypes import BIGINT, INT, Column, SqlType, TableValue
from airflow_provider_ssis.emulator.tsql.execution.calls.arguments import as_table
from airflow_provider_ssis.emulator.tsql.metadata.signatures import parse_signature
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

COLUMNS = (Column("id", BIGINT, nullable=False), Column("name", SqlType("nvarchar", length=3)))


def table(*rows: tuple[object, ...]) -> TableValue:
    """A table as clients send it: its columns have no names."""
    return TableValue((Column("", INT), Column("", SqlType("nvarchar", length=10))), rows)


def test_a_table_gets_names_and_types_of_its_type() -> None:
    value = as_table(table((1, "abc "), (2, None)), COLUMNS, "@ids")
    assert value == TableValue(COLUMNS, ((1, "abc"), (2, None)))


@pytest.mark.parametrize(
    ("value", "number"),
    [(table((None, "a")), 515), (TableValue((Column("", INT),), ((1,),)), 500), (table((1, "abcd")), 2628)],
    ids=["NULL where none may be", "too few columns", "too long"],
)
def test_a_table_that_does_not_fit_its_type_is_refused(value: TableValue, number: int) -> None:
    with pytest.raises(SqlError, match="@ids") as refused:
        as_table(value, COLUMNS, "@ids")
    assert refused.value.number == number


@pytest.mark.parametrize(
    ("declared", "schema", "name"),
    [
        ("[My Type]", "dbo", "My Type"),
        ("[catalog].[Package_Table_Type]", "catalog", "Package_Table_Type"),
        ('"odd]".[a]]b.c]', "odd]", "a]b.c"),
        ("catalog.Package_Table_Type", "catalog", "Package_Table_Type"),
    ],
)
def test_a_table_type_in_brackets_or_quotes_is_read(declared: str, schema: str, name: str) -> None:
    (parameter,) = parse_signature(f"@P1 {declared} READONLY")
    assert (parameter.type.schema, parameter.type.name) == (schema, name)


def test_a_type_of_single_values_in_brackets_is_read() -> None:
    parameters = parse_signature("@a [nvarchar](10), @b sys.int = 1 OUTPUT, @c [decimal] (9, 2)")
    assert [str(parameter.type) for parameter in parameters] == ["nvarchar(10)", "int", "decimal(9,2)"]


def test_a_table_type_without_readonly_is_refused() -> None:
    with pytest.raises(ValueError, match="READONLY"):
        parse_signature("@t catalog.Package_Table_Type")
