"""A catalog that answers by script, and a clock that runs only during ``sleep``.

For cases that the embedded SSISDB cannot produce on demand: a state that changes between two calls, hours of waiting.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import MessageType, OperationStatus
from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.catalog.models import (
    EventMessage,
    Execution,
    ExecutionParameterValue,
    ExecutionState,
    OperationMessage,
)

START = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)

EXECUTION = Execution(
    execution_id=42,
    folder_name="Sales",
    project_name="Mart",
    package_name="Load.dtsx",
    reference_id=None,
    reference_type=None,
    environment_folder_name=None,
    environment_name=None,
    project_lsn=1,
    executed_as_name="sa",
    use32bitruntime=False,
    created_time=START,
    object_id=1,
    status=OperationStatus.CREATED,
    start_time=None,
    end_time=None,
    caller_name="sa",
    process_id=None,
    stopped_by_name=None,
    server_name="SQL01",
    machine_name="SQL01",
)


def execution_in(status: OperationStatus, execution_id: int = 42, **changes: Any) -> Execution:
    """The execution in a status, with the times that belong to it."""
    started = START if status is not OperationStatus.CREATED else None
    ended = START + timedelta(seconds=90) if status.is_terminal else None
    values = {"execution_id": execution_id, "status": status, "start_time": started, "end_time": ended, **changes}
    return replace(EXECUTION, **values)


def event(
    number: int | None,
    text: str = "text",
    message_type: MessageType = MessageType.INFORMATION,
    **changes: Any,
) -> EventMessage:
    """An event message."""
    values: dict[str, Any] = {
        "event_message_id": number,
        "operation_id": 42,
        "message_time": START,
        "message_type": message_type,
        "message_source_type": None,
        "message": text,
        "package_name": "Load.dtsx",
        "event_name": None,
        "message_source_name": "Load",
        "subcomponent_name": None,
        "package_path": r"\Package",
        "execution_path": r"\Load",
        "message_code": None,
        **changes,
    }
    return EventMessage(**values)


@dataclass
class ScriptedCatalog:
    """Each poll of an execution returns its next status; the last one stays.

    :param statuses: by execution id, the statuses to show.
    :param refusals: errors of the next calls of ``stop_operation``; None lets a call succeed.
    """

    statuses: dict[int, list[OperationStatus]] = field(default_factory=dict)
    refusals: list[CatalogError | None] = field(default_factory=list)
    events: list[EventMessage] = field(default_factory=list)
    messages: list[OperationMessage] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    polls: int = 0
    reads: int = 0

    @property
    def catalog(self) -> Catalog:
        """This object, typed as the catalog that it replaces."""
        return cast("Catalog", self)

    def execution(self, execution_id: int) -> Execution | None:
        """The execution in its next status."""
        self.polls += 1
        statuses = self.statuses.get(execution_id)
        if not statuses:
            return None
        return execution_in(statuses.pop(0) if len(statuses) > 1 else statuses[0], execution_id)

    def execution_states(self, execution_ids: Collection[int]) -> list[ExecutionState]:
        """The executions in their next statuses, each started an hour ago."""
        found = [self.execution(execution_id) for execution_id in execution_ids]
        return [ExecutionState(execution_id=each.execution_id, status=each.status, age=3600) for each in found if each]

    def stop_operation(self, operation_id: int) -> None:
        """Refuse, or record the stop."""
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal is not None:
            raise refusal
        self.stops.append(operation_id)

    def event_messages(
        self,
        execution_id: int,
        *,
        after: int | None = 0,
        limit: int | None = 1000,
        message_types: Collection[MessageType] | None = None,
    ) -> Sequence[EventMessage]:
        """The messages after an id."""
        self.reads += 1
        wanted = [
            each
            for each in self.events
            if (each.event_message_id is None if after is None else (each.event_message_id or 0) > after)
            and (message_types is None or each.message_type in message_types)
        ]
        return wanted[:limit]

    def execution_parameter_values(self, execution_id: int) -> Sequence[ExecutionParameterValue]:
        """No values: the logging level is not known."""
        return []

    def operation_messages(self, operation_id: int) -> Sequence[OperationMessage]:
        """The operation's messages."""
        return self.messages


@dataclass
class Clock:
    """Time that passes only in ``sleep``."""

    now: float = 1000.0
    sleeps: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        """The time."""
        return self.now

    def time(self) -> float:
        """The time of day."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Advance the clock, without waiting."""
        self.sleeps.append(seconds)
        self.now += seconds
