"""The event of :class:`~airflow_provider_ssis.triggers.execution.SsisExecutionTrigger`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_ssis.exceptions import InvalidTriggerEvent
from airflow_provider_ssis.executions.outcome import not_found_error, unreachable_error
from airflow_provider_ssis.executions.polling import WaitResult


@dataclass(frozen=True, slots=True)
class ExecutionEvent:
    """Why a trigger's wait for an execution ended.

    :param execution_id: the execution.
    :param result: why.
    :param detail: the error that ended the wait, if one did.
    :param last_message_id: the id of the last message that the trigger wrote to the task log; None for none.
    """

    execution_id: int
    result: WaitResult
    detail: str | None = None
    last_message_id: int | None = None

    @property
    def payload(self) -> dict[str, Any]:
        """The event as Airflow stores it: ``{"execution_id": …, "result": …, "detail": …, "last_message_id": …}``."""
        return {
            "execution_id": self.execution_id,
            "result": self.result.value,
            "detail": self.detail,
            "last_message_id": self.last_message_id,
        }

    @classmethod
    def from_payload(cls, payload: Any) -> Self:
        """Read an event.

        :param payload: what the trigger sent.
        :raises InvalidTriggerEvent: it is not an event of this package's trigger.
        """
        if isinstance(payload, Mapping):
            try:
                result = payload["result"] if "result" in payload else _FORMER_RESULTS[payload["verdict"]]
                return cls(
                    int(payload["execution_id"]),
                    WaitResult(result),
                    payload.get("detail"),
                    payload.get("last_message_id"),
                )
            except (KeyError, ValueError, TypeError):
                pass
        raise InvalidTriggerEvent(
            f"This version of airflow-provider-ssis does not understand the trigger's event: {payload!r:.200}. "
            "Install the same version on workers and triggerers, then run the task again: it continues with its "
            "execution."
        )

    @property
    def error(self) -> Exception | None:
        """The exception for the task, if the execution's status could not be read to its end."""
        if self.result is WaitResult.NOT_FOUND:
            return not_found_error(self.execution_id)
        if self.result is WaitResult.UNREACHABLE:
            return unreachable_error(self.execution_id, self.detail or "the triggerer could not read the catalog.")
        return None


_FORMER_RESULTS = {
    "over": WaitResult.TERMINAL,
    "timeout": WaitResult.TIMED_OUT,
    "stuck_pending": WaitResult.STUCK_PENDING,
    "gone": WaitResult.NOT_FOUND,
    "out_of_sight": WaitResult.UNREACHABLE,
}
"""The values of ``verdict`` in events of early versions. During an upgrade, a database may hold such an event."""
