"""How far an execution is, shown beside its task since Airflow 3.3: in the task state store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.executions.outcome import status_name

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.codes import OperationStatus
    from airflow_provider_ssis.executions.memory import TaskMemory
    from airflow_provider_ssis.executions.task_log import TaskLog

INTERVAL = 15.0
"""Seconds between two readings: each costs the server a count, and Airflow a write."""


class Progress:
    """Tells a task's memory how far its execution is. Without a task state store it does nothing, and asks nothing.

    Nobody's run depends on it: what fails here is logged and no more.

    :param execution_id: the execution.
    :param memory: where to tell.
    :param log: where to say that it failed.
    """

    def __init__(self, execution_id: int, memory: TaskMemory, log: TaskLog) -> None:
        self._execution_id = execution_id
        self._memory = memory
        self._log = log
        self._due = 0.0

    def tell(self, catalog: Catalog, status: OperationStatus) -> None:
        """Tell the progress, if the last time is long ago or the execution is over.

        :param catalog: where to read it.
        :param status: the execution's present status.
        """
        if not self._memory.has_store or (time.monotonic() < self._due and not status.is_terminal):
            return
        self._due = time.monotonic() + INTERVAL
        try:
            self._tell(catalog, status)
        except Exception as error:  # noqa: BLE001 whatever the catalog or Airflow's store raises
            self._log.warning("The progress of execution %d is not shown: %s", self._execution_id, error)

    def _tell(self, catalog: Catalog, status: OperationStatus) -> None:
        progress = catalog.execution_progress(self._execution_id)
        if progress is None:
            return
        told: dict[str, Any] = {
            "execution_id": self._execution_id,
            "status": status_name(status),
            "done": progress.done,
            "total": progress.total,
            "errors": progress.errors,
            "executable": progress.executable,
        }
        self._memory.tell_progress(told)
