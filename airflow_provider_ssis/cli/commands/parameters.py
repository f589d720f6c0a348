"""``airflow-ssis parameter``: the values that parameters have for every later execution."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.changes import reporting_changes
from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.lazy_group import Group
from airflow_provider_ssis.cli.option_values import FilePath, Pair, Pairs, package_name, unique
from airflow_provider_ssis.cli.output import Column, Output, shown

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import ObjectParameter
    from airflow_provider_ssis.catalog.requests import Value, VariableReference

_PACKAGE = click.option(
    "--package",
    type=package_name,
    metavar="NAME",
    help="The package whose parameters these are. Without it: those of the project.",
)


@click.group("parameter", cls=Group)
def command() -> None:
    """Show, set or clear the values of a project's or package's parameters."""


@catalog_command("show")
@click.argument("folder")
@click.argument("project")
@_PACKAGE
def show(catalog: Catalog, output: Output, folder: str, project: str, package: str | None) -> None:
    """Show the parameters of PROJECT in FOLDER and of its packages. Sensitive values are not shown."""
    from airflow_provider_ssis.cli.names import require_package, require_project

    require_project(catalog, folder, project)
    found = catalog.object_parameters(folder, project)
    if package is not None:
        require_package(catalog, folder, project, package)
        found = [each for each in found if each.object_name.casefold() == package.casefold()]
    output.rows(
        found,
        Column("of", "object_name"),
        Column("parameter", "parameter_name"),
        Column("type", "data_type"),
        Column("required", "required"),
        Column("value", _value),
        Column("design default", lambda row: "***" if row.sensitive else shown(row.design_default_value)),
        Column("description", "description"),
    )


@catalog_command("set")
@click.argument("folder")
@click.argument("project")
@click.argument("value", type=Pair(), nargs=-1, metavar="[NAME=VALUE]...")
@_PACKAGE
@click.option("--bind", type=Pair("NAME=VARIABLE"), multiple=True, help="Bind to an environment variable.")
@click.option(
    "--values",
    type=FilePath(allow_dash=True),
    metavar="FILE",
    help="JSON file with an object of names and values, which then are not in the process list. - is standard input.",
)
def set_values(
    catalog: Catalog,
    output: Output,
    folder: str,
    project: str,
    value: Pairs,
    package: str | None,
    bind: Pairs,
    values: Path | None,
) -> None:
    """Set the values of parameters of PROJECT in FOLDER, or of one of its packages, for every later execution.

    Values that are the same already are not written again. Sensitive values cannot be compared and always are.
    """
    from airflow_provider_ssis.catalog.requests import VariableReference
    from airflow_provider_ssis.cli.names import require_project
    from airflow_provider_ssis.cli.value_files import read_json, value_in

    wanted: dict[str, Value | VariableReference] = {}
    if values is not None:
        wanted.update({name: value_in(values, name, each) for name, each in read_json(values).items()})
    wanted.update(unique(value, "The parameter"))
    bindings = unique(bind, "--bind")
    twice = sorted(set(bindings) & set(wanted))
    if twice:
        raise click.UsageError(f"{twice[0]} is given a value and a binding.")
    wanted.update({name: VariableReference(variable) for name, variable in bindings.items()})
    if not wanted:
        raise click.UsageError("No values are given. Write them as NAME=VALUE, or use --bind or --values.")
    require_project(catalog, folder, project)
    owner = (package or project).casefold()
    parameters = catalog.object_parameters(folder, project)
    known = {each.parameter_name: each for each in parameters if each.object_name.casefold() == owner}
    for name in wanted if package is None else ():
        owners = [each.object_name for each in parameters if each.parameter_name == name]
        if owners and name not in known:
            raise CommandFailed(
                f"{name!r} is not a parameter of the project {folder}/{project} but of {', '.join(owners)}. Nothing "
                f"was set. Name the package: --package {owners[0]}."
            )
    written: list[str] = []
    with reporting_changes({"": written}, verb="Set"):
        for name, each in wanted.items():
            if name not in known or not _is_set_to(known[name], each):
                catalog.set_object_parameter_value(folder, project, name, each, package=package)
                written.append(name)
    place = f"{folder}/{project}" + (f"/{package}" if package else "")
    unchanged = [name for name in wanted if name not in written]
    output.done(
        f"Set {', '.join(written) or 'nothing'} of {place}."
        + (f" Unchanged: {', '.join(unchanged)}." if unchanged else ""),
        folder=folder,
        project=project,
        package=package,
        written=written,
        unchanged=unchanged,
    )


@catalog_command("clear")
@click.argument("folder")
@click.argument("project")
@click.argument("name", nargs=-1, required=True)
@_PACKAGE
def clear(
    catalog: Catalog, output: Output, folder: str, project: str, name: tuple[str, ...], package: str | None
) -> None:
    """Remove the values and bindings of the parameters NAME, so that those in the project file count again."""
    done: list[str] = []
    with reporting_changes({"": done}, verb="Cleared"):
        for each in name:
            catalog.clear_object_parameter_value(folder, project, each, package=package)
            done.append(each)
    output.done(f"Cleared {', '.join(done)}.", folder=folder, project=project, package=package, cleared=done)


def _value(row: ObjectParameter) -> str:
    if row.value_type == "R":
        return f"environment variable {row.referenced_variable_name}"
    if not row.value_set:
        return ""
    return "***" if row.sensitive else shown(row.default_value)


def _is_set_to(parameter: ObjectParameter, value: Value | VariableReference) -> bool:
    """Whether writing the value would change nothing, as far as that is visible."""
    from airflow_provider_ssis.catalog.requests import Sensitive, VariableReference

    if isinstance(value, VariableReference):
        return parameter.value_type == "R" and parameter.referenced_variable_name == value.name
    if not parameter.value_set or parameter.value_type != "V" or parameter.sensitive or isinstance(value, Sensitive):
        return False
    return same_value(parameter.default_value, value)


def same_value(stored: object, given: object) -> bool:
    """Whether a stored value is the given one, which may be its text. Unsure is different."""
    if isinstance(given, str) and not isinstance(stored, str):
        if isinstance(stored, bool):
            return given.strip().casefold() == str(stored).casefold()
        return given.strip() == str(stored)
    return type(stored) is type(given) and stored == given


command.add_command(show)
command.add_command(set_values)
command.add_command(clear)
