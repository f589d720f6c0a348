"""Quickstart: build and deploy an SSIS project, run its packages, wait for them.

Needs the connection ``ssis_default``. Without a SQL Server, ``airflow-ssis emulator`` starts an embedded SSISDB and
prints a connection URI for ``AIRFLOW_CONN_SSIS_DEFAULT``. See docs/connections.md and docs/reference/operators.md.
"""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor

SALES_MART = Path(__file__).parent / "ssis" / "sales_mart"

with DAG(dag_id="ssis_quickstart", schedule=None, catchup=False, tags=["ssis"], doc_md=__doc__) as dag:
    # Build the project from its folder, and deploy it if it differs from the one in the catalog.
    deploy = SsisDeployProjectOperator(
        task_id="deploy",
        source=str(SALES_MART),
        folder="Sales",
        create_folder=True,
    )

    # Run a package and wait until it has ended. Its messages appear in this task's log.
    load_sales = SsisRunPackageOperator(
        task_id="load_sales",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        logging_level="Basic",
    )

    # Start a package without waiting for it ...
    reprocess_region = SsisRunPackageOperator(
        task_id="reprocess_region",
        folder="Sales",
        project="SalesMart",
        package="ReprocessRegion.dtsx",
        parameters={"RegionId": 7},
        wait_for_termination=False,
    )

    # ... and let a sensor wait.
    region_reprocessed = SsisExecutionSensor(
        task_id="region_reprocessed",
        execution_id=reprocess_region.output,
        poke_interval=1,
        timeout=3600,
    )

    deploy >> load_sales >> reprocess_region >> region_reprocessed
