"""Deploy safely: validate after the deployment, go back to the version before if that fails, restore on request.

Needs the connection ``ssis_default``. See docs/reference/operators.md.
"""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.restore import SsisRestoreProjectOperator
from airflow_provider_ssis.operators.validate import SsisValidateOperator

SALES_MART = Path(__file__).parent / "ssis" / "sales_mart"

with DAG(dag_id="ssis_validate_and_restore", schedule=None, catchup=False, tags=["ssis"], doc_md=__doc__) as dag:
    # If the new version is not valid, the task fails, and the version before is in use again.
    deploy = SsisDeployProjectOperator(
        task_id="deploy",
        source=str(SALES_MART),
        folder="Sales",
        create_folder=True,
        # ReprocessRegion.dtsx needs a value for each run, so it is not valid by itself.
        validate=["LoadSales.dtsx", "RefreshAggregates.dtsx"],
        restore_on_failure=True,
    )

    validate = SsisValidateOperator(
        task_id="validate",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        deferrable=True,
    )

    # Here the version that was just deployed. ['previous_version'] is the one before it.
    restore = SsisRestoreProjectOperator(
        task_id="restore",
        folder="Sales",
        project="SalesMart",
        version="{{ ti.xcom_pull(task_ids='deploy')['version'] }}",
    )

    deploy >> validate >> restore
