"""Tasks that wait for long, for people to do something to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NoReturn

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.run import SsisRunPackageOperator


class ForgottenTrigger(SsisRunPackageOperator):
    """A task whose deferral Airflow itself ends, as if its trigger never told anything."""

    def defer(self, **arguments: Any) -> NoReturn:
        """Defer, for a shorter time than the trigger knows of."""
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
