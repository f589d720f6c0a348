"""Write a package in Python, deploy it and run it, without Visual Studio.

Needs the connection ``ssis_default`` and a folder that the workers share. See docs/builder.md.
"""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator


@task
def build(path: str) -> str:
    """Write the project file, and return its path. The same code writes the same bytes."""
    # Imported here: only the worker that builds the project needs the builder.
    from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
    from airflow_provider_ssis.project.builder.flow_columns import Column
    from airflow_provider_ssis.project.builder.project import ProjectBuilder

    project = ProjectBuilder("Prices", target_server=2022, description="Adds taxes to prices")
    package = project.add_package("AddTaxes")
    package.add_parameter("Folder", "/data/prices")
    package.add_parameter("Rate", 1.2)

    managers = package.connection_managers
    net = [FlatFileColumn("Sku", length=20), FlatFileColumn("Price", "DT_NUMERIC", precision=10, scale=2)]
    source = managers.add_flat_file("Net prices", "net.csv", net)
    source.set_expression("ConnectionString", '@[$Package::Folder] + "/net.csv"')
    gross = [*net, FlatFileColumn("Gross", "DT_NUMERIC", precision=12, scale=2)]
    target = managers.add_flat_file("Gross prices", "gross.csv", gross)
    target.set_expression("ConnectionString", '@[$Package::Folder] + "/gross.csv"')

    flow = package.add_data_flow("Add taxes")
    read = flow.add_flat_file_source("Read", source)
    taxes = flow.add_derived_column(
        "Taxes",
        read.output,
        {Column("Gross", "DT_NUMERIC", precision=12, scale=2): "(DT_NUMERIC,12,2)(Price * @[$Package::Rate])"},
    )
    flow.add_flat_file_destination("Write", taxes.output, target)

    Path(path).write_bytes(project.to_ispac())
    return path


with DAG(
    dag_id="ssis_build_and_run",
    schedule=None,
    catchup=False,
    tags=["ssis"],
    params={"file": "/data/prices/Prices.ispac", "folder": "/data/prices"},
    doc_md=__doc__,
) as dag:
    file = build("{{ params.file }}")

    deploy = SsisDeployProjectOperator(task_id="deploy", source=file, folder="Sales", create_folder=True)

    add_taxes = SsisRunPackageOperator(
        task_id="add_taxes",
        folder="Sales",
        project="Prices",
        package="AddTaxes.dtsx",
        parameters={"Folder": "{{ params.folder }}"},
    )

    deploy >> add_taxes
