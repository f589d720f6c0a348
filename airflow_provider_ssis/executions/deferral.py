"""What comes back from the triggerer to a task."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, NamedTuple, Self

from airflow_provider_ssis.exceptions import InvalidTriggerEvent
from airflow_provider_ssis.executions.giving_up import out_of_sight
from airflow_provider_ssis.executions.waiting import not_found
from airflow_provider_ssis.executions.watching import Verdict


class DeferralExceptions(NamedTuple):
    """What Airflow raises in a task whose trigger did not come to its own end; in Airflow 2 the two are one."""

    timeout: type[Exception]
    error: type[Exception]


def deferral_exceptions() -> DeferralExceptions:
    """The exceptions of the Airflow that runs."""
    exceptions: Any = importlib.import_module("airflow.exceptions")
    if find_spec("airflow.sdk") is not None:
        in_sdk = importlib.import_module("airflow.sdk.exceptions")
        # Airflow 3.0 and 3.1 have the module, but not yet these in it.
        exceptions = in_sdk if hasattr(in_sdk, "TaskDeferralTimeout") else exceptions
    error = exceptions.TaskDeferralError
    return DeferralExceptions(getattr(exceptions, "TaskDeferralTimeout", error), error)


def is_deferral_timeout(error: Exception) -> bool:
    """Whether the deferral took longer than the task had allowed; else the trigger failed.

    :param error: one of :func:`deferral_exceptions`.
    """
    known = deferral_exceptions()
    if known.timeout is known.error:
        # Only the words tell, in Airflow 2.
        return str(error) in _TIMEOUTS
    return isinstance(error, known.timeout)


_TIMEOUTS = ("Trigger timeout", "Trigger/execution timeout")


@dataclass(frozen=True, slots=True)
class Report:
    """What a trigger told.

    :param detail: the error that ended the wait, where one did.
    """

    execution_id: int
    verdict: Verdict
    detail: str | None = None

    @classmethod
    def of(cls, event: Any) -> Self:
        """Read a trigger's event.

        :param event: the event.
        :raises InvalidTriggerEvent: it is none of this package's triggers.
        """
        if isinstance(event, Mapping):
            try:
                return cls(int(event["execution_id"]), Verdict(event["verdict"]), event.get("detail"))
            except (KeyError, ValueError, TypeError):
                pass
        raise InvalidTriggerEvent(
            f"The triggerer told something that this version of the provider does not understand: {event!r:.200}. "
            "Install the same version of airflow-provider-ssis on workers and triggerers, then run the task again: it "
            "goes on with its execution."
        )

    @property
    def lost(self) -> Exception | None:
        """The exception, if the execution can be followed no more."""
        if self.verdict is Verdict.GONE:
            return not_found(self.execution_id)
        if self.verdict is Verdict.OUT_OF_SIGHT:
            return out_of_sight(self.execution_id, self.detail or "the triggerer could not read the catalog.")
        return None
