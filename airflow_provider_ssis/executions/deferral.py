"""What comes back from the triggerer to a task."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from airflow_provider_ssis.exceptions import InvalidTriggerEvent
from airflow_provider_ssis.executions.watching import Verdict


class DeferralExceptions(NamedTuple):
    """What Airflow raises in a task whose trigger did not come to its own end."""

    timeout: type[Exception]
    error: type[Exception]


def deferral_exceptions() -> DeferralExceptions:
    """The exceptions of the Airflow that runs."""
    try:
        exceptions: Any = importlib.import_module("airflow.sdk.exceptions")
    except ModuleNotFoundError:
        exceptions = importlib.import_module("airflow.exceptions")
    return DeferralExceptions(exceptions.TaskDeferralTimeout, exceptions.TaskDeferralError)


def read_event(event: Any) -> tuple[int, Verdict]:
    """The execution and the verdict that a trigger told.

    :param event: the event.
    :raises InvalidTriggerEvent: it is none of this package's triggers.
    """
    if isinstance(event, Mapping):
        try:
            return int(event["execution_id"]), Verdict(event["verdict"])
        except (KeyError, ValueError, TypeError):
            pass
    raise InvalidTriggerEvent(
        f"The triggerer told something that this version of the provider does not understand: {event!r:.200}. Install "
        "the same version of airflow-provider-ssis on workers and triggerers, then run the task again: it goes on with "
        "its execution."
    )
