"""The state of a trigger's task, asked from inside the triggerer."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any


async def state_of(task_instance: Any) -> str | None:
    """The task instance's present state.

    :param task_instance: what Airflow gave the trigger.
    :return: ``deferred``, ``failed``, ...; None where it has none, or is gone.
    """
    from asgiref.sync import sync_to_async

    if find_spec("airflow.sdk") is None:
        # Airflow 2, whose triggerer gives the row itself.
        return None if task_instance.state is None else str(task_instance.state)
    # On a thread from the first import on, which takes seconds.
    states = await sync_to_async(_ask)(task_instance)
    of_run = states.get(task_instance.run_id, {})
    # A mapped task's key also carries its map index; asked for one task instance, there is one.
    return next((None if state is None else str(getattr(state, "value", state)) for state in of_run.values()), None)


def _ask(task_instance: Any) -> Any:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    return RuntimeTaskInstance.get_task_states(
        dag_id=task_instance.dag_id,
        task_ids=[task_instance.task_id],
        run_ids=[task_instance.run_id],
        map_index=task_instance.map_index,
    )
