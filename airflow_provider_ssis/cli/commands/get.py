"""``airflow-ssis get``: a project file from the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.option_values import FilePath
from airflow_provider_ssis.cli.output import Output

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog


@catalog_command("get")
@click.argument("folder")
@click.argument("project")
@click.option(
    "--output",
    "path",
    type=FilePath(),
    metavar="FILE",
    help="The file to write. Without it: PROJECT.ispac in this folder.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def command(catalog: Catalog, output: Output, folder: str, project: str, path: Path | None, force: bool) -> None:
    """Write the project file (.ispac) of PROJECT in FOLDER as the catalog holds it."""
    from airflow_provider_ssis.cli.names import require_project
    from airflow_provider_ssis.cli.output_file import replacing

    project = project[: -len(".ispac")] if project.lower().endswith(".ispac") else project
    if path is None:
        name = f"{project}.ispac"
        if Path(name).name != name:
            raise click.UsageError(f"The project name {project!r} is not a file name: give one with --output.")
        path = Path(name)
    if path.exists() and not force:
        raise CommandFailed(f"{path} exists. Give another name with --output, or --force to replace it.")
    found = require_project(catalog, folder, project)
    content = catalog.get_project(folder, project)
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise CommandFailed(f"cannot write {path}: {error.strerror or error}") from None
    output.done(
        f"Wrote {path}: {len(content)} bytes, {folder}/{found.name} version {found.object_version_lsn}.",
        file=str(path),
        size=len(content),
        folder=folder,
        project=found.name,
        version=found.object_version_lsn,
    )
