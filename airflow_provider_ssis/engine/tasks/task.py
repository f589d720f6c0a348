"""How a task of a package is run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.containers import ContainerData, DtsContainer


class Task(ABC):
    """A type of task.

    :param data: the stored data of the task.
    """

    def __init__(self, container: DtsContainer, data: ContainerData) -> None:
        self.container = container
        self.data = data

    def refusals(self, options: RunOptions) -> Iterator[Refusal]:
        """Yield the unsupported properties of this task. Nothing is opened."""
        return iter(())

    def validate(self, context: TaskContext) -> None:  # noqa: B027 many tasks need none
        """Check the task before it runs: connections, files and variables that it needs.

        :raises TaskFailure: it cannot run.
        """

    @abstractmethod
    def run(self, context: TaskContext) -> Any:
        """Run the task in this thread until it ends.

        :returns: its execution value (ExecutionValue); None for none.
        :raises TaskFailure: it failed.
        :raises Cancelled: the run was cancelled.
        """
