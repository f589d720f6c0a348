"""The request for a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ssis.catalog.codes import LoggingLevel
from airflow_provider_ssis.project.models import Package, Project


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The execution that the catalog starts.

    :param folder_name: the folder of the project, for scripts that match it.
    :param project_name: the project's name in the catalog.
    :param project: the project as deployed, in the version of the execution.
    :param package_name: the package to run, with ``.dtsx``.
    :param parameters: values of the execution's parameters by object type (20, 30, 50) and name. They do not
        change a simulated run; Execute Package tasks report the values that they pass. Sensitive values are not needed.
    :param property_overrides: values by property path.
    :param logging_level: value of the server option ``LOGGING_LEVEL``. Default: 1, Basic.
    :param customized_events: for level 100: the level's ``events_value``.
    :param customized_profile: for level 100: the level's ``profile_value``.
    """

    execution_id: int
    folder_name: str
    project_name: str
    project: Project = field(repr=False)
    package_name: str
    parameters: Mapping[tuple[int, str], Any] = field(default_factory=dict, repr=False)
    property_overrides: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    logging_level: int = LoggingLevel.BASIC
    customized_events: int = 0
    customized_profile: int = 0

    @property
    def package(self) -> Package:
        """The package to run.

        :raises ValueError: the project has no such package.
        """
        package = self.project.package(self.package_name)
        if package is None:
            raise ValueError(f"project {self.project_name!r} has no package {self.package_name!r}")
        return package
