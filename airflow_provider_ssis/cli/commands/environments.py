"""``airflow-ssis env``: environments with their variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.changes import reporting_changes
from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.lazy_group import Group
from airflow_provider_ssis.cli.option_values import FilePath, Pair, Pairs, confirm, unique
from airflow_provider_ssis.cli.output import Column, Output, plain, shown

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import EnvironmentVariable
    from airflow_provider_ssis.catalog.requests import Value

_KEYS = ("value", "type", "sensitive", "description")


@click.group("env", cls=Group)
def command() -> None:
    """Show, set or delete environments and their variables."""


@catalog_command("show")
@click.argument("folder")
@click.argument("environment")
def show(catalog: Catalog, output: Output, folder: str, environment: str) -> None:
    """Show the variables of ENVIRONMENT in FOLDER. Sensitive values are not shown."""
    from airflow_provider_ssis.cli.names import require_environment

    found = require_environment(catalog, folder, environment)
    variables = catalog.environment_variables(folder, environment)
    if output.as_json:
        output.json({"environment": plain(found), "variables": plain(variables)})
        return
    output.rows(
        variables,
        Column("variable", "name"),
        Column("type", "type"),
        Column("value", lambda row: "***" if row.sensitive else shown(row.value)),
        Column("description", "description"),
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The desired values of a variable; None for a value that stays unchanged."""

    value: Value
    type: str | None = None
    sensitive: bool | None = None
    description: str | None = None


@catalog_command("set")
@click.argument("folder")
@click.argument("environment")
@click.argument("value", type=Pair(), nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--type", "types", type=Pair("NAME=TYPE"), multiple=True, help="SSIS type, such as Int32.")
@click.option("--sensitive", multiple=True, metavar="NAME", help="Encrypt this variable, so that no view shows it.")
@click.option(
    "--values",
    type=FilePath(allow_dash=True),
    metavar="FILE",
    help="JSON file with an object of names and values, which then are not in the process list. A value may be an "
    "object with the keys value, type, sensitive and description. - is the standard input.",
)
@click.option("--description", metavar="TEXT", help="Description of the environment.")
@click.option(
    "--project",
    "projects",
    multiple=True,
    metavar="PROJECT",
    help="Add a reference to the environment to this project, so that its runs can use it: NAME or FOLDER/NAME. Can be "
    "repeated.",
)
def set_values(
    catalog: Catalog,
    output: Output,
    folder: str,
    environment: str,
    value: Pairs,
    types: Pairs,
    sensitive: tuple[str, ...],
    values: Path | None,
    description: str | None,
    projects: tuple[str, ...],
) -> None:
    """Create ENVIRONMENT in FOLDER if it does not exist, and set variables. Others stay as they are.

    Values that are the same already are not written again. Sensitive values cannot be compared and always are.
    """
    from airflow_provider_ssis.catalog.project_references import missing_reference, split_project
    from airflow_provider_ssis.cli.names import require_folder, require_project

    wanted = _wanted(value, types, sensitive, values)
    require_folder(catalog, folder)
    owners = [split_project(folder, project) for project in projects]
    for owner in owners:
        require_project(catalog, *owner)
    found = catalog.environment(folder, environment)
    # Before anything is changed.
    known = {} if found is None else _variables(catalog, folder, environment)
    with reporting_changes({"": []}, otherwise="Nothing was changed."):
        for name, each in wanted.items():
            _check(folder, environment, name, each, known.get(name.casefold()))
    is_new = found is None
    created: list[str] = []
    updated: list[str] = []
    referring: list[str] = []
    changes = {
        "": [f"the environment {environment} was created"] if is_new else [],
        "variables created": created,
        "variables updated": updated,
        "references added": referring,
    }
    if found is None:
        catalog.create_environment(folder, environment, description, exist_ok=True)
    elif description is not None and description != (found.description or ""):
        catalog.set_environment_description(folder, environment, description)
    with reporting_changes(changes):
        for name, each in wanted.items():
            if name.casefold() not in known:
                catalog.create_environment_variable(
                    *(folder, environment, name, each.value),
                    data_type=each.type,
                    sensitive=each.sensitive,
                    description=each.description,
                )
                created.append(name)
            elif _update(catalog, folder, environment, known[name.casefold()], each):
                updated.append(name)
        for project_folder, project in owners:
            refer = missing_reference(catalog, folder, environment, project_folder, project)
            if refer is not None:
                refer()
                referring.append(f"{project_folder}/{project}")
    unchanged = [name for name in wanted if name not in (*created, *updated)]
    parts = [f"Created the environment {folder}/{environment}." if is_new else f"Environment {folder}/{environment}."]
    parts += [
        f"{what}: {', '.join(names)}."
        for what, names in (
            *(("Created", created), ("Updated", updated), ("Unchanged", unchanged)),
            ("Added a reference to", referring),
        )
        if names
    ]
    output.done(
        " ".join(parts),
        folder=folder,
        environment=environment,
        environment_created=is_new,
        created=created,
        updated=updated,
        unchanged=unchanged,
        references_added=referring,
    )


@catalog_command("delete")
@click.argument("folder")
@click.argument("environment")
@click.argument("variable", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(
    catalog: Catalog, output: Output, folder: str, environment: str, variable: tuple[str, ...], yes: bool
) -> None:
    """Delete ENVIRONMENT in FOLDER with its variables, or only VARIABLEs of it.

    Projects keep their references to a deleted environment. A run that uses one fails.
    """
    from airflow_provider_ssis.cli.names import require_environment

    require_environment(catalog, folder, environment)
    what = f"the environment {folder}/{environment}"
    if variable:
        what = f"{', '.join(variable)} of {what}"
    if not yes and not confirm(f"Delete {what}?"):
        raise CommandFailed("nothing was deleted.")
    deleted: list[str] = []
    with reporting_changes({"": deleted}, verb="Deleted"):
        for name in variable:
            catalog.delete_environment_variable(folder, environment, name)
            deleted.append(name)
    if not variable:
        catalog.delete_environment(folder, environment)
    output.done(f"Deleted {what}.", folder=folder, environment=environment, variables=list(variable))


def _wanted(values: Pairs, types: Pairs, sensitive: tuple[str, ...], file: Path | None) -> dict[str, _Wanted]:
    from airflow_provider_ssis.cli.value_files import read_json

    found = {} if file is None else {name: _from_file(file, name, each) for name, each in read_json(file).items()}
    found.update({name: _Wanted(value) for name, value in unique(values, "The variable").items()})
    spelled: dict[str, str] = {}
    for name in found:
        other = spelled.setdefault(name.casefold(), name)
        if other != name:
            raise click.UsageError(
                f"{other} and {name} are one variable for the catalog, which ignores case: give one."
            )
    of_type = unique(types, "--type")
    for name in (*of_type, *sensitive):
        if name not in found:
            raise click.UsageError(f"The variable {name} has a type or is sensitive, but has no value.")
        before = found[name]
        found[name] = _Wanted(
            before.value,
            of_type.get(name, before.type),
            True if name in sensitive else before.sensitive,
            before.description,
        )
    return found


def _from_file(file: Path, name: str, value: Any) -> _Wanted:
    from airflow_provider_ssis.cli.value_files import value_in

    if not isinstance(value, Mapping) or (set(value) == {"sensitive"} and not isinstance(value["sensitive"], bool)):
        return _Wanted(value_in(file, name, value))
    unknown = sorted(set(value) - set(_KEYS))
    if unknown:
        raise click.UsageError(
            f"The file {file}: {name} has the unknown key {unknown[0]!r}. The keys are {', '.join(_KEYS)}."
        )
    if "value" not in value:
        raise click.UsageError(f"The file {file}: {name} needs the key 'value', and may have {', '.join(_KEYS[1:])}.")
    data_type, sensitive, description = value.get("type"), value.get("sensitive"), value.get("description")
    if not isinstance(data_type, str | None) or not isinstance(description, str | None):
        raise click.UsageError(f"The file {file}: the type and description of {name} are texts.")
    if not isinstance(sensitive, bool | None):
        raise click.UsageError(f"The file {file}: 'sensitive' of {name} is true or false.")
    return _Wanted(value_in(file, f"{name}.value", value["value"]), data_type, sensitive, description)


def _variables(catalog: Catalog, folder: str, environment: str) -> dict[str, EnvironmentVariable]:
    return {each.name.casefold(): each for each in catalog.environment_variables(folder, environment)}


def _check(folder: str, environment: str, name: str, wanted: _Wanted, current: EnvironmentVariable | None) -> None:
    """Check that a variable can have its type and value."""
    from airflow_provider_ssis.catalog.sections.environment_variables import check_variable

    data_type = wanted.type or (None if current is None else current.type)
    is_sensitive = wanted.sensitive or (current is not None and current.sensitive)
    check_variable(folder, environment, name, wanted.value, data_type, is_sensitive=bool(is_sensitive))


def _update(catalog: Catalog, folder: str, environment: str, variable: EnvironmentVariable, wanted: _Wanted) -> bool:
    """Change what differs. The protection comes first, so that a secret is never stored as plain text.

    :return: whether anything was written.
    """
    from airflow_provider_ssis.catalog.requests import Sensitive
    from airflow_provider_ssis.cli.commands.parameters import same_value

    place = (folder, environment, variable.name)
    sensitive = True if isinstance(wanted.value, Sensitive) and wanted.sensitive is None else wanted.sensitive
    changed = False
    if sensitive is not None and sensitive != variable.sensitive:
        catalog.set_environment_variable_protection(*place, sensitive=sensitive)
        changed = True
    if wanted.type is not None and wanted.type.casefold() != variable.type.casefold():
        _change_type(catalog, place, variable, wanted.type, wanted.value)
        changed = True
    if changed or variable.sensitive or not same_value(variable.value, wanted.value):
        catalog.set_environment_variable_value(*place, wanted.value)
        changed = True
    if wanted.description is not None and wanted.description != (variable.description or ""):
        catalog.set_environment_variable_description(*place, wanted.description)
        changed = True
    return changed


def _change_type(
    catalog: Catalog, place: tuple[str, str, str], variable: EnvironmentVariable, data_type: str, value: Value
) -> None:
    """Change the type of a variable that gets another value after that.

    The catalog converts the old value, and refuses the type if it cannot. Then the new value is stored as text first.
    """
    from airflow_provider_ssis.catalog.errors import WrongParameterType
    from airflow_provider_ssis.catalog.requests import Sensitive
    from airflow_provider_ssis.catalog.sections.environment_variables import text_of_variable

    text = text_of_variable(*place, value, data_type, is_sensitive=variable.sensitive)
    try:
        catalog.set_environment_variable_type(*place, data_type)
    except WrongParameterType:
        if variable.type != "String":
            catalog.set_environment_variable_type(*place, "String")
        catalog.set_environment_variable_value(*place, Sensitive(text) if isinstance(value, Sensitive) else text)
        catalog.set_environment_variable_type(*place, data_type)


command.add_command(show)
command.add_command(set_values)
command.add_command(delete)
