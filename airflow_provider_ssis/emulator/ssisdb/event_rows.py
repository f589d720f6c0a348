"""The rows of messages: of operations, and of events that the workers of Scale Out write to separate tables."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

from airflow_provider_ssis.catalog.codes import MessageSourceType, MessageType
from airflow_provider_ssis.emulator.datatypes import SQL_VARIANT
from airflow_provider_ssis.emulator.runs.records import EventRecord
from airflow_provider_ssis.emulator.ssisdb.rows import insert, insert_columns, next_id, next_ids
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.values.storage import encode

MESSAGE_FIELDS: Final = ("message_time", "message_type", "message_source_type", "message")
EVENT_FIELDS: Final = (
    "package_name",
    "event_name",
    "message_source_name",
    "message_source_id",
    "subcomponent_name",
    "package_path",
    "execution_path",
    "message_code",
)
CONTEXT_FIELDS: Final = (
    "context_depth",
    "package_path",
    "context_type",
    "context_source_name",
    "context_source_id",
    "property_name",
)


def write_message(
    store: Store, operation_id: int, now: datetime, kind: MessageType, source: MessageSourceType, message: str
) -> None:
    """Write a message of an operation."""
    insert(
        store,
        "operation_messages",
        {
            "operation_message_id": next_id(store, "message_id"),
            "operation_id": operation_id,
            "message_time": now,
            "message_type": int(kind),
            "message_source_type": int(source),
            "message": message,
        },
    )


def write_worker_events(store: Store, execution_id: int, info_id: int | None, records: Sequence[EventRecord]) -> None:
    """Write the events of a run on a worker of Scale Out: a GUID joins the rows of a message, not its id."""
    if not records:
        return
    guids = [uuid.uuid4() for _ in records]
    first = next_ids(store, "message_id", len(records))
    numbers = list(range(first, first + len(records)))
    insert_columns(
        store,
        "operation_messages_scaleout",
        {
            "operation_message_id": numbers,
            "operation_id": [execution_id] * len(records),
            "event_message_guid": guids,
            "extended_info_id": [info_id] * len(records),
            **columns(records, MESSAGE_FIELDS),
        },
    )
    events = [
        (number, guid, record)
        for number, guid, record in zip(numbers, guids, records, strict=True)
        if record.package_name is not None
    ]
    insert_columns(
        store,
        "event_messages_scaleout",
        {
            "event_message_id": [number for number, _, _ in events],
            "operation_id": [execution_id] * len(events),
            "event_message_guid": [guid for _, guid, _ in events],
            "threadID": [record.thread_id for _, _, record in events],
            **columns([record for _, _, record in events], EVENT_FIELDS),
        },
    )
    contexts = [(guid, context) for guid, record in zip(guids, records, strict=True) for context in record.contexts]
    if not contexts:
        return
    first = next_ids(store, "context_id", len(contexts))
    insert_columns(
        store,
        "event_message_context_scaleout",
        {
            "context_id": list(range(first, first + len(contexts))),
            "operation_id": [execution_id] * len(contexts),
            "event_message_guid": [guid for guid, _ in contexts],
            "property_value": [encode(SQL_VARIANT, context.property_value) for _, context in contexts],
            **columns([context for _, context in contexts], CONTEXT_FIELDS),
        },
    )


def columns(records: Sequence[object], fields: Sequence[str]) -> dict[str, list[Any]]:
    """The fields of some records, column by column."""
    return {field: [_plain(getattr(record, field)) for record in records] for field in fields}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, IntEnum) else value
