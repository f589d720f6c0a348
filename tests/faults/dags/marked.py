"""Tasks that wait for long, for people to do something to them."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.run import SsisRunPackageOperator

for dag_id, arguments in {
    "polling": {},
    "deferred": {"deferrable": True},
    "polling_limited": {"execution_timeout": timedelta(seconds=4)},
    "deferred_limited": {"deferrable": True, "execution_timeout": timedelta(seconds=4)},
}.items():
    with DAG(dag_id, schedule=None) as dag:
        SsisRunPackageOperator(
            task_id="load",
            folder="Sales",
            project="Mart",
            package="Load.dtsx",
            poll_interval=0.5,
            **arguments,  # type: ignore[arg-type]  # a table of different arguments
        )
    globals()[dag_id] = dag
