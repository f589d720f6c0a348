"""Reconfigure and run: parameters, an environment, connection managers and property overrides for one run.

They apply to the one execution; the deployed project stays as it is. See docs/values.md.

Besides ``ssis_default`` it needs a connection ``sales_dw`` (any type), whose password the package uses.
"""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator

SALES_MART = Path(__file__).parent / "ssis" / "sales_mart"


@task
def prepare_environment() -> None:
    """Create an environment for the project, and bind a parameter to one of its variables.

    With the client of the catalog (docs/reference/catalog.md). ssis_configure.py does it with operators.
    """
    from airflow_provider_ssis.catalog.requests import VariableReference
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

    with SsisCatalogHook().open_catalog() as catalog:
        catalog.create_environment("Sales", "Production", exist_ok=True)
        if not catalog.environment_variables("Sales", "Production"):
            catalog.create_environment_variable("Sales", "Production", "Source system", "ERP-PROD")
        catalog.create_environment_reference("Sales", "SalesMart", "Production", exist_ok=True)
        catalog.set_object_parameter_value("Sales", "SalesMart", "SourceSystem", VariableReference("Source system"))


with DAG(
    dag_id="ssis_reconfigure_and_run",
    schedule=None,
    catchup=False,
    tags=["ssis"],
    doc_md=__doc__,
    params={"max_rows": Param(100_000, type="integer"), "full_load": Param(False, type="boolean")},
) as dag:
    deploy = SsisDeployProjectOperator(
        task_id="deploy",
        source=str(SALES_MART),
        folder="Sales",
        create_folder=True,
    )

    load_sales = SsisRunPackageOperator(
        task_id="load_sales",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        environment="./Production",
        # Templates give text. Each value is sent with the type of its parameter.
        parameters={
            "FullLoad": "{{ params.full_load }}",
            "MaxRows": "{{ params.max_rows }}",
            "LoadedBefore": "{{ dag_run.start_date.strftime('%Y-%m-%d') }}",
        },
        project_parameters={"BatchSize": 1000},
        project_connection_managers={
            "SalesMartDW": {
                "ServerName": "sales-dw-2",
                "InitialCatalog": "SalesMart",
                # A secret comes from a connection or a variable, never from this file: Airflow stores the file and
                # shows it in its Code tab. Marked as sensitive, the value is masked in logs and rendered templates.
                "Password": {"value": "{{ conn.sales_dw.password }}", "sensitive": True},
            }
        },
        connection_managers={"SalesFile": {"ConnectionString": "sales_backlog.csv"}},
        property_overrides={
            r"\Package.Properties[MaxConcurrentExecutables]": 2,
            # The catalog stores a sensitive override encrypted.
            r"\Package.Variables[User::FileName].Properties[Value]": {
                "value": "{{ conn.sales_dw.login }}.csv",
                "sensitive": True,
            },
        },
        logging_level="Verbose",
    )

    deploy >> prepare_environment() >> load_sales
