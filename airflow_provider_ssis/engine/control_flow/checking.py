"""Checks which packages the engine can run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_ssis.engine.context import RunOptions, Script
from airflow_provider_ssis.engine.control_flow.preflight.package_refusals import check
from airflow_provider_ssis.engine.loading import LoadedProject, load_project
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.errors import ProjectError


@dataclass(frozen=True, slots=True)
class CheckedPackage:
    """A package that was checked.

    :param name: its file name.
    :param refusals: its unsupported parts; empty if the engine can run it.
    :param problem: why it could not be read; empty if it was.
    :param values: the values that a run needs and the package does not contain, such as encrypted passwords. Without
        them a run is refused.
    """

    name: str
    refusals: tuple[Refusal, ...] = ()
    problem: str = ""
    values: tuple[Refusal, ...] = ()

    @property
    def can_run(self) -> bool:
        """Whether the engine can run it."""
        return not self.refusals and not self.problem


def check_package(
    source: Path | str | bytes | LoadedProject,
    package: str | None = None,
    *,
    scripts: Mapping[str, Script] | None = None,
    password: str | None = None,
    connections: Collection[str] = (),
    parameters: Collection[str] = (),
) -> list[CheckedPackage]:
    """Check whether the engine can run a package, or all packages of a project or folder. Nothing is opened.

    :param source: as for :func:`~airflow_provider_ssis.engine.control_flow.running.run_package`.
    :param package: the package. Default: None, the package of the file or all packages of the project.
    :param scripts: Python functions that replace scripts, by the path of the task. Default: none.
    :param password: the password that protects the project or package. Default: None.
    :param connections: the names of the connection managers that the user replaces. Default: none.
    :param parameters: the names of the parameters that the user gives. Default: none.
    :raises LoadError: there is no such package.
    :raises ProjectError: the project cannot be read.
    """
    project = source if isinstance(source, LoadedProject) else load_project(source, password=password)
    if package is not None or project.entry is not None:
        names: tuple[str, ...] = (project.file_name(package),)
    else:
        names = project.package_names
    options = RunOptions(scripts=dict(scripts or {}))
    given = dict.fromkeys(parameters)
    return [_checked(project, name, options, connections, given) for name in names]


def _checked(
    project: LoadedProject,
    name: str,
    options: RunOptions,
    connections: Collection[str],
    parameters: Mapping[str, None],
) -> CheckedPackage:
    try:
        found = check(project, name, options, replacements=connections, parameters=parameters)
    except ProjectError as error:
        return CheckedPackage(name, problem=str(error))
    values = tuple(one for one in found if one.needs_value)
    return CheckedPackage(name, tuple(one for one in found if not one.needs_value), values=values)
