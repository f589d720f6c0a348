"""The expression language of Integration Services: parse, check types, evaluate rows and batches.

:func:`compile_expression` makes an :class:`Expression`, whose ``evaluate`` computes one row;
:mod:`airflow_provider_ssis.expressions.arrow` computes batches of rows.
"""

from __future__ import annotations

from airflow_provider_ssis.expressions.codes import ExpressionCode, row_error_code
from airflow_provider_ssis.expressions.compiled import (
    MAX_VARIABLE_LENGTH,
    Assignment,
    Expression,
    compile_assignment,
    compile_expression,
)
from airflow_provider_ssis.expressions.errors import ExpressionError
from airflow_provider_ssis.expressions.scope import Column, Scope, Variable
from airflow_provider_ssis.expressions.settings import Settings

__all__ = [
    "MAX_VARIABLE_LENGTH",
    "Assignment",
    "Column",
    "Expression",
    "ExpressionCode",
    "ExpressionError",
    "Scope",
    "Settings",
    "Variable",
    "compile_assignment",
    "compile_expression",
    "row_error_code",
]
