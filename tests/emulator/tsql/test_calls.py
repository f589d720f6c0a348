"""Arguments of procedures and of dynamic SQL."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.emulator.datatypes import BIGINT, INT, Column, SqlType, TableValue
from airflow_provider_ssis.emulator.tsql.calls import as_table
from airflow_provider_ssis.emulator.tsql.errors import SqlError

COLUMNS = (Column("id", BIGINT, nullable=False), Column("name", SqlType("nvarchar", length=3)))


def table(*rows: tuple[object, ...]) -> TableValue:
    """A table as clients send it: its columns have no names."""
    return TableValue((Column("", INT), Column("", SqlType("nvarchar", length=10))), rows)


def test_a_table_gets_names_and_types_of_its_type() -> None:
    value = as_table(table((1, "abcd"), (2, None)), COLUMNS, "@ids")
    assert value == TableValue(COLUMNS, ((1, "abc"), (2, None)))


@pytest.mark.parametrize(
    ("value", "number"),
    [(table((None, "a")), 515), (TableValue((Column("", INT),), ((1,),)), 500)],
    ids=["NULL where none may be", "too few columns"],
)
def test_a_table_that_does_not_fit_its_type_is_refused(value: TableValue, number: int) -> None:
    with pytest.raises(SqlError, match="@ids") as refused:
        as_table(value, COLUMNS, "@ids")
    assert refused.value.number == number
