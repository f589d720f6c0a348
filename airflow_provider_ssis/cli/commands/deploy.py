"""``airflow-ssis deploy``: deploy a project."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.changes import reporting_changes
from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.interrupts import saying_if_interrupted
from airflow_provider_ssis.cli.option_values import FilePath, read_password
from airflow_provider_ssis.cli.output import Output, console, printable

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.project.project_file import ProjectFile


@catalog_command("deploy")
@click.argument("source", type=FilePath())
@click.argument("folder")
@click.option("--create-folder", is_flag=True, help="Create the folder if it does not exist.")
@click.option("--force", is_flag=True, help="Deploy also if the catalog has the same content already.")
@click.option("--configuration", metavar="NAME", help="Configuration of the .dtproj, if SOURCE is a project folder.")
@click.option(
    "--strip-sensitive", is_flag=True, help="Remove all sensitive values, and set the level DontSaveSensitive."
)
@click.option(
    "--project-password-file",
    type=FilePath(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="The file with the password of the project in its first line, to remove its secrets.",
)
def command(
    catalog: Catalog,
    output: Output,
    source: Path,
    folder: str,
    create_folder: bool,
    force: bool,
    configuration: str | None,
    strip_sensitive: bool,
    project_password_file: Path | None,
) -> None:
    """Deploy the project in SOURCE to FOLDER: an .ispac, or a project folder or .dtproj, which is built first.

    The project has the name in its manifest. A project whose content the catalog already has is not deployed again.
    """
    from airflow_provider_ssis.project.project_file import open_project

    if not source.exists():
        raise CommandFailed(f"{source} does not exist. Give an .ispac, a project folder or a .dtproj.")
    if project_password_file is not None and not strip_sensitive:
        raise click.UsageError("--project-password-file needs --strip-sensitive: the server gets no password.")
    password = None if project_password_file is None else read_password(project_password_file)
    with open_project(source, configuration=configuration, strip_sensitive=strip_sensitive, password=password) as file:
        for warning in file.warnings:
            click.echo(f"warning: {printable(warning)}", err=True)
        created = create_folder and catalog.folder(folder) is None
        if created:
            catalog.create_folder(folder, exist_ok=True)
        elif not create_folder:
            from airflow_provider_ssis.cli.names import require_folder

            require_folder(catalog, folder, more="--create-folder creates it.")
        with reporting_changes({"folder": [folder] if created else []}, verb="Created"):
            _deploy(catalog, output, folder, file, force=force)


def _deploy(catalog: Catalog, output: Output, folder: str, file: ProjectFile, *, force: bool) -> None:
    name = file.project.name
    deployed = None if force else catalog.project(folder, name)
    if deployed is not None:
        with _shown(f"Comparing {folder}/{name} with version {deployed.object_version_lsn}", output):
            unchanged = _has_same_content(catalog, folder, file)
        if unchanged:
            output.done(
                f"{folder}/{deployed.name} is unchanged since {deployed.last_deployed_time:%Y-%m-%d %H:%M:%S}: not "
                "deployed.",
                folder=folder,
                project=name,
                version=deployed.object_version_lsn,
                operation_id=None,
                deployed=False,
            )
            return
    unknown = f"The project may have been deployed: airflow-ssis versions {shlex.join([folder, name])}"
    shown = _shown(f"Deploying {folder}/{name}, {file.size} bytes, {len(file.project.packages)} packages", output)
    with shown, saying_if_interrupted(unknown):
        deployment = catalog.deploy_project(folder, name, file.read())
    output.done(
        f"Deployed {folder}/{name} as version {deployment.object_version_lsn} (operation {deployment.operation_id}).",
        folder=folder,
        project=name,
        version=deployment.object_version_lsn,
        operation_id=deployment.operation_id,
        deployed=True,
    )


def _has_same_content(catalog: Catalog, folder: str, file: ProjectFile) -> bool:
    from io import BytesIO

    from airflow_provider_ssis.project.errors import ProjectError

    try:
        return file.has_content_of(BytesIO(catalog.get_project(folder, file.project.name)))
    except ProjectError as error:
        click.echo(f"warning: the deployed project cannot be compared: {printable(str(error))}", err=True)
        return False


@contextmanager
def _shown(text: str, output: Output) -> Iterator[None]:
    """Show on a terminal what is under way, and for how long."""
    if output.as_json or not sys.stderr.isatty():
        yield
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        progress.add_task(printable(text), total=None)
        yield
