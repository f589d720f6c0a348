"""An executable with the data and variables that rules read."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ssis.project.package.containers import ContainerData, DtsContainer
from airflow_provider_ssis.project.package.variables import DtsVariable


@dataclass(frozen=True)
class Executable:
    """An executable with its visible variables.

    :param container: the executable.
    :param data: the data of its task or loop.
    :param variables: the visible variables, the nearest first.
    """

    container: DtsContainer
    data: ContainerData
    variables: tuple[DtsVariable, ...]
