"""``airflow-ssis restore``: put an earlier version of a project into use again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.interrupts import saying_if_interrupted
from airflow_provider_ssis.cli.option_values import CatalogId
from airflow_provider_ssis.cli.output import Output

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog


@catalog_command("restore")
@click.argument("folder")
@click.argument("project")
@click.argument("version", type=CatalogId(), required=False)
def command(catalog: Catalog, output: Output, folder: str, project: str, version: int | None) -> None:
    """Put VERSION of PROJECT in FOLDER into use again. Without VERSION: the one before the version in use.

    'airflow-ssis versions' lists the versions.
    """
    from airflow_provider_ssis.cli.names import require_project

    found = require_project(catalog, folder, project)
    if version is None:
        versions = [each.object_version_lsn for each in catalog.project_versions(folder, project)]
        earlier = [each for each in versions if each < found.object_version_lsn]
        if not earlier:
            raise CommandFailed(
                f"The catalog keeps no version of {folder}/{found.name} before {found.object_version_lsn}, which is in "
                "use. Nothing was changed."
            )
        version = max(earlier)
    with saying_if_interrupted(
        f"Version {version} may have been put into use: airflow-ssis versions {shlex.join([folder, project])}"
    ):
        catalog.restore_project(folder, project, version)
    output.done(
        f"Restored {folder}/{found.name} to version {version}; before, {found.object_version_lsn} was in use.",
        folder=folder,
        project=found.name,
        version=version,
        previous_version=found.object_version_lsn,
    )
