"""``airflow-ssis show``: one execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.option_values import CatalogId
from airflow_provider_ssis.cli.output import Column, Output, plain, shown

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog


@catalog_command("show")
@click.argument("execution", type=CatalogId())
def command(catalog: Catalog, output: Output, execution: int) -> None:
    """Show an EXECUTION, by its id: status, times, values, executables, errors and rows.

    Values of sensitive parameters are not shown.
    """
    from airflow_provider_ssis.cli.names import require_execution

    found = require_execution(catalog, execution)
    values = catalog.execution_parameter_values(execution)
    statistics = catalog.executable_statistics(execution)
    names = {each.executable_id: each for each in catalog.executables(execution)}
    summary = catalog.execution_summary(execution)
    if output.as_json:
        output.json(
            {
                "execution": plain(found),
                "summary": plain(summary),
                "parameters": plain(values),
                "executables": plain(list(names.values())),
                "statistics": plain(statistics),
            }
        )
        return
    environment = found.environment_name
    if environment and found.environment_folder_name:
        environment = f"{found.environment_folder_name}/{environment}"
    output.record(
        {
            "execution": found.execution_id,
            "package": f"{found.folder_name}/{found.project_name}/{found.package_name}",
            "status": found.status,
            "environment": environment,
            "created": found.created_time,
            "started": found.start_time,
            "ended": found.end_time,
            "caller": found.caller_name,
            "executed as": found.executed_as_name,
            "stopped by": found.stopped_by_name,
            "server": found.server_name,
            "machine": found.machine_name,
            "project version": found.project_lsn,
            "errors": summary.errors,
            "warnings": summary.warnings,
            **{f"rows written to {each.destination}": each.rows for each in summary.rows_written},
        }
    )
    click.echo()
    output.rows(
        values,
        Column("of", "object_type"),
        Column("parameter", "parameter_name"),
        Column("type", "parameter_data_type"),
        Column("value", lambda row: "***" if row.sensitive and row.value_set else shown(row.parameter_value)),
        Column("set for this run", "runtime_override"),
    )
    if statistics:
        click.echo()
        output.rows(
            statistics,
            Column("executable", lambda row: row.execution_path or names[row.executable_id].package_path),
            Column("result", "execution_result"),
            Column("started", "start_time"),
            Column("ms", "execution_duration"),
        )
