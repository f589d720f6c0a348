"""Wait in the triggerer: many packages run at once, and no worker is busy meanwhile.

All waiting tasks share one connection and one query per poll. If a worker or triggerer crashes, no execution is lost:
the retry follows it. See docs/production/operation.md and docs/guarantees.md. Needs the connection ``ssis_default``.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor

SALES_MART = Path(__file__).parent / "ssis" / "sales_mart"

with DAG(
    dag_id="ssis_wait_without_workers",
    schedule=None,
    catchup=False,
    tags=["ssis"],
    doc_md=__doc__,
) as dag:
    deploy = SsisDeployProjectOperator(
        task_id="deploy",
        source=str(SALES_MART),
        folder="Sales",
        create_folder=True,
    )

    load_regions = SsisRunPackageOperator.partial(
        task_id="load_regions",
        folder="Sales",
        project="SalesMart",
        package="ReprocessRegion.dtsx",
        deferrable=True,
        retries=2,
        retry_delay=timedelta(minutes=1),
        execution_timeout=timedelta(hours=6),
        # Only warnings and errors in the task logs; all messages are in the catalog.
        follow_messages="warning",
    ).expand(parameters=[{"RegionId": region} for region in (1, 2, 3)])

    start_load = SsisRunPackageOperator(
        task_id="start_load",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        # Only one execution of this package at a time: wait for one that is active, also if another client started it.
        allow_concurrent=False,
        on_previous_run="wait",
        wait_for_termination=False,
    )

    load_done = SsisExecutionSensor(task_id="load_done", execution_id=start_load.output, deferrable=True)

    deploy >> load_regions >> start_load >> load_done
