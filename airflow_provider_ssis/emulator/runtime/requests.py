"""What is to be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_ssis.catalog.codes import LoggingLevel
from airflow_provider_ssis.project.models import Project


@dataclass(frozen=True, slots=True)
class RunRequest:
    """An execution to run.

    :param package_name: with ``.dtsx``.
    :param property_overrides: values by property path; not part of the repr, as they can be secrets.
    :param synchronized: whoever started the execution waits for its end.
    """

    execution_id: int
    folder_name: str
    project: Project = field(repr=False)
    package_name: str
    logging_level: LoggingLevel = LoggingLevel.BASIC
    property_overrides: Mapping[str, str] = field(default_factory=dict, repr=False)
    synchronized: bool = False
