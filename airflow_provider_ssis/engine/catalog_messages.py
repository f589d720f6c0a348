"""Events of the engine as the catalog's messages, so that levels, lines and causes are those of runs on a server."""

from __future__ import annotations

from airflow_provider_ssis.catalog.codes import MessageType
from airflow_provider_ssis.catalog.models import EventMessage
from airflow_provider_ssis.engine.events import EventName, Message

_TYPES = {
    EventName.PRE_VALIDATE: MessageType.PRE_VALIDATE,
    EventName.POST_VALIDATE: MessageType.POST_VALIDATE,
    EventName.PRE_EXECUTE: MessageType.PRE_EXECUTE,
    EventName.POST_EXECUTE: MessageType.POST_EXECUTE,
    EventName.PROGRESS: MessageType.PROGRESS,
    EventName.INFORMATION: MessageType.INFORMATION,
    EventName.WARNING: MessageType.WARNING,
    EventName.ERROR: MessageType.ERROR,
    EventName.TASK_FAILED: MessageType.TASK_FAILED,
    EventName.QUERY_CANCEL: MessageType.QUERY_CANCEL,
    EventName.VARIABLE_VALUE_CHANGED: MessageType.VARIABLE_VALUE_CHANGED,
    EventName.DIAGNOSTIC: MessageType.DIAGNOSTIC,
}
_SIGN = 1 << 31


def catalog_message(message: Message) -> EventMessage:
    """Return an event of the engine as a message of the catalog.

    :param message: the event.
    """
    return EventMessage(
        event_message_id=None,
        operation_id=0,
        message_time=message.time,
        message_type=_TYPES[message.name],
        message_source_type=None,
        message=message.text,
        package_name=message.place.package,
        event_name=message.name.value,
        message_source_name=message.place.name,
        subcomponent_name=message.subcomponent,
        package_path=message.place.path,
        execution_path=message.place.execution_path,
        message_code=message.code - (1 << 32) if message.code >= _SIGN else message.code or None,
    )
