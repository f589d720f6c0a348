"""Evaluate property expressions over plain values of Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_provider_ssis.datatypes import DataTypeCode
from airflow_provider_ssis.expressions.compiled import compile_expression
from airflow_provider_ssis.expressions.errors import ExpressionError
from airflow_provider_ssis.expressions.scope import Scope, Variable
from airflow_provider_ssis.expressions.values import from_python, to_python, type_code, variable_type


def evaluate_property(expression: str, values: Mapping[str, tuple[str, Any]]) -> Any:
    """Return the value of a property expression, in Python's types.

    :param expression: the expression.
    :param values: variables by ``Namespace::Name`` and parameters by ``$Project::Name`` and ``$Package::Name``, each
        with the name of its type and its value. A variable whose type is unknown or whose value is not valid
        cannot be used.
    :raises ValueError: the expression has no value.
    """
    try:
        compiled = compile_expression(expression, Scope(_Variables(values)))
        return to_python(compiled.evaluate(), compiled.type)
    except ExpressionError as error:
        raise ValueError(str(error)) from None


def variable_of(type_name: str, value: Any) -> Variable:
    """Return a plain value as a variable; without a type if expressions cannot use it.

    :param type_name: the type of the variable: ``Int32``.
    :param value: the value, as :func:`~airflow_provider_ssis.expressions.values.from_python` takes it.
    """
    try:
        code = type_code(type_name)
        if code is None:
            return Variable(None, None)
        # The scale of a decimal is that of its value.
        exact = Decimal(str(value)) if code is DataTypeCode.DT_DECIMAL and value is not None else None
        found = from_python(value, variable_type(code, exact))
    except (ValueError, InvalidOperation):
        return Variable(None, None)
    return Variable(variable_type(code, found), found)


class _Variables(Mapping[str, Variable]):
    """Plain values as variables. Only the values that an expression uses are converted."""

    def __init__(self, values: Mapping[str, tuple[str, Any]]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Variable:
        return variable_of(*self._values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
