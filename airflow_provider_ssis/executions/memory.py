"""What a task instance remembers from one try to the next: since Airflow 3.3 in its task state store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

EXECUTION = "ssis_execution"
"""The key under which the execution stands: ``{"execution_id": …, "since_try": …}``. Never renamed."""

PROGRESS = "ssis_progress"
"""The key under which the progress stands."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """An execution that an earlier try created.

    :param since_try: the first try since the last clear, as its :class:`TaskStamp` has it.
    """

    execution_id: int
    since_try: int


class TaskMemory:
    """The task state store of a task instance. Without one nothing is remembered, which is no error.

    A store that fails raises: to go on without it could run a package twice.

    :param store: what Airflow gives; None before 3.3.
    """

    def __init__(self, store: Any | None) -> None:
        self._store = store

    @classmethod
    def of(cls, context: Context) -> Self:
        """The memory of the task that runs."""
        values: Any = context
        return cls(values.get("task_state_store"))

    @property
    def has_store(self) -> bool:
        """Whether anything can be kept."""
        return self._store is not None

    def recall(self) -> Remembered | None:
        """The execution that was created last."""
        stored = None if self._store is None else self._store.get(EXECUTION)
        if not isinstance(stored, dict):
            return None
        return Remembered(int(stored["execution_id"]), int(stored["since_try"]))

    def remember(self, execution: Remembered) -> None:
        """Keep an execution for the tries to come."""
        if self._store is not None:
            self._store.set(EXECUTION, {"execution_id": execution.execution_id, "since_try": execution.since_try})

    def tell_progress(self, progress: dict[str, Any]) -> None:
        """Show how far the execution is, in Airflow's UI."""
        if self._store is not None:
            self._store.set(PROGRESS, progress)
