"""The state of a trigger's task, asked from inside the triggerer."""

from __future__ import annotations

from typing import Any


async def state_of(task_instance: Any) -> str | None:
    """The task instance's present state.

    :param task_instance: what Airflow gave the trigger.
    :return: ``deferred``, ``failed``, ...; None where it has none, or is gone.
    """
    from asgiref.sync import sync_to_async

    try:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    except ModuleNotFoundError:
        # Airflow 2, whose triggerer gives the row itself.
        return None if task_instance.state is None else str(task_instance.state)
    map_index = task_instance.map_index
    states = await sync_to_async(RuntimeTaskInstance.get_task_states)(
        dag_id=task_instance.dag_id,
        task_ids=[task_instance.task_id],
        run_ids=[task_instance.run_id],
        map_index=map_index,
    )
    of_run = states.get(task_instance.run_id, {})
    # A mapped task's key also carries its map index; asked for one task instance, there is one.
    return next((None if state is None else str(getattr(state, "value", state)) for state in of_run.values()), None)
