"""``airflow-ssis inspect``: show what an SSIS file contains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.option_values import FilePath, Pair, Pairs, read_password, unique
from airflow_provider_ssis.cli.output import printable

if TYPE_CHECKING:
    from airflow_provider_ssis.project.inspection.sources import SsisFiles
    from airflow_provider_ssis.project.package.document import DtsPackage


@click.command("inspect")
@click.argument("source", type=FilePath(), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, which agrees with the schema that --schema prints.")
@click.option("--schema", is_flag=True, help="Print the JSON schema of --json, and end.")
@click.option(
    "--picture",
    type=click.Choice(("svg", "dot", "mermaid")),
    help="Print a picture of the control flow of a package, or of the data flow in --task.",
)
@click.option(
    "--as-python", is_flag=True, help="Print the Python code that builds a package or project with equal meaning."
)
@click.option("--lineage", is_flag=True, help="Show the tables, files and columns that each task reads and writes.")
@click.option(
    "--parameter",
    "parameters",
    type=Pair(),
    multiple=True,
    help="A parameter for --lineage: '$Project::Server=dw01'. Can be repeated. Default: the design default.",
)
@click.option("--package", metavar="NAME", help="The package of a project for --picture or --as-python: Load.dtsx.")
@click.option("--task", metavar="NAME", help="The name or the path of a Data Flow task for --picture.")
@click.option(
    "--password-file",
    type=FilePath(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="The file with the password of the source, in its first line.",
)
def command(
    source: Path | None,
    as_json: bool,
    schema: bool,
    picture: str | None,
    as_python: bool,
    lineage: bool,
    parameters: Pairs,
    package: str | None,
    task: str | None,
    password_file: Path | None,
) -> None:
    """Show what an SSIS file contains: the tree of tasks with parameters, variables and connection managers, and data
    flows with the origin of each column. Secrets are not shown.

    SOURCE is a package (.dtsx, .dtsxp), project file (.ispac), .dtproj, project folder, .conmgr, .params or .dtsConfig.
    """
    from airflow_provider_ssis.project.errors import ProjectError
    from airflow_provider_ssis.project.inspection import description
    from airflow_provider_ssis.project.inspection.tree import to_tree

    if schema:
        click.echo(json.dumps(description.schema(), indent=2))
        return
    if source is None:
        raise click.UsageError("Missing argument 'SOURCE'.")
    if task and not picture:
        raise click.UsageError("--task needs --picture.")
    if package and not (picture or as_python):
        raise click.UsageError("--package needs --picture or --as-python.")
    if [lineage, bool(picture), as_python].count(True) > 1:
        raise click.UsageError("--lineage, --picture and --as-python exclude each other.")
    if parameters and not lineage:
        raise click.UsageError("--parameter needs --lineage.")
    password = None if password_file is None else read_password(password_file)
    try:
        if lineage:
            click.echo(_lineage(source, _given(parameters), as_json, password), nl=False)
            return
        if as_python:
            click.echo(_python(source, package, password), nl=False)
            return
        if picture:
            click.echo(_picture(source, picture, package, task, password), nl=False)
            return
        found = description.describe(source, password=password)
    except ProjectError as error:
        raise CommandFailed(str(error), cause=error) from None
    except OSError as error:
        raise CommandFailed(f"cannot read {source}: {error.strerror or error}") from None
    click.echo(
        json.dumps(found, indent=2, ensure_ascii=False) + "\n" if as_json else printable(to_tree(found)), nl=False
    )


def _given(parameters: Pairs) -> dict[str, str]:
    for name, _ in parameters:
        if not name.startswith(("$Project::", "$Package::")):
            raise click.UsageError(f"--parameter {name}: write '$Project::Name=value' or '$Package::Name=value'.")
    return unique(parameters, "--parameter")


def _lineage(source: Path, given: dict[str, str], as_json: bool, password: str | None) -> str:
    from airflow_provider_ssis.expressions.property_values import evaluate_property
    from airflow_provider_ssis.project.inspection.sources import open_files
    from airflow_provider_ssis.project.lineage.report import lineage_of_files, to_data, to_text

    with open_files(source, password=password) as files:
        found = lineage_of_files(files, evaluate_property, given)
    return json.dumps(to_data(found), indent=2, ensure_ascii=False) + "\n" if as_json else printable(to_text(found))


def _python(source: Path, package: str | None, password: str | None) -> str:
    from airflow_provider_ssis.project.builder_code.package_code import python_code
    from airflow_provider_ssis.project.builder_code.project_code import project_code
    from airflow_provider_ssis.project.inspection.sources import open_files

    with open_files(source, password=password) as files:
        if package is None and files.manifest is not None:
            return project_code(files)
        return python_code(_package(files, source, package))


def _package(files: SsisFiles, source: Path, package: str | None) -> DtsPackage:
    """Return the package with a name, or the only one."""
    names = [one for one in files.package_names if package in (None, one, one.rpartition(".")[0])]
    if len(names) != 1:
        known = ", ".join(files.package_names) or "none"
        problem = f"has {len(names)} packages" if package is None else f"has no package {package!r}"
        raise CommandFailed(f"{source} {problem}. Choose one with --package: {known}")
    return files.package(names[0])


def _picture(source: Path, kind: str, package: str | None, task: str | None, password: str | None) -> str:
    from airflow_provider_ssis.project.inspection.graph import control_flow_graph, data_flow_graph
    from airflow_provider_ssis.project.inspection.pictures import PICTURES
    from airflow_provider_ssis.project.inspection.sources import open_files
    from airflow_provider_ssis.project.package.data_flow import Pipeline

    with open_files(source, password=password) as files:
        found = _package(files, source, package)
        if task is None:
            return PICTURES[kind](control_flow_graph(found))
        every = ((one, one.data()) for one in found.container.walk())
        flows = [(one, data) for one, data in every if isinstance(data, Pipeline)]
        chosen = [flow for flow in flows if task in (flow[0].name, flow[0].path, flow[0].ref_id)]
        if len(chosen) != 1:
            known = ", ".join(one.path for one, _ in flows) or "none"
            problem = f"has {len(chosen)} Data Flow tasks" if chosen else "has no Data Flow task"
            raise CommandFailed(f"{found.part} {problem} {task!r}. Its Data Flow tasks: {known}")
        return PICTURES[kind](data_flow_graph(found, *chosen[0]))
