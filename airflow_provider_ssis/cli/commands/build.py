"""``airflow-ssis build``: build a project file from a project folder."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.option_values import FilePath, Pair, read_password, unique
from airflow_provider_ssis.cli.output import printable
from airflow_provider_ssis.cli.output_file import replacing

if TYPE_CHECKING:
    from airflow_provider_ssis.project.visual_studio.changes import Changes

_SOURCE_FILES = (".dtproj", ".dtsx", ".params", ".conmgr")
_LEVELS = {"sensitive": "ENCRYPT_SENSITIVE_WITH_PASSWORD", "all": "ENCRYPT_ALL_WITH_PASSWORD"}
_FILE = FilePath(exists=True, dir_okay=False, allow_dash=True)


@click.command("build")
@click.argument("source", type=FilePath())
@click.option(
    "--output",
    type=FilePath(),
    required=True,
    metavar="FILE",
    help="The project file to write; for the package deployment model the folder.",
)
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
@click.option(
    "--password-file", type=_FILE, metavar="FILE", help="The file with the password of the source, in its first line."
)
@click.option(
    "--protect",
    type=click.Choice(tuple(_LEVELS)),
    help="Encrypt the sensitive values, or everything, with the password in --new-password-file.",
)
@click.option(
    "--new-password-file",
    type=_FILE,
    metavar="FILE",
    help="The file with the password of the result, in its first line.",
)
@click.option(
    "--cipher",
    type=click.Choice(("aes256", "tripledes")),
    default="tripledes",
    show_default=True,
    help="The cipher for --protect. All versions of SQL Server read tripledes; aes256 needs 2017 or later.",
)
@click.option(
    "--set",
    "values",
    type=Pair(),
    multiple=True,
    help="The value of a parameter: Project::Region=north or Load::BatchSize=500. Can be repeated.",
)
@click.option("--values", "values_file", type=_FILE, metavar="FILE", help="A JSON object with values of parameters.")
@click.option("--project-version", metavar="VERSION", help="The version of the project: 2.1 or 2.1.340.")
@click.option("--lint", "checked", is_flag=True, help="Check the project first, and build nothing if there are errors.")
@click.option("--version-comments", metavar="TEXT", help="The comments on the version.")
def command(
    source: Path, output: Path, configuration: str | None, project: str | None, strip_sensitive: bool, **options: Any
) -> None:
    """Build a project file (.ispac) from a project of the project deployment model. The same source always gives the
    same file.

    SOURCE is the folder that contains the .dtproj, or the .dtproj itself; to change its protection, values or version
    also an .ispac. A project of the package deployment model becomes a folder with its packages, configuration files
    and deployment manifest.
    """
    from airflow_provider_ssis.project.build import build_into
    from airflow_provider_ssis.project.content import content_hash
    from airflow_provider_ssis.project.errors import ProjectError
    from airflow_provider_ssis.project.visual_studio.deployment_folder import is_package_model

    if output.suffix.lower() in _SOURCE_FILES:
        raise CommandFailed(f"{output} has the name of a project's source file. Give it the extension .ispac")
    changes = _changes(options)
    if options["checked"]:
        _check(source, project, changes.password)
    try:
        if output.suffix.lower() != ".ispac" and is_package_model(source, project):
            _build_folder(source, output, project)
            return
        with replacing(output) as file:
            built = build_into(
                file,
                source,
                configuration=configuration,
                project=project,
                strip_sensitive=strip_sensitive,
                changes=changes,
            )
            size = file.seek(0, os.SEEK_END)
            digest = content_hash(file)
    except ProjectError as error:
        raise CommandFailed(str(error)) from None
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        raise CommandFailed(f"cannot write {output}: {getattr(error, 'strerror', None) or error}") from None
    for warning in built.warnings:
        click.echo(printable(f"warning: {warning}"), err=True)
    packages = built.project.packages
    click.echo(printable(f"Built project {built.project.name}: {output}, {size} bytes"))
    click.echo(printable(f"Packages ({len(packages)}): {', '.join(package.name for package in packages)}"))
    click.echo(f"Content hash: {digest}")


def _check(source: Path, project: str | None, password: str | None) -> None:
    """Print the findings of the rules about a project.

    :raises CommandFailed: there are errors.
    """
    from airflow_provider_ssis.lint.configuration import ConfigurationError
    from airflow_provider_ssis.lint.findings import Severity
    from airflow_provider_ssis.lint.output import to_text
    from airflow_provider_ssis.lint.runner import check, configuration_of

    try:
        found = check(source, configuration_of(source), project=project, password=password)
    except ConfigurationError as error:
        raise CommandFailed(str(error)) from None
    if found:
        click.echo(printable(to_text(found)), nl=False, err=True)
    if any(one.severity is Severity.ERROR for one in found):
        raise CommandFailed(f"{source} has errors. Nothing was built")


def _build_folder(source: Path, output: Path, project: str | None) -> None:
    """Write the deployment folder of a project of the package deployment model."""
    from airflow_provider_ssis.project.visual_studio.deployment_folder import build_deployment_folder

    built = build_deployment_folder(source, project=project)
    output.mkdir(parents=True, exist_ok=True)
    if output.resolve() == (source if source.is_dir() else source.parent).resolve():
        raise CommandFailed(f"{output} is the folder of the source. Give another folder")
    for name, data in built.files.items():
        with replacing(output / name) as file:
            file.write(data)
    for warning in built.warnings:
        click.echo(printable(f"warning: {warning}"), err=True)
    click.echo(
        printable(f"Built project {built.name} of the package deployment model: {output}, {len(built.files)} files")
    )
    click.echo(printable(f"Packages ({len(built.packages)}): {', '.join(built.packages)}"))


def _changes(options: dict[str, Any]) -> Changes:
    """Return the changes that the options ask for."""
    from airflow_provider_ssis.project.models import ProtectionLevel
    from airflow_provider_ssis.project.protection.ciphers import AES_256, TRIPLE_DES
    from airflow_provider_ssis.project.protection.encryption import PasswordProtection
    from airflow_provider_ssis.project.visual_studio.changes import Changes, Version

    protection = None
    if (options["protect"] is None) != (options["new_password_file"] is None):
        raise click.UsageError("Give --protect and --new-password-file together.")
    if options["protect"] is not None:
        protection = PasswordProtection(
            ProtectionLevel[_LEVELS[options["protect"]]],
            read_password(options["new_password_file"]),
            AES_256 if options["cipher"] == "aes256" else TRIPLE_DES,
        )
    try:
        version = None if options["project_version"] is None else Version.of(options["project_version"])
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--project-version") from None
    return Changes(
        password=None if options["password_file"] is None else read_password(options["password_file"]),
        protection=protection,
        values={**_values_of_file(options["values_file"]), **unique(options["values"], "--set")},
        version=version,
        version_comments=options["version_comments"],
    )


def _values_of_file(path: Path | None) -> dict[str, str]:
    from airflow_provider_ssis.cli.value_files import read_json

    found = {} if path is None else read_json(path)
    for name, value in found.items():
        if not isinstance(value, bool | int | Decimal | str):
            raise click.UsageError(f"The file {path}: {name} is neither a text, a number, true nor false.")
    return {name: f"{value:f}" if isinstance(value, Decimal) else str(value) for name, value in found.items()}
