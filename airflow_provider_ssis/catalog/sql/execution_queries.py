"""The queries for an execution and for its values."""

from __future__ import annotations

from airflow_provider_ssis.catalog.models import Execution, ExecutionParameterValue
from airflow_provider_ssis.catalog.sql.statements import Batch, select


def execution_query(execution_id: int | None) -> Batch:
    """The query for the row of an execution.

    :param execution_id: the execution; None for the one in the variable ``@execution_id`` of the batch around it.
    """
    condition, values = _of(execution_id)
    return select(Execution, "catalog.executions AS v", where=[condition], values=values)


def values_query(execution_id: int | None, *, only_set: bool = False) -> Batch:
    """The query for the parameters and server options of an execution, in the order of their names.

    :param execution_id: as for :func:`execution_query`.
    :param only_set: only those whose value is set. Default: also parameters with the package's own value.
    """
    condition, values = _of(execution_id)
    return select(
        ExecutionParameterValue,
        "catalog.execution_parameter_values AS v",
        where=[condition, "v.value_set = 1"] if only_set else [condition],
        values=values,
        order_by="v.object_type, v.parameter_name",
    )


def _of(execution_id: int | None) -> tuple[str, list[int]]:
    return ("v.execution_id = @execution_id", []) if execution_id is None else ("v.execution_id = ?", [execution_id])
