"""Configure: an environment with its variables, and the parameters of a project that use them.

Needs the connections ``ssis_default`` and ``sales_dw`` (of any type, with host and password of the data warehouse). See
docs/reference/operators.md.
"""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.environment import SsisEnvironmentOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.operators.set_parameters import SsisSetParametersOperator

SALES_MART = Path(__file__).parent / "ssis" / "sales_mart"

with DAG(dag_id="ssis_configure", schedule=None, catchup=False, tags=["ssis"], doc_md=__doc__) as dag:
    deploy = SsisDeployProjectOperator(
        task_id="deploy",
        source=str(SALES_MART),
        folder="Sales",
        create_folder=True,
    )

    # Created or updated; a second run changes only the secret, which the catalog does not show.
    production = SsisEnvironmentOperator(
        task_id="production",
        folder="Sales",
        environment="Production",
        description="the data warehouse in production",
        variables={
            "System": "ERP-PROD",
            "Batch": 2000,
            "DwPassword": {"value": "{{ conn.sales_dw.password }}", "sensitive": True},
        },
        projects=["SalesMart"],
    )

    configure = SsisSetParametersOperator(
        task_id="configure",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        parameters={"MaxRows": 500},
        project_parameters={"CM.SalesMartDW.ServerName": "{{ conn.sales_dw.host }}"},
        project_bindings={
            "SourceSystem": "System",
            "BatchSize": "Batch",
            "CM.SalesMartDW.Password": "DwPassword",
        },
    )

    load_sales = SsisRunPackageOperator(
        task_id="load_sales",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        environment="Production",
    )

    deploy >> production >> configure >> load_sales
