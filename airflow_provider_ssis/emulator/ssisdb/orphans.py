"""Closes operations whose process no longer exists: at the start of the server, and by ``catalog.startup``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from airflow_provider_ssis.catalog.codes import MessageSourceType, MessageType, OperationStatus
from airflow_provider_ssis.emulator.ssisdb.error_texts import text
from airflow_provider_ssis.emulator.ssisdb.event_rows import write_message
from airflow_provider_ssis.emulator.ssisdb.tables import ACTIVE
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store


def close_orphans(store: Store, now: datetime, *, is_running: Callable[[int, int], bool]) -> list[str]:
    """Set the status of orphaned operations to 6, each with a warning (27165); returns the warnings.

    :param is_running: whether the operation of an id and a type has a process.
    """
    warnings = []
    for operation_id, kind, status in store.fetch(
        f"SELECT operation_id, operation_type, status FROM internal.operations WHERE status IN ({ACTIVE})"
        " ORDER BY operation_id"
    ):
        if is_running(operation_id, kind):
            continue
        warning = text(27165, operation_id, kind, status)
        store.execute(
            "UPDATE internal.operations SET status = ?, end_time = ? WHERE operation_id = ?",
            [int(OperationStatus.ENDED_UNEXPECTEDLY), now, operation_id],
        )
        write_message(store, operation_id, now, MessageType.WARNING, MessageSourceType.ENTRY_API, warning)
        warnings.append(warning)
    return warnings
