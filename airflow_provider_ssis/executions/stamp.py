"""The stamp in the server option CALLER_INFO, by which an execution names the task instance that created it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

PREFIX = "airflow:"


@dataclass(frozen=True, slots=True)
class TaskStamp:
    """A task instance between two clears: its first try and the retries of it.

    Airflow numbers the tries of a task instance through, and when somebody clears it raises the highest number that is
    allowed. So that number less the task's retries tells after which try it was cleared last, which is the same for a
    try and its retries, and another one after each clear.

    :param since_try: the number of the first try.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    since_try: int

    @classmethod
    def of(cls, context: Context, *, retries: int, durable: bool = True) -> Self:
        """The stamp of the task that runs.

        :param context: the task's context.
        :param retries: the task's retries.
        :param durable: False makes each try a start of its own.
        """
        task_instance: Any = context["ti"]
        most_tries = getattr(task_instance, "max_tries", None)
        first = 1 if most_tries is None else max(most_tries - retries, 0) + 1
        return cls(
            dag_id=task_instance.dag_id,
            run_id=task_instance.run_id,
            task_id=task_instance.task_id,
            map_index=task_instance.map_index,
            since_try=first if durable else max(task_instance.try_number, first),
        )

    @property
    def text(self) -> str:
        """``airflow:{"dag":…,"run":…,"task":…,"map_index":…,"since_try":…}``."""
        return f'{self.family}"since_try":{self.since_try}}}'

    @property
    def family(self) -> str:
        """What all stamps of the task instance begin with, whenever it was cleared, and no stamp of another one."""
        names = {"dag": self.dag_id, "run": self.run_id, "task": self.task_id, "map_index": self.map_index}
        return f"{PREFIX}{json.dumps(names, ensure_ascii=False, separators=(',', ':'))[:-1]},"

    @property
    def lock(self) -> str:
        """The application lock under which executions of the task instance are created and started."""
        return lock_name(self.family)


def lock_name(text: str) -> str:
    """The name of an application lock for what a text names; SQL Server takes 255 characters."""
    return f"airflow_provider_ssis:{hashlib.sha256(text.encode()).hexdigest()}"
