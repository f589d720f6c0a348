"""Quickstart: build and deploy an SSIS project, run its packages, wait for them.

Needs the connection ``ssis_default``. Without a SQL Server at hand, ``airflow-ssis emulator`` starts an embedded SSISDB
and prints a connection URI for ``AIRFLOW_CONN_SSIS_DEFAULT``.
"""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor

SALES_MART = Path(__file__).parent / "ssis" / "sales_mart"

with DAG(dag_id="ssis_quickstart", schedule=None, catchup=False, tags=["ssis"], doc_md=__doc__) as dag:
    # Builds the project from its folder; deploys it only if it differs from what the catalog has.
    deploy = SsisDeployProjectOperator(
        task_id="deploy",
        source=str(SALES_MART),
        folder="Sales",
        create_folder=True,
    )

    # Runs a package and waits for it. The package's messages come into this task's log.
    load_sales = SsisRunPackageOperator(
        task_id="load_sales",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        logging_level="Basic",
    )

    # Starts a package and leaves it running ...
    reprocess_region = SsisRunPackageOperator(
        task_id="reprocess_region",
        folder="Sales",
        project="SalesMart",
        package="ReprocessRegion.dtsx",
        parameters={"RegionId": 7},
        wait_for_termination=False,
    )

    # ... for a sensor to wait for.
    region_reprocessed = SsisExecutionSensor(
        task_id="region_reprocessed",
        execution_id=reprocess_region.output,
        poke_interval=1,
        timeout=3600,
    )

    deploy >> load_sales >> reprocess_region >> region_reprocessed
