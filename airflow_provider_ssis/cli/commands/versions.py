"""``airflow-ssis versions``: the versions of a project that the catalog keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.output import Column, Output

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog


@catalog_command("versions")
@click.argument("folder")
@click.argument("project")
def command(catalog: Catalog, output: Output, folder: str, project: str) -> None:
    """List the versions of PROJECT in FOLDER, the newest first."""
    from airflow_provider_ssis.cli.names import require_project

    require_project(catalog, folder, project)
    output.rows(
        catalog.project_versions(folder, project),
        Column("version", "object_version_lsn"),
        Column("in use", "is_current"),
        Column("created", "created_time"),
        Column("created by", "created_by"),
        Column("restored", "last_restored_time"),
        Column("restored by", "restored_by"),
        Column("description", "description"),
    )
