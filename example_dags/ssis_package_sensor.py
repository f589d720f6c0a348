"""Stop executions that take too long, run a package with a data tap, and wait for a success, whichever client ran it.

Needs the connection ``ssis_default``. See docs/reference/operators.md.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.operators.stop import SsisStopExecutionOperator
from airflow_provider_ssis.sensors.package import SsisPackageSensor

SALES_MART = Path(__file__).parent / "ssis" / "sales_mart"

with DAG(dag_id="ssis_package_sensor", schedule=None, catchup=False, tags=["ssis"], doc_md=__doc__) as dag:
    deploy = SsisDeployProjectOperator(
        task_id="deploy",
        source=str(SALES_MART),
        folder="Sales",
        create_folder=True,
    )

    # Executions of the folder that were started more than six hours ago are stopped.
    stop_old = SsisStopExecutionOperator(task_id="stop_old", folder="Sales", older_than=timedelta(hours=6))

    # In production, SQL Server Agent or another Airflow runs it.
    load_sales = SsisRunPackageOperator(
        task_id="load_sales",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        # The server writes the rows of the path into its folder DataDumps. data_taps_folder reads them back.
        data_taps=[
            {
                "task": r"\Package\For Each Sales File\Load Sales File",
                "path": "Paths[Sales File.Flat File Source Output]",
                "max_rows": 100,
            }
        ],
    )

    # A success of the package since the start of this DAG run, whichever client ran it.
    sales_loaded = SsisPackageSensor(
        task_id="sales_loaded",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        since="{{ dag_run.start_date }}",
        deferrable=True,
        poke_interval=60,
        timeout=6 * 3600,
    )

    deploy >> stop_old >> load_sales >> sales_loaded
