"""``airflow-ssis build``: build a project file from a project folder."""

from __future__ import annotations

import os
from pathlib import Path

import click

from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.output_file import replacing

_SOURCE_FILES = (".dtproj", ".dtsx", ".params", ".conmgr")


@click.command("build")
@click.argument("source", type=Path)
@click.option("--output", type=Path, required=True, metavar="FILE", help="The project file to write.")
@click.option(
    "--configuration",
    metavar="NAME",
    help="Use the parameter values and the target server version of this configuration. Without it: the values in the "
    "project's files, and the target server version of the first configuration.",
)
@click.option(
    "--project",
    metavar="NAME",
    help="The .dtproj to build if the folder contains several.",
)
@click.option(
    "--strip-sensitive",
    is_flag=True,
    help="Remove all sensitive values, list them, and set the protection level DontSaveSensitive. Without it, only "
    "values encrypted with a user key are removed.",
)
def command(source: Path, output: Path, configuration: str | None, project: str | None, strip_sensitive: bool) -> None:
    """Build a project file (.ispac) from a project of the project deployment model. The same source always gives the
    same file.

    SOURCE is the folder that contains the .dtproj, or the .dtproj itself; with --strip-sensitive also an .ispac.
    """
    from airflow_provider_ssis.project.build import build_into
    from airflow_provider_ssis.project.content import content_hash
    from airflow_provider_ssis.project.errors import ProjectError

    if output.suffix.lower() in _SOURCE_FILES:
        raise CommandFailed(f"{output} has the name of a project's source file. Give it the extension .ispac")
    try:
        with replacing(output) as file:
            built = build_into(
                file,
                source,
                configuration=configuration,
                project=project,
                strip_sensitive=strip_sensitive,
            )
            size = file.seek(0, os.SEEK_END)
            digest = content_hash(file)
    except ProjectError as error:
        raise CommandFailed(str(error)) from None
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        raise CommandFailed(f"cannot write {output}: {getattr(error, 'strerror', None) or error}") from None
    for warning in built.warnings:
        click.echo(f"warning: {warning}", err=True)
    packages = built.project.packages
    click.echo(f"Built project {built.project.name}: {output}, {size} bytes")
    click.echo(f"Packages ({len(packages)}): {', '.join(package.name for package in packages)}")
    click.echo(f"Content hash: {digest}")
