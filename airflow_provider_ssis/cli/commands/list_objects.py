"""``airflow-ssis list``: what is in the catalog."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.catalog.codes import OperationStatus, OperationType
from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.lazy_group import Group
from airflow_provider_ssis.cli.option_values import Number, package_name
from airflow_provider_ssis.cli.output import Column, Output, printable

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog

_STATUSES = [each.name.lower() for each in OperationStatus]
_TYPES = [each.name.lower() for each in OperationType if each is not OperationType.UNKNOWN]
_AGE = re.compile(r"(?P<number>\d+)(?P<unit>[smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def point_in_time(text: str) -> datetime:
    """A time with a time zone, from ISO 8601 or an age such as ``2h``.

    :raises click.BadParameter: the text is neither.
    """
    age = _AGE.fullmatch(text.strip())
    try:
        if age is not None:
            return datetime.now(UTC) - timedelta(**{_UNITS[age["unit"]]: int(age["number"])})
        moment = datetime.fromisoformat(text.strip())
        return moment if moment.tzinfo is not None else moment.astimezone()
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r} is neither a time (2024-05-31T08:00) nor an age (30m, 2h, 7d)") from None


@click.group("list", cls=Group)
def command() -> None:
    """List folders, projects, packages, environments, executions, operations or workers."""


@catalog_command("folders")
def folders(catalog: Catalog, output: Output) -> None:
    """List the folders that the login can see."""
    output.rows(
        catalog.folders(),
        Column("folder", "name"),
        Column("created by", "created_by_name"),
        Column("created", "created_time"),
        Column("description", "description"),
    )


@catalog_command("projects")
@click.argument("folder", required=False)
def projects(catalog: Catalog, output: Output, folder: str | None) -> None:
    """List the projects of FOLDER, or of all folders."""
    _require_folder(catalog, folder)
    output.rows(
        catalog.projects(folder),
        Column("folder", "folder_name"),
        Column("project", "name"),
        Column("version", "object_version_lsn"),
        Column("deployed", "last_deployed_time"),
        Column("deployed by", "deployed_by_name"),
        Column("validation", "validation_status"),
        Column("description", "description"),
    )


@catalog_command("packages")
@click.argument("folder")
@click.argument("project")
def packages(catalog: Catalog, output: Output, folder: str, project: str) -> None:
    """List the packages of PROJECT in FOLDER."""
    from airflow_provider_ssis.cli.names import require_project

    require_project(catalog, folder, project)
    output.rows(
        catalog.packages(folder, project),
        Column("package", "name"),
        Column("entry point", "entry_point"),
        Column("version", lambda row: f"{row.version_major}.{row.version_minor}.{row.version_build}"),
        Column("format", "package_format_version"),
        Column("validation", "validation_status"),
        Column("description", "description"),
    )


@catalog_command("environments")
@click.argument("folder", required=False)
def environments(catalog: Catalog, output: Output, folder: str | None) -> None:
    """List the environments of FOLDER, or of all folders."""
    _require_folder(catalog, folder)
    output.rows(
        catalog.environments(folder),
        Column("folder", "folder_name"),
        Column("environment", "name"),
        Column("created by", "created_by_name"),
        Column("created", "created_time"),
        Column("description", "description"),
    )


@catalog_command("executions")
@click.option("--folder", metavar="NAME", help="Only of this folder.")
@click.option("--project", metavar="NAME", help="Only of this project; needs --folder.")
@click.option("--package", type=package_name, metavar="NAME", help="Only of this package.")
@click.option(
    "--status", type=click.Choice(_STATUSES), multiple=True, help="Only in this status. Can be given several times."
)
@click.option(
    "--since",
    type=point_in_time,
    metavar="TIME",
    help="Only created since this time (2024-05-31T08:00, local unless it has an offset) or age (30m, 2h, 7d).",
)
@click.option("--limit", type=Number(1), default=50, help="The most executions to list, the newest first.")
def executions(
    catalog: Catalog,
    output: Output,
    folder: str | None,
    project: str | None,
    package: str | None,
    status: tuple[str, ...],
    since: datetime | None,
    limit: int,
) -> None:
    """List executions, the newest first."""
    if project is not None and folder is None:
        raise click.UsageError("--project needs --folder.", click.get_current_context())
    found = list(
        catalog.executions(
            folder=folder,
            project=project,
            package=package,
            status=_statuses(status),
            since=since,
            limit=limit,
        )
    )
    if not found and folder is not None:
        from airflow_provider_ssis.executions.unknown_names import unknown_name

        # No error: the catalog keeps the executions of deleted projects.
        hint = unknown_name(catalog, folder, project, None if project is None else package)
        if hint is not None:
            click.echo(printable(f"warning: {hint}"), err=True)
    output.rows(
        found,
        Column("execution", "execution_id"),
        Column("status", "status"),
        Column("folder", "folder_name"),
        Column("project", "project_name"),
        Column("package", "package_name"),
        Column("environment", "environment_name"),
        Column("started", "start_time"),
        Column("ended", "end_time"),
        Column("by", "caller_name"),
    )


@catalog_command("operations")
@click.option(
    "--type", "kind", type=click.Choice(_TYPES), multiple=True, help="Only of this type. Can be given several times."
)
@click.option("--status", type=click.Choice(_STATUSES), multiple=True, help="Only in this status. Can be repeated.")
@click.option("--object", "object_name", metavar="NAME", help="Only about the project of this name.")
@click.option("--caller", metavar="LOGIN", help="Only of this login.")
@click.option("--since", type=point_in_time, metavar="TIME", help="Only created since this time or age.")
@click.option("--limit", type=Number(1), default=50, help="The most operations to list, the newest first.")
def operations(
    catalog: Catalog,
    output: Output,
    kind: tuple[str, ...],
    status: tuple[str, ...],
    object_name: str | None,
    caller: str | None,
    since: datetime | None,
    limit: int,
) -> None:
    """List operations of all types, the newest first: executions, deployments, validations, stops and others."""
    found = catalog.operations(
        operation_type=[OperationType[name.upper()] for name in kind] or None,
        status=_statuses(status),
        object_name=object_name,
        caller=caller,
        since=since,
        limit=limit,
    )
    output.rows(
        list(found),
        Column("operation", "operation_id"),
        Column("type", "operation_type"),
        Column("status", "status"),
        Column("object", "object_name"),
        Column("created", "created_time"),
        Column("ended", "end_time"),
        Column("by", "caller_name"),
    )


@catalog_command("workers")
def workers(catalog: Catalog, output: Output) -> None:
    """List the workers of Scale Out.

    Members of ssis_admin, sysadmin and ssis_cluster_executor see them.
    """
    output.rows(
        catalog.worker_agents(),
        Column("worker", "machine_name"),
        Column("enabled", "is_enabled"),
        Column("name", "display_name"),
        Column("tags", "tags"),
        Column("last online", "last_online_time"),
        Column("id", "worker_agent_id"),
    )


def _statuses(names: tuple[str, ...]) -> list[OperationStatus] | None:
    return [OperationStatus[name.upper()] for name in names] or None


def _require_folder(catalog: Catalog, folder: str | None) -> None:
    from airflow_provider_ssis.cli.names import require_folder

    if folder is not None:
        require_folder(catalog, folder)


for _command in (folders, projects, packages, environments, executions, operations, workers):
    command.add_command(_command)
