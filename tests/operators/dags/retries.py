"""Tasks that may be retried, and fail for reasons for which that helps or not."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.retry_policy import SsisRetryPolicy

with DAG(
    dag_id="retries",
    schedule=None,
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(0), "retry_policy": SsisRetryPolicy()},
) as dag:
    for name, parameters in (("ends_unexpectedly_once", {}), ("wrong_parameter", {"batchsize": 1})):
        SsisRunPackageOperator(
            task_id=name,
            folder="Sales",
            project="Mart",
            package="Load.dtsx",
            parameters=parameters,
            poll_interval=0.1,
        )
