"""Stop: start a package, then stop it and wait until it has ended.

Needs the connection ``ssis_default``. See docs/reference/operators.md.
"""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.operators.stop import SsisStopExecutionOperator

SALES_MART = Path(__file__).parent / "ssis" / "sales_mart"

with DAG(dag_id="ssis_stop", schedule=None, catchup=False, tags=["ssis"], doc_md=__doc__) as dag:
    deploy = SsisDeployProjectOperator(
        task_id="deploy",
        source=str(SALES_MART),
        folder="Sales",
        create_folder=True,
    )

    start = SsisRunPackageOperator(
        task_id="start",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        wait_for_termination=False,
    )

    # An execution that has ended already counts as stopped, unless fail_if_not_running is set.
    stop = SsisStopExecutionOperator(
        task_id="stop",
        execution_id=start.output,
        timeout=60,
    )

    # By name: all executions of the package that are still active, also those that other clients started.
    stop_all = SsisStopExecutionOperator(
        task_id="stop_all",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        timeout=60,
    )

    deploy >> start >> stop >> stop_all
