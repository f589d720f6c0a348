"""Writes the messages and statistics of runs to the catalog's tables, many rows at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from airflow_provider_ssis.catalog.codes import MessageSourceType, MessageType, ObjectType, OperationStatus
from airflow_provider_ssis.emulator.datatypes import SQL_VARIANT
from airflow_provider_ssis.emulator.runs import event_texts
from airflow_provider_ssis.emulator.runs.records import (
    ContextRecord,
    DataStatisticsRecord,
    DumpRecord,
    EventRecord,
    ExecutableRecord,
    PhaseRecord,
    Record,
    StatisticsRecord,
    TappedRowsRecord,
)
from airflow_provider_ssis.emulator.runs.workers import Worker
from airflow_provider_ssis.emulator.ssisdb.background_writes import BackgroundWriter
from airflow_provider_ssis.emulator.ssisdb.dump_files import DumpFiles
from airflow_provider_ssis.emulator.ssisdb.event_rows import (
    CONTEXT_FIELDS,
    EVENT_FIELDS,
    MESSAGE_FIELDS,
    columns,
    write_worker_events,
)
from airflow_provider_ssis.emulator.ssisdb.rows import insert_columns, next_id, next_ids
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.values.storage import encode

_TASK_OF_EXECUTION: Final = (
    "job_id IN (SELECT job_id FROM internal.executions WHERE execution_id = ? AND job_id IS NOT NULL)"
)


class CatalogRunLog:
    """The part of the catalog to which runs write.

    :param engine: the catalog's data.
    :param writer: writes without waiting for the transactions of clients.
    :param dumps: gets the rows of data taps.
    """

    def __init__(self, engine: Engine, writer: BackgroundWriter, dumps: DumpFiles) -> None:
        self._engine = engine
        self._writer = writer
        self._dumps = dumps
        self._info: dict[int, int] = {}
        """The row of extended_operation_info of each running execution, to which its messages refer."""

    async def running(self, execution_id: int, process_id: int, worker: Worker | None) -> None:
        """Set status 2, and the process id or the worker of Scale Out."""

        def write(store: Store) -> int:
            store.execute(
                "UPDATE internal.executions SET executed_count = coalesce(executed_count, 0) + 1, worker_agent_id = ?"
                " WHERE execution_id = ?",
                [None if worker is None else worker.id, execution_id],
            )
            if worker is None:
                store.execute(
                    "UPDATE internal.operations SET status = ?, process_id = ? WHERE operation_id = ?",
                    [int(OperationStatus.RUNNING), process_id, execution_id],
                )
            else:
                store.execute(
                    "UPDATE internal.operations SET status = ?, machine_name = ? WHERE operation_id = ?",
                    [int(OperationStatus.RUNNING), worker.machine_name, execution_id],
                )
                store.execute(
                    "UPDATE internal.tasks SET status = ?, executed_count = executed_count + 1, worker_agent_id = ?,"
                    f" last_updated_time = ? WHERE {_TASK_OF_EXECUTION}",
                    [int(OperationStatus.RUNNING), worker.id, self._engine.now(), execution_id],
                )
            info_id = next_id(store, "info_id")
            if execution_id in self._info:
                # The attempt before failed.
                _end_info(store, self._info[execution_id], OperationStatus.FAILED, self._engine.now())
            store.execute(
                "INSERT INTO internal.extended_operation_info (info_id, operation_id, object_name, object_type,"
                " reference_id, status, start_time) SELECT ?, execution_id, package_name, ?, reference_id, ?, ?"
                " FROM internal.executions WHERE execution_id = ?",
                [info_id, int(ObjectType.PACKAGE), int(OperationStatus.RUNNING), self._engine.now(), execution_id],
            )
            return info_id

        self._info[execution_id] = await self._writer.write(write)

    async def finished(self, execution_id: int, status: OperationStatus) -> None:
        """Set the final status."""
        now = self._engine.now()
        info_id = self._info.pop(execution_id, None)

        def write(store: Store) -> None:
            store.execute(
                f"UPDATE internal.tasks SET status = ?, last_updated_time = ? WHERE {_TASK_OF_EXECUTION}",
                [int(status), now, execution_id],
            )
            store.execute(
                "UPDATE internal.operations SET status = ?, end_time = ? WHERE operation_id = ?",
                [int(status), now, execution_id],
            )
            if info_id is not None:
                _end_info(store, info_id, status, now)

        await self._writer.write(write)

    async def write(self, execution_id: int, records: Sequence[Record], *, by_worker: bool) -> None:
        """Write records in their order.

        :param by_worker: a worker of Scale Out runs the execution: its messages go to separate tables.
        """
        written = [await self._with_file(execution_id, record) for record in records]
        if not written:
            return

        def write(store: Store) -> None:
            _write_executables(store, execution_id, [r for r in written if isinstance(r, ExecutableRecord)])
            events = [r for r in written if isinstance(r, EventRecord)]
            write_events = write_worker_events if by_worker else _write_events
            write_events(store, execution_id, self._info.get(execution_id), events)
            _write_statistics(store, execution_id, [r for r in written if isinstance(r, StatisticsRecord)])
            _write_phases(store, execution_id, [r for r in written if isinstance(r, PhaseRecord)])
            _write_data_statistics(store, execution_id, [r for r in written if isinstance(r, DataStatisticsRecord)])

        await self._writer.write(write)

    async def _with_file(self, execution_id: int, record: Record) -> Record:
        """Write the file of a record that has one; returns the message about it, or the record."""
        if isinstance(record, TappedRowsRecord):
            return await self._rows(record)
        if isinstance(record, DumpRecord):
            return await self._dump(execution_id, record)
        return record

    async def _dump(self, execution_id: int, record: DumpRecord) -> EventRecord:
        """Write a dump, under the id that the execution shows."""
        [(dump_id,)] = self._engine.read(
            "SELECT operation_guid FROM internal.operations WHERE operation_id = ?", [execution_id]
        )
        what = (
            f"Execution {execution_id}, {record.package_name}, at {record.written_time.isoformat()}: {record.reason}\n"
        )
        path = await asyncio.to_thread(self._dumps.write_dump, str(dump_id).upper(), what)
        text = event_texts.dumped(str(path), record.reason)
        return EventRecord(record.written_time, MessageType.INFORMATION, MessageSourceType.EXTERNAL_PROCESS, text)

    async def _rows(self, record: TappedRowsRecord) -> EventRecord:
        """Write the file of a data tap; returns the message about it."""
        tap = record.tap
        name = f"{record.iteration}_{tap.file_name}" if record.iteration else tap.file_name
        try:
            path = await asyncio.to_thread(self._dumps.write_rows, name, tap.columns, record.rows)
        except (OSError, ValueError) as error:
            kind, text = MessageType.WARNING, event_texts.rows_not_written(tap, str(error))
        else:
            kind, text = MessageType.INFORMATION, event_texts.rows_tapped(tap, record.rows, str(path))
        return EventRecord(record.written_time, kind, MessageSourceType.EXTERNAL_PROCESS, text)


def _end_info(store: Store, info_id: int, status: OperationStatus, now: datetime) -> None:
    store.execute(
        "UPDATE internal.extended_operation_info SET status = ?, end_time = ? WHERE info_id = ?",
        [int(status), now, info_id],
    )


def _write_executables(store: Store, execution_id: int, records: Sequence[ExecutableRecord]) -> None:
    fields = ("executable_name", "executable_guid", "package_name", "package_path")
    _insert_numbered(store, "executables", "executable_id", execution_id, records, fields)


def _write_events(store: Store, execution_id: int, info_id: int | None, records: Sequence[EventRecord]) -> None:
    if not records:
        return
    first = next_ids(store, "message_id", len(records))
    numbered = list(enumerate(records, first))
    insert_columns(
        store,
        "operation_messages",
        {
            "operation_message_id": [number for number, _ in numbered],
            "operation_id": [execution_id] * len(records),
            "extended_info_id": [info_id] * len(records),
            **columns(records, MESSAGE_FIELDS),
        },
    )
    # A message of the process that runs the package has no row there.
    events = [(number, record) for number, record in numbered if record.package_name is not None]
    insert_columns(
        store,
        "event_messages",
        {
            "event_message_id": [number for number, _ in events],
            "operation_id": [execution_id] * len(events),
            "threadID": [record.thread_id for _, record in events],
            **columns([record for _, record in events], EVENT_FIELDS),
        },
    )
    _write_contexts(
        store, execution_id, [(number, context) for number, record in numbered for context in record.contexts]
    )


def _write_contexts(store: Store, execution_id: int, contexts: Sequence[tuple[int, ContextRecord]]) -> None:
    if not contexts:
        return
    first = next_ids(store, "context_id", len(contexts))
    insert_columns(
        store,
        "event_message_context",
        {
            "context_id": list(range(first, first + len(contexts))),
            "operation_id": [execution_id] * len(contexts),
            "event_message_id": [number for number, _ in contexts],
            "property_value": [encode(SQL_VARIANT, context.property_value) for _, context in contexts],
            **columns([context for _, context in contexts], CONTEXT_FIELDS),
        },
    )


def _write_statistics(store: Store, execution_id: int, records: Sequence[StatisticsRecord]) -> None:
    if not records:
        return
    known = {
        (package, path): number
        for number, package, path in store.fetch(
            "SELECT executable_id, package_name, package_path FROM internal.executables WHERE execution_id = ?",
            [execution_id],
        )
    }
    more = {
        "executable_id": [known[record.package_name, record.package_path] for record in records],
        "execution_value": [encode(SQL_VARIANT, record.execution_value) for record in records],
    }
    fields = ("execution_path", "start_time", "end_time", "execution_duration", "execution_result")
    _insert_numbered(store, "executable_statistics", "statistics_id", execution_id, records, fields, more)


def _write_phases(store: Store, execution_id: int, records: Sequence[PhaseRecord]) -> None:
    fields = ("package_name", "task_name", "subcomponent_name", "phase", "start_time", "end_time", "execution_path")
    _insert_numbered(store, "execution_component_phases", "phase_stats_id", execution_id, records, fields)


def _write_data_statistics(store: Store, execution_id: int, records: Sequence[DataStatisticsRecord]) -> None:
    fields = (
        "package_name",
        "task_name",
        "dataflow_path_id_string",
        "dataflow_path_name",
        "source_component_name",
        "destination_component_name",
        "rows_sent",
        "created_time",
        "execution_path",
    )
    _insert_numbered(store, "execution_data_statistics", "data_stats_id", execution_id, records, fields)


def _insert_numbered(
    store: Store,
    table: str,
    id_column: str,
    execution_id: int,
    records: Sequence[object],
    fields: Sequence[str],
    more: Mapping[str, list[Any]] | None = None,
) -> None:
    """Insert records of an execution, each with a new id.

    :param id_column: the column of the id, which is also the name of the sequence.
    :param fields: the fields of the records that are columns of the same name.
    :param more: values of other columns.
    """
    if not records:
        return
    first = next_ids(store, id_column, len(records))
    insert_columns(
        store,
        table,
        {
            id_column: list(range(first, first + len(records))),
            "execution_id": [execution_id] * len(records),
            **columns(records, fields),
            **(more or {}),
        },
    )
