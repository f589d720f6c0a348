"""The queries for an execution and for its values."""

from __future__ import annotations

from airflow_provider_ssis.catalog.models import ExecutedPackage, Execution, ExecutionParameterValue
from airflow_provider_ssis.catalog.sql.rows import ResultSet, decode
from airflow_provider_ssis.catalog.sql.statements import Batch, select

_VIEW = "catalog.executions AS v"
_VALUES_VIEW = "catalog.execution_parameter_values AS v"
_IN_VARIABLE = "v.execution_id = @execution_id"

READ_PACKAGE = f"{select(ExecutedPackage, _VIEW, where=[_IN_VARIABLE]).sql};\n"
"""Selects what the execution in the variable ``@execution_id`` runs."""

READ_SET_VALUES = f"{select(ExecutionParameterValue, _VALUES_VIEW, where=[_IN_VARIABLE, 'v.value_set = 1']).sql};\n"
"""Selects the parameters of that execution whose value is set, and its server options; :func:`decode_values`."""


def execution_query(execution_id: int) -> Batch:
    """The query for the row of an execution."""
    return select(Execution, _VIEW, where=["v.execution_id = ?"], values=[execution_id])


def values_query(execution_id: int) -> Batch:
    """The query for the parameters and server options of an execution; :func:`decode_values` reads the result."""
    return select(ExecutionParameterValue, _VALUES_VIEW, where=["v.execution_id = ?"], values=[execution_id])


def decode_values(result: ResultSet) -> list[ExecutionParameterValue]:
    """The parameters and server options of an execution, in the order of their names."""
    return sorted(
        decode(ExecutionParameterValue, result), key=lambda value: (value.object_type, value.parameter_name.lower())
    )
