"""A task that waits in the triggerer, and one that fails there."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.run import SsisRunPackageOperator

with DAG(dag_id="defers", schedule=None, catchup=False) as dag:
    for name in ("Load", "Strict"):
        SsisRunPackageOperator(
            task_id=name.lower(),
            folder="Sales",
            project="Mart",
            package=f"{name}.dtsx",
            parameters={"RegionId": 7} if name == "Strict" else {},
            deferrable=True,
            poll_interval=0.5,
        )
