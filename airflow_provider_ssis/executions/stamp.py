"""The stamp in the server option CALLER_INFO, by which an execution names the task instance that created it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

PREFIX = "airflow:"


def stamp_of(context: Context) -> str:
    """The stamp of a task instance: the same for all its tries, another for every other task instance.

    :param context: the task's context.
    :return: ``airflow:{"dag":…,"run":…,"task":…,"map_index":…}``.
    """
    task_instance: Any = context["ti"]
    names = {
        "dag": task_instance.dag_id,
        "run": task_instance.run_id,
        "task": task_instance.task_id,
        "map_index": task_instance.map_index,
    }
    return PREFIX + json.dumps(names, ensure_ascii=False, separators=(",", ":"))
