"""``airflow-ssis diff``: the semantic difference of two packages or projects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airflow_provider_ssis.cli.catalog_command import connector_of
from airflow_provider_ssis.cli.connection_options import CONNECTION_PARAMETERS, ConnectionOptions, take_connection
from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.option_values import FilePath, not_empty, read_password
from airflow_provider_ssis.cli.output import printable

if TYPE_CHECKING:
    from airflow_provider_ssis.project.comparison.differences import Difference
    from airflow_provider_ssis.project.inspection.sources import SsisFiles

_CATALOG = "catalog:"
_LONGEST = 200
DIFFERENT = 1
FAILED = 2


def _run(
    before: str, after: str, *, as_json: bool, ids: bool, project_password_file: Path | None, **connection: Any
) -> int:
    from airflow_provider_ssis.catalog.errors import CatalogError
    from airflow_provider_ssis.cli.airflow_process import UnreadableConnection
    from airflow_provider_ssis.project.comparison.differences import compare
    from airflow_provider_ssis.project.errors import ProjectError

    password = None if project_password_file is None else read_password(project_password_file)
    options = take_connection(connection)
    try:
        with _opened(before, options, password, as_json) as one, _opened(after, options, password, as_json) as other:
            found = compare(one, other, ids=ids)
    except (ProjectError, CatalogError, UnreadableConnection, CommandFailed) as error:
        raise CommandFailed(str(error), FAILED, cause=error) from None
    click.echo(_json(found) if as_json else printable(_text(found)), nl=False)
    return DIFFERENT if found else 0


@contextmanager
def _opened(source: str, options: ConnectionOptions, password: str | None, as_json: bool) -> Iterator[SsisFiles]:
    """Open a path, or the deployed project ``catalog:FOLDER/PROJECT``."""
    from airflow_provider_ssis.project.inspection.sources import open_files

    if not source.startswith(_CATALOG):
        with open_files(Path(source), password=password) as files:
            yield files
        return
    folder, slash, project = source.removeprefix(_CATALOG).partition("/")
    if not slash:
        raise click.UsageError(f"Write a deployed project as {_CATALOG}FOLDER/PROJECT, not {source!r}.")
    with connector_of(options, as_json=as_json).open_catalog() as catalog:
        content = catalog.get_project(folder, project)
    with open_files(content, password=None) as files:
        yield replace(files, source=source)


def _json(found: Sequence[Difference]) -> str:
    entries = [
        {"kind": one.kind, "file": one.file, "path": one.path, "before": one.before, "after": one.after}
        for one in found
    ]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _text(found: Sequence[Difference]) -> str:
    lines: list[str] = []
    file = None
    for one in found:
        if one.file != file:
            file = one.file
            lines.append(file)
        mark = {"added": "+", "removed": "-", "changed": "~"}[one.kind]
        path = one.path or "(the file)"
        if one.before is None and one.after is None:
            lines.append(f"  {mark} {path}")
        elif one.kind == "changed":
            lines.append(f"  {mark} {path}: {_short(one.before)} -> {_short(one.after)}")
        else:
            lines.append(f"  {mark} {path}: {_short(one.before if one.after is None else one.after)}")
    if not lines:
        return "No differences.\n"
    return "\n".join([*lines, f"{len(found)} difference{'s' if len(found) != 1 else ''}", ""])


def _short(text: str | None) -> str:
    shown = json.dumps(text, ensure_ascii=False)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 4]} ..."


class _DiffCommand(click.Command):
    """A command whose exit code 1 is a difference."""

    failed_exit_code = FAILED


command = _DiffCommand(
    "diff",
    callback=_run,
    params=[
        click.Argument(["before"], type=not_empty),
        click.Argument(["after"], type=not_empty),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."),
        click.Option(["--ids", "ids"], is_flag=True, help="Compare ids too."),
        click.Option(
            ["--project-password-file"],
            type=FilePath(exists=True, dir_okay=False, allow_dash=True),
            metavar="FILE",
            help="The file with the password of the sources, in its first line.",
        ),
        *CONNECTION_PARAMETERS,
    ],
    help="""Show what differs between two packages or two projects: objects by name, and their properties. Layout,
    machine names, times and build numbers make no difference; secrets are not shown.

    BEFORE and AFTER are packages, project files (.ispac), .dtproj files, project folders, or deployed projects as
    catalog:FOLDER/PROJECT with the options of the connection. Exit code 0: no difference, 1: differences, 2: failed.
    """,
)
