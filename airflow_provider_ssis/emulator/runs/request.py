"""The request for a run."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from airflow_provider_ssis.catalog.codes import LoggingLevel
from airflow_provider_ssis.project.models import Package, Project

_FORBIDDEN: Final = frozenset('<>:"/\\|?*') | {chr(code) for code in range(32)}


def tap_file_name(name: str) -> str:
    """Return the name of a data tap's file.

    :param name: as the client gave it.
    :raises ValueError: the name has a folder in it, or a character that Windows does not allow in names.
    """
    if not name.strip(" .") or not _FORBIDDEN.isdisjoint(name):
        raise ValueError("give the name of a file, without a folder; the server writes to its own folder")
    return name


@dataclass(frozen=True, slots=True)
class TapColumn:
    """A column of the rows that a path carries.

    :param data_type: ``i4``, ``wstr``, ...
    """

    name: str
    data_type: str


@dataclass(frozen=True, slots=True)
class DataTap:
    """A tap on a path of a data flow of the package to run.

    :param path_id_string: ``Paths[Component.Output]``, compared with case.
    :param file_name: of the file that gets the rows.
    :param columns: of the path; empty if the package has no such path.
    :param package_path: of the task; None if ``task_id`` names it.
    :param task_id: of the task, in braces; None if ``package_path`` names it.
    :param max_rows: the most rows that are written; None for all.
    """

    path_id_string: str
    file_name: str
    columns: tuple[TapColumn, ...]
    package_path: str | None = None
    task_id: str | None = None
    max_rows: int | None = None

    def is_on(self, package_path: str, task_id: str) -> bool:
        """Whether it taps a data flow of the task with this path and id."""
        if self.package_path is not None:
            return self.package_path == package_path
        return self.task_id is not None and self.task_id.upper() == task_id.upper()


@dataclass(frozen=True, slots=True)
class ScaleOut:
    """How the workers of Scale Out run an execution.

    :param workers: the ids of those that may; None for all. More can be added while the execution waits for one.
    :param retries: how often it is run again after it failed.
    """

    workers: set[uuid.UUID] | None
    retries: int = 0


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The execution that the catalog starts.

    :param folder_name: the folder of the project, for scripts that match it.
    :param project_name: the project's name in the catalog.
    :param project: the project as deployed, in the version of the execution.
    :param package_name: the package to run, with ``.dtsx``.
    :param parameters: values of the execution's parameters by object type (20, 30, 50) and name, without sensitive
        ones.
    :param sensitive_parameters: the sensitive values, for a run that is executed.
    :param project_file: the deployed project, for a run that is executed.
    :param property_overrides: values by property path.
    :param logging_level: value of the server option ``LOGGING_LEVEL``. Default: 1, Basic.
    :param customized_events: for level 100: the level's ``events_value``.
    :param customized_profile: for level 100: the level's ``profile_value``.
    :param data_taps: the paths of data flows whose rows are written to files.
    :param scale_out: how workers run it; None for a run on the server itself.
    :param problem: why the package cannot be run; empty if it can.
    """

    execution_id: int
    folder_name: str
    project_name: str
    project: Project = field(repr=False)
    package_name: str
    parameters: Mapping[tuple[int, str], Any] = field(default_factory=dict, repr=False)
    sensitive_parameters: Mapping[tuple[int, str], Any] = field(default_factory=dict, repr=False)
    project_file: Path | None = None
    property_overrides: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    logging_level: int = LoggingLevel.BASIC
    customized_events: int = 0
    customized_profile: int = 0
    data_taps: tuple[DataTap, ...] = ()
    scale_out: ScaleOut | None = None
    problem: str = ""

    @property
    def package(self) -> Package:
        """The package to run.

        :raises ValueError: the project has no such package.
        """
        package = self.project.package(self.package_name)
        if package is None:
            raise ValueError(f"project {self.project_name!r} has no package {self.package_name!r}")
        return package
