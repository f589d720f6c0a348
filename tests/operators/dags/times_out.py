"""A task with Airflow's own limit of time."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.run import SsisRunPackageOperator

with DAG(dag_id="times_out", schedule=None, catchup=False) as dag:
    SsisRunPackageOperator(
        task_id="run",
        folder="Sales",
        project="Mart",
        package="Load.dtsx",
        execution_timeout=timedelta(seconds=2),
    )
