"""The checks of a validation: problems of deployed packages, and of the values of their parameters.

The checks read the files and the catalog's rows; no connection is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airflow_provider_ssis.emulator.ssisdb.error_texts import text
from airflow_provider_ssis.emulator.ssisdb.names import folded
from airflow_provider_ssis.emulator.ssisdb.ssis_types import is_same
from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.runner import check
from airflow_provider_ssis.project.models import EvalOp, EventHandler, Executable, Package, Project

_RULES: Final = LintConfiguration(
    select=("C101", "D103", "D104", "D109", "D110", "E101", "F107", "P001", "P103", "P401", "P402", "V101")
)
"""The rules about what fails at validation: connection managers, data flows, expressions, loops, parameters, child
packages, variables, files that cannot be read. Tasks without content are accepted, because they are simulated."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem.

    :param place: the path of the object that has it; empty for the package itself.
    :param is_warning: whether the package can still run.
    """

    message: str
    place: str = ""
    is_warning: bool = False


# --- files


def check_files(path: Path, project: Project) -> dict[str, list[Finding]]:
    """The problems of the files of a project, by the lower-case name of the package; those of other files: empty.

    :param path: the project file.
    :param project: its content.
    """
    packages = {package.name.lower(): package for package in project.packages}
    found: dict[str, list[Finding]] = {"": [], **{name: [] for name in packages}}
    for one in check(path, _RULES):
        key = one.place.file.lower() if one.place.file.lower() in packages else ""
        if key and _is_disabled(packages[key], one.place.path):
            continue
        message = f"{one.message[:1].upper()}{one.message[1:]}. {one.fix}."
        found[key].append(Finding(message, one.place.path))
    for name, package in packages.items():
        if package.control_flow is None:
            found[name] = [Finding(package.note or f"The package {package.name} is encrypted as a whole.")]
        else:
            found[name] += _check_constraints(package.control_flow)
    return found


def _is_disabled(package: Package, path: str) -> bool:
    """Whether an object is part of an executable that is disabled: a validation skips those."""
    root = package.control_flow
    if root is None:
        return False
    return any(
        path == disabled or path.startswith((f"{disabled}\\", f"{disabled}.")) for disabled in _disabled_paths(root)
    )


def _disabled_paths(executable: Executable | EventHandler) -> Iterator[str]:
    if executable.disabled:
        yield executable.path
        return
    if isinstance(executable, Executable):
        for handler in executable.event_handlers:
            yield from _disabled_paths(handler)
    for child in executable.children:
        yield from _disabled_paths(child)


def _check_constraints(container: Executable | EventHandler) -> Iterator[Finding]:
    """A constraint that evaluates an expression has one. Reading the package has checked its ends and the order."""
    if container.disabled:
        return
    for constraint in container.constraints:
        if constraint.eval_op is not EvalOp.CONSTRAINT and not constraint.expression.strip():
            yield Finding(
                f"The precedence constraint from '{constraint.source}' to '{constraint.target}' evaluates an"
                " expression, but has none. Give it an expression, or let it evaluate the constraint alone.",
                container.path,
            )
    if isinstance(container, Executable):
        for handler in container.event_handlers:
            yield from _check_constraints(handler)
    for child in container.children:
        yield from _check_constraints(child)


# --- parameters


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A parameter of a project or package with its value on the server.

    :param variable: the environment variable that gives the value; None for a plain value.
    """

    parameter_id: int
    name: str
    data_type: str
    sensitive: bool
    required: bool
    value_set: bool
    variable: str | None


@dataclass(frozen=True, slots=True)
class VariableRow:
    """A variable of an environment."""

    data_type: str
    sensitive: bool


def check_parameter(
    parameter: ParameterRow, environment: str | None, variables: Mapping[str, VariableRow]
) -> Finding | None:
    """The problem of a parameter's value in an environment.

    :param environment: None for a validation without one.
    :param variables: those of the environment, by lower-case name.
    """
    quoted = f"The parameter '{parameter.name}'"
    if parameter.variable is None:
        if parameter.required and not parameter.value_set:
            return Finding(f"{text(27201)} {quoted} is required. Set its value.")
        return None
    if environment is None:
        hint = f"{quoted} gets its value from the environment variable '{parameter.variable}'."
        return Finding(f"{text(27202)} {hint}", is_warning=not parameter.required)
    variable = variables.get(folded(parameter.variable))
    if variable is None:
        return Finding(f"{text(27207, environment)} {quoted} refers to '{parameter.variable}'.")
    if not is_same(variable.data_type, parameter.data_type):
        types = f"{quoted} is {parameter.data_type}, the variable '{parameter.variable}' is {variable.data_type}."
        return Finding(f"{text(27148)} {types}")
    if variable.sensitive and not parameter.sensitive:
        return Finding(f"{text(27221)} {quoted} refers to '{parameter.variable}' of '{environment}'.")
    return None
