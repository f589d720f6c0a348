"""Run packages of the project Mart, and read the values that the catalog received."""

from __future__ import annotations

from typing import Any

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.retries import NO_RETRY, RetryPolicy
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from tests.support.task_runs import TaskRun

SECRET = "c4nary-s3cret"


class SingleTryHook(SsisCatalogHook):
    """A hook whose client never retries, so that one fault is enough to make it fail."""

    def open_catalog(self, *, retry: RetryPolicy | None = None, query_timeout: int = 0) -> Catalog:
        """Open such a client."""
        return super().open_catalog(retry=NO_RETRY, query_timeout=query_timeout)


def operator(**arguments: Any) -> SsisRunPackageOperator:
    """A task that runs Sales/Mart/Load.dtsx, by default."""
    given = {"folder": "Sales", "project": "Mart", "package": "Load.dtsx", "poll_interval": 0.05, **arguments}
    return SsisRunPackageOperator(task_id="load", **given)


def run(**arguments: Any) -> TaskRun:
    """The task, ready to be executed in this process."""
    return TaskRun(operator(**arguments))


def parameters_of(catalog: Catalog, execution_id: int) -> dict[str, Any]:
    """The values of an execution by name; those of server options too."""
    return {value.parameter_name: value.parameter_value for value in catalog.execution_parameter_values(execution_id)}


def overrides_of(execution_id: int) -> dict[str, tuple[Any, bool]]:
    """The property overrides of an execution by path: value, and whether it is sensitive."""
    rows: Any = SsisCatalogHook().get_records(
        "SELECT property_path, property_value, sensitive FROM catalog.execution_property_override_values "
        "WHERE execution_id = ?",
        parameters=[execution_id],
    )
    return {path: (value, bool(sensitive)) for path, value, sensitive in rows}
