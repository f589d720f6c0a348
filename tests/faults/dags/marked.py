"""Tasks that wait for a long time, so that a test can mark, clear or delete them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NoReturn

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.run import SsisRunPackageOperator


class ForgottenTrigger(SsisRunPackageOperator):
    """A task whose deferral Airflow ends, because its trigger never sends an event."""

    def defer(self, **arguments: Any) -> NoReturn:
        """Defer, with a shorter timeout than the trigger has."""
        super().defer(**{**arguments, "timeout": timedelta(seconds=4)})
        raise AssertionError("unreachable: deferring raises")


for dag_id, arguments in {
    "polling": {},
    "deferred": {"deferrable": True},
    "polling_limited": {"execution_timeout": timedelta(seconds=4)},
    "deferred_limited": {"deferrable": True, "execution_timeout": timedelta(seconds=4)},
    "deferred_forgotten": {"deferrable": True},
}.items():
    with DAG(dag_id, schedule=None) as dag:
        kind = ForgottenTrigger if dag_id == "deferred_forgotten" else SsisRunPackageOperator
        kind(
            task_id="load",
            folder="Sales",
            project="Mart",
            package="Load.dtsx",
            poll_interval=0.5,
            **arguments,  # type: ignore[arg-type]  # a table of different arguments
        )
    globals()[dag_id] = dag
