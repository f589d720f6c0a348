"""What a task instance remembers from one try to the next: since Airflow 3.3 in its task state store."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

EXECUTION = "ssis_execution"
"""The key under which the execution stands: ``{"execution_id": …, "since_try": …, "is_ours": …}``. Never renamed."""

PROGRESS = "ssis_progress"
"""The key under which the progress stands."""

ATTACHED = "attached"
"""The XCom that says so of an execution which the task only follows."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """An execution that an earlier try came to.

    :param since_try: the first try since the last clear, as its :class:`TaskStamp` has it.
    :param is_ours: whether the task instance created it; otherwise it follows somebody else's.
    """

    execution_id: int
    since_try: int
    is_ours: bool = True


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
        """The execution that the task instance came to last."""
        stored = None if self._store is None else self._store.get(EXECUTION)
        if not isinstance(stored, dict):
            return None
        # Versions that wrote no such mark kept only what the task instance had created.
        return Remembered(int(stored["execution_id"]), int(stored["since_try"]), bool(stored.get("is_ours", True)))

    def remember(self, execution: Remembered) -> None:
        """Keep an execution for the tries to come."""
        if self._store is not None:
            self._store.set(EXECUTION, asdict(execution))

    def tell_progress(self, progress: dict[str, Any]) -> None:
        """Show how far the execution is, in Airflow's UI."""
        if self._store is not None:
            self._store.set(PROGRESS, progress)


def push_execution(task_instance: Any, execution: Remembered) -> None:
    """Keep an execution in XCom, for whoever comes after and for the task itself when it was deferred.

    :param task_instance: the task instance that runs.
    :param execution: the execution.
    """
    task_instance.xcom_push(key="execution_id", value=execution.execution_id)
    if not execution.is_ours:
        task_instance.xcom_push(key=ATTACHED, value=True)


def deferred_execution(context: Context, task_id: str) -> Remembered | None:
    """The execution that a task waited for when it was deferred, where Airflow does not hand it back.

    :param context: the task's context.
    :param task_id: the task.
    :return: the execution; None if neither the store nor XCom knows one.
    """
    remembered = TaskMemory.of(context).recall()
    if remembered is not None:
        return remembered
    task_instance: Any = context["ti"]

    def pulled(key: str) -> Any:
        # Without the index, a mapped task gets the values of all its siblings.
        return task_instance.xcom_pull(task_ids=task_id, key=key, map_indexes=task_instance.map_index)

    execution_id = pulled("execution_id")
    if execution_id is None:
        return None
    return Remembered(int(execution_id), since_try=task_instance.try_number, is_ours=pulled(ATTACHED) is not True)
