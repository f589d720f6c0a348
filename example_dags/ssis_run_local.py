"""Run a package on the worker itself, without SQL Server Integration Services.

The engine of this package executes it: a text file goes into a table. Needs the extra ``engine`` on the workers, the
connection ``sales_dw`` (type ``mssql`` or ``odbc``) for the database of the tables, and a folder with the files. See
docs/engine.md.
"""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ssis.operators.run_local import SsisRunLocalPackageOperator

with DAG(
    dag_id="ssis_run_local",
    schedule=None,
    catchup=False,
    tags=["ssis"],
    params={"inbox": "/data/inbox"},
    doc_md=__doc__,
) as dag:
    SsisRunLocalPackageOperator(
        task_id="load_sales",
        source="ssis/sales_mart",
        package="LoadSales.dtsx",
        connection_ids={"SalesMartDW": "sales_dw"},
        path_map={"inbox": "{{ params.inbox }}"},
    )
