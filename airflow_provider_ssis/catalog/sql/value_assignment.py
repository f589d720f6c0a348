"""The statements that give ``@value`` the SQL Server type of an SSIS type that the batch looks up itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.sql.parameter_values import TEXT_VARIABLES, value_expression
from airflow_provider_ssis.catalog.sql.statements import MarkerValue, OwnError

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.requests import Value

VALUE_VARIABLES = f"@data_type nvarchar(128), @sensitive bit, @value sql_variant, {TEXT_VARIABLES}"
"""Declarations of the variables that :func:`value_assignment` needs."""


def value_assignment(value: Value) -> tuple[str, list[MarkerValue]]:
    """Statements that set ``@value`` to a value of the type in ``@data_type``, and the values for their markers.

    If the value does not fit the type, they raise :attr:`OwnError.UNFIT_VALUE`.

    :param value: the value.
    """
    expression = value_expression(value)
    assign = "" if expression.is_constant else f"SELECT {expression.text_assignments};\n"
    body = (
        f"IF CHARINDEX(N'|' + @data_type + N'|', ?) = 0 {OwnError.UNFIT_VALUE.raised};\n"
        f"{assign}SET @value = {expression.sql};\n"
    )
    return body, [expression.type_list, *expression.texts]
