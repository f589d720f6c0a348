"""What ``airflow.providers.common.compat`` lacks. Everything is found by feature, never by version number."""

from __future__ import annotations

import importlib
import inspect
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.providers.common.compat.sdk import BaseSensorOperator, get_current_context

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ExceptionRetryPolicy, RetryAction, RetryRule
else:
    try:
        from airflow.providers.common.compat.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
    except ImportError:
        # Airflow before retry policies. The base class lets modules that use it be imported.
        ExceptionRetryPolicy, RetryAction, RetryRule = object, None, None

__all__ = [
    "AssetClasses",
    "DeferralExceptions",
    "ExceptionRetryPolicy",
    "RetryAction",
    "RetryRule",
    "asset_classes",
    "deferral_exceptions",
    "execute_sensor",
    "has_assets",
    "is_deferral_timeout",
    "is_first_poke",
    "reschedule_exception",
    "resumed_context",
    "supervisor_pid",
    "task_instance_state",
]

_DEFERRAL_TIMEOUT_TEXTS = ("Trigger timeout", "Trigger/execution timeout")


class AssetClasses(NamedTuple):
    """Airflow's classes of assets."""

    asset: Any
    alias: Any


def has_assets() -> bool:
    """Whether this Airflow has assets; before Airflow 3 it does not."""
    return find_spec("airflow.sdk") is not None


def asset_classes() -> AssetClasses:
    """Airflow's classes of assets, if :func:`has_assets` is true."""
    sdk: Any = importlib.import_module("airflow.sdk")
    return AssetClasses(sdk.Asset, sdk.AssetAlias)


class DeferralExceptions(NamedTuple):
    """What Airflow raises in a task whose trigger ended without an event. In Airflow 2 both are the same class."""

    timeout: type[Exception]
    error: type[Exception]


def deferral_exceptions() -> DeferralExceptions:
    """The exceptions of the Airflow that runs."""
    exceptions: Any = importlib.import_module("airflow.exceptions")
    if find_spec("airflow.sdk") is not None:
        in_sdk = importlib.import_module("airflow.sdk.exceptions")
        # Airflow 3.0 and 3.1 have the module, but not these exceptions in it.
        exceptions = in_sdk if hasattr(in_sdk, "TaskDeferralTimeout") else exceptions
    error = exceptions.TaskDeferralError
    return DeferralExceptions(getattr(exceptions, "TaskDeferralTimeout", error), error)


def is_deferral_timeout(error: Exception) -> bool:
    """Whether the deferral took longer than its timeout. If not, the trigger failed.

    :param error: one of :func:`deferral_exceptions`.
    """
    known = deferral_exceptions()
    if known.timeout is known.error:
        # In Airflow 2 only the text differs.
        return str(error) in _DEFERRAL_TIMEOUT_TEXTS
    return isinstance(error, known.timeout)


def reschedule_exception() -> type[Any]:
    """The exception with which a sensor asks Airflow to be rescheduled."""
    module = "airflow.sdk.exceptions" if find_spec("airflow.sdk") is not None else "airflow.exceptions"
    exceptions: Any = importlib.import_module(module)
    if not hasattr(exceptions, "AirflowRescheduleException"):
        exceptions = importlib.import_module("airflow.exceptions")
    found: type[Any] = exceptions.AirflowRescheduleException
    return found


def is_first_poke(context: Context) -> bool:
    """Whether a sensor in mode ``reschedule`` has not been rescheduled yet in this try."""
    task_instance: Any = context["ti"]
    get_date = getattr(task_instance, "get_first_reschedule_date", None)
    if get_date is not None:
        return get_date(context) is None
    # In Airflow 2 a task reads Airflow's database.
    reschedules: Any = importlib.import_module("airflow.models.taskreschedule").TaskReschedule
    with importlib.import_module("airflow.utils.session").create_session() as session:
        return session.scalar(reschedules.stmt_for_task_instance(task_instance).limit(1)) is None


def execute_sensor(sensor: BaseSensorOperator, context: Context) -> Any:
    """Run the ``execute`` of Airflow's base class of sensors.

    Without the wrapper that Airflow puts around each ``execute``: Airflow 2 warns each time that a subclass calls it,
    and refuses it for tasks with ``allow_nested_operators=False``.

    :param sensor: the sensor.
    :param context: the task's context.
    """
    return inspect.unwrap(BaseSensorOperator.execute)(sensor, context)


def resumed_context() -> Context | None:
    """The context of the task that runs, if it was deferred before; None if it was not, or if no task runs."""
    try:
        context = get_current_context()
    except Exception:  # noqa: BLE001 Airflow's versions raise different ones if no task runs
        return None
    return None if getattr(context["ti"], "next_method", None) is None else context


def supervisor_pid(context: Context) -> int | None:
    """The id of Airflow's process that started this task's process and watches it; None without one (``dag.test()``).

    :param context: the task's context.
    """
    if find_spec("airflow.sdk") is None:
        is_supervised = getattr(context.get("ti"), "job_id", None) is not None
    else:
        runner = importlib.import_module("airflow.sdk.execution_time.task_runner")
        channel = getattr(runner, "SUPERVISOR_COMMS", None)
        is_supervised = channel is not None and not type(channel).__name__.startswith("InProcess")
    return os.getppid() if is_supervised else None


async def task_instance_state(task_instance: Any) -> str | None:
    """The present state of a trigger's task instance, read in the triggerer.

    :param task_instance: what Airflow gave the trigger.
    :return: ``deferred``, ``failed``, ...; None if it has no state or no longer exists.
    """
    from asgiref.sync import sync_to_async

    if find_spec("airflow.sdk") is None:
        # The triggerer of Airflow 2 gives the trigger its database row.
        return None if task_instance.state is None else str(task_instance.state)
    # In a thread including the import, which takes seconds.
    states = await sync_to_async(_get_task_states)(task_instance)
    of_run = states.get(task_instance.run_id, {})
    # A mapped task's key contains its map index. For one task instance there is one key.
    return next((None if state is None else str(getattr(state, "value", state)) for state in of_run.values()), None)


def _get_task_states(task_instance: Any) -> Any:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    return RuntimeTaskInstance.get_task_states(
        dag_id=task_instance.dag_id,
        task_ids=[task_instance.task_id],
        run_ids=[task_instance.run_id],
        map_index=task_instance.map_index,
    )
