"""The values of a run: from options and from a JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from airflow_provider_ssis.catalog.requests import Value
from airflow_provider_ssis.cli.option_values import Pairs, unique
from airflow_provider_ssis.cli.value_files import read_json, value_in

_KEYS = ("parameters", "project_parameters", "connection_managers", "property_overrides")


@dataclass(frozen=True, slots=True)
class RunValues:
    """Values as ``ExecutionRequest`` takes them."""

    parameters: dict[str, Value] = field(default_factory=dict)
    project_parameters: dict[str, Value] = field(default_factory=dict)
    connection_managers: dict[str, dict[str, Value]] = field(default_factory=dict)
    property_overrides: dict[str, Value] = field(default_factory=dict)


def read_values(
    file: Path | None,
    *,
    parameters: Pairs = (),
    project_parameters: Pairs = (),
    connection_managers: Pairs = (),
    property_overrides: Pairs = (),
) -> RunValues:
    """The values of the file and of the options; options take precedence.

    :raises click.UsageError: the file cannot be read or has an unknown key, a name is given twice, or a connection
        manager's property is not written as MANAGER.PROPERTY.
    """
    values = RunValues() if file is None else _from_file(file)
    values.parameters.update(unique(parameters, "--parameter"))
    values.project_parameters.update(unique(project_parameters, "--project-parameter"))
    values.property_overrides.update(unique((at_bracket(*each) for each in property_overrides), "--set"))
    for name, value in unique(connection_managers, "--connection").items():
        manager, dot, property_name = name.rpartition(".")
        if not dot or not manager or not property_name:
            raise click.UsageError(f"--connection {name}: write it as MANAGER.PROPERTY=VALUE.")
        values.connection_managers.setdefault(manager, {})[property_name] = value
    return values


def at_bracket(path: str, value: str) -> tuple[str, str]:
    """A path that contains = inside its brackets ends at the first = after them."""
    while path.count("[") > path.count("]") and "=" in value:
        further, _, value = value.partition("=")
        path = f"{path}={further}"
    return path, value


def _from_file(file: Path) -> RunValues:
    content = read_json(file, keys=_KEYS)
    for key, value in content.items():
        if not isinstance(value, Mapping):
            raise click.UsageError(f"The file {file}: {key} is not an object of names and values.")
    managers = content.get("connection_managers", {})
    for name, properties in managers.items():
        if not isinstance(properties, Mapping):
            raise click.UsageError(f"The file {file}: connection_managers.{name} is not an object of properties.")
    return RunValues(
        parameters=_values(file, "parameters", content.get("parameters", {})),
        project_parameters=_values(file, "project_parameters", content.get("project_parameters", {})),
        connection_managers={
            name: _values(file, f"connection_managers.{name}", properties) for name, properties in managers.items()
        },
        property_overrides=_values(file, "property_overrides", content.get("property_overrides", {})),
    )


def _values(file: Path, where: str, values: Mapping[str, Any]) -> dict[str, Value]:
    return {name: value_in(file, f"{where}.{name}", value) for name, value in values.items()}
