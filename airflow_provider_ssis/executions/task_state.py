"""The state that a task instance saves for its next try: in Airflow's task state store (3.3 and later) and in XCom."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_ssis.exceptions import TrySuperseded
from airflow_provider_ssis.executions.deadline import SYSTEM_CLOCK
from airflow_provider_ssis.executions.outcome import status_name, superseded_error

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.codes import OperationStatus
    from airflow_provider_ssis.executions.deadline import Clock
    from airflow_provider_ssis.executions.message_log import TaskLog

EXECUTION_KEY = "ssis_execution"
"""The store's key for a :class:`SavedExecution` as a dict. Never renamed: saved values stay."""

PROGRESS_KEY = "ssis_progress"
"""The store's key for the progress."""

ATTACHED_XCOM = "attached"
"""The XCom key that marks an execution which the task only follows."""

PROGRESS_INTERVAL = 15.0
"""Seconds between two writes of the progress: each costs the server a count, and Airflow a write."""


@dataclass(frozen=True, slots=True)
class SavedExecution:
    """The execution of a task instance.

    :param execution_id: its id.
    :param since_try: the number of the first try since the task was last cleared.
    :param is_ours: whether this task instance created it. If not, the task only follows it and never stops it.
    :param try_number: the number of the try that saved it; 0 if it is not known.
    """

    execution_id: int
    since_try: int
    is_ours: bool = True
    try_number: int = 0

    def push_to_xcom(self, task_instance: Any) -> None:
        """Save the execution in XCom, for other tasks and for this task after a deferral.

        :param task_instance: the task instance that runs.
        """
        task_instance.xcom_push(key="execution_id", value=self.execution_id)
        if not self.is_ours:
            task_instance.xcom_push(key=ATTACHED_XCOM, value=True)


class TaskState:
    """The task state store of a task instance. Where Airflow has no store, nothing is saved, and that is not an error.

    If the store fails, its error is raised: without the saved id a package could run twice.

    :param store: Airflow's store; None before Airflow 3.3.
    """

    def __init__(self, store: Any | None) -> None:
        self._store = store

    @classmethod
    def of(cls, context: Context) -> Self:
        """The state of the task that runs."""
        values: Any = context
        return cls(values.get("task_state_store"))

    @property
    def has_store(self) -> bool:
        """Whether anything can be saved."""
        return self._store is not None

    def load(self) -> SavedExecution | None:
        """The execution that was saved last."""
        stored = None if self._store is None else self._store.get(EXECUTION_KEY)
        if not isinstance(stored, dict):
            return None
        # Early versions saved only what the task instance had created, without is_ours and try_number.
        return SavedExecution(
            int(stored["execution_id"]),
            int(stored["since_try"]),
            bool(stored.get("is_ours", True)),
            int(stored.get("try_number", 0)),
        )

    def save(self, execution: SavedExecution) -> None:
        """Save the execution for the next tries.

        :raises TrySuperseded: a later try has saved one.
        """
        if self._store is not None:
            self.load_unless_superseded(execution.try_number)
            self._store.set(EXECUTION_KEY, asdict(execution))

    def load_unless_superseded(self, try_number: int) -> SavedExecution | None:
        """The execution that was saved last.

        :param try_number: the number of this try.
        :raises TrySuperseded: a later try has saved it.
        """
        saved = self.load()
        if saved is not None and saved.try_number > try_number:
            raise superseded_error(try_number)
        return saved

    def is_superseded(self, execution: SavedExecution) -> bool:
        """Whether a later try of the task has saved an execution.

        :param execution: what this try has saved.
        """
        saved = self.load()
        return saved is not None and saved.try_number > execution.try_number

    def save_progress(self, progress: dict[str, Any]) -> None:
        """Save the progress, which Airflow's UI shows."""
        if self._store is not None:
            self._store.set(PROGRESS_KEY, progress)


def load_after_deferral(context: Context, task_id: str) -> SavedExecution | None:
    """The execution that a task waited for when it was deferred, where Airflow does not pass it to the task.

    :param context: the task's context.
    :param task_id: the task.
    :return: None if it is neither in the store nor in XCom.
    :raises TrySuperseded: a later try of the task has saved one.
    """
    task_instance: Any = context["ti"]
    saved = TaskState.of(context).load_unless_superseded(task_instance.try_number)
    if saved is not None:
        return saved

    def pull(key: str) -> Any:
        # Without the index, a mapped task gets the values of all its map indexes.
        return task_instance.xcom_pull(task_ids=task_id, key=key, map_indexes=task_instance.map_index)

    execution_id = pull("execution_id")
    if execution_id is None:
        return None
    try_number, is_ours = task_instance.try_number, pull(ATTACHED_XCOM) is not True
    return SavedExecution(int(execution_id), since_try=try_number, is_ours=is_ours, try_number=try_number)


class ProgressReporter:
    """Saves the progress of an execution. Without a task state store it does nothing and reads nothing.

    A failure is logged and does not fail the task.

    :param saved: the execution.
    :param state: where to save.
    :param log: the task's log.
    :param clock: the time. Default: the system's.
    """

    def __init__(self, saved: SavedExecution, state: TaskState, log: TaskLog, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._saved = saved
        self._execution_id = saved.execution_id
        self._state = state
        self._log = log
        self._clock = clock
        self._due = 0.0

    def report(self, catalog: Catalog, status: OperationStatus, *, is_deferred: bool = False) -> None:
        """Save the progress if the last time is :data:`PROGRESS_INTERVAL` ago or there will not be another soon.

        :param catalog: where to read it.
        :param status: the execution's present status. The progress of one that has ended is always saved.
        :param is_deferred: whether the task defers now. Its progress is then saved, and marked as one that stays as it
            is until the task resumes: Airflow gives triggers no task state store. Default: False.
        :raises TrySuperseded: a later try of the task has saved an execution.
        """
        is_due = is_deferred or status.is_terminal or self._clock.monotonic() >= self._due
        if not self._state.has_store or not is_due:
            return
        self._due = self._clock.monotonic() + PROGRESS_INTERVAL
        try:
            self._state.load_unless_superseded(self._saved.try_number)
            self._report(catalog, status, is_deferred)
        except TrySuperseded:
            raise
        except Exception as error:  # noqa: BLE001 any error of the catalog or Airflow's store
            self._log.warning("The progress of execution %d is not shown: %s", self._execution_id, error)

    def _report(self, catalog: Catalog, status: OperationStatus, is_deferred: bool) -> None:
        progress = catalog.execution_progress(self._execution_id)
        if progress is None:
            return
        self._state.save_progress(
            {
                "execution_id": self._execution_id,
                "status": status_name(status),
                "done": progress.done,
                "total": progress.total,
                "errors": progress.errors,
                "executable": progress.executable,
                "deferred": is_deferred,
            }
        )
