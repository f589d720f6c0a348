"""Writes the messages and statistics of runs to the catalog's tables, many rows at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from typing import Any, Final

import duckdb

from airflow_provider_ssis.catalog.codes import ObjectType, OperationStatus
from airflow_provider_ssis.emulator.datatypes import SQL_VARIANT
from airflow_provider_ssis.emulator.runs.records import (
    ContextRecord,
    DataStatisticsRecord,
    EventRecord,
    ExecutableRecord,
    PhaseRecord,
    Record,
    StatisticsRecord,
)
from airflow_provider_ssis.emulator.ssisdb.rows import insert_columns, next_ids
from airflow_provider_ssis.emulator.tsql.execution.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.store import Store
from airflow_provider_ssis.emulator.tsql.values.storage import encode

_SECONDS_BETWEEN_ATTEMPTS: Final = 0.05


class CatalogRunLog:
    """The part of the catalog to which runs write.

    Runs write through a separate connection and do not take the engine's write lock, so that a client that leaves
    its transaction open does not stop the packages that are running. DuckDB itself keeps the two from changing one row:
    then the run waits for the end of the client's transaction, as on SQL Server.

    :param engine: the catalog's data.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection = engine.connect()

    async def running(self, execution_id: int, process_id: int) -> None:
        """Set status 2 and the process id."""

        def write(store: Store) -> None:
            store.execute(
                "UPDATE internal.operations SET status = ?, process_id = ? WHERE operation_id = ?",
                [int(OperationStatus.RUNNING), process_id, execution_id],
            )
            store.execute(
                "INSERT INTO internal.extended_operation_info (info_id, operation_id, object_name, object_type,"
                " reference_id, status, start_time) SELECT nextval('internal.info_id'), execution_id,"
                " package_name, ?, reference_id, ?, ? FROM internal.executions WHERE execution_id = ?",
                [int(ObjectType.PACKAGE), int(OperationStatus.RUNNING), self._engine.now(), execution_id],
            )

        await self._transaction(write)

    async def finished(self, execution_id: int, status: OperationStatus) -> None:
        """Set the final status."""
        now = self._engine.now()

        def write(store: Store) -> None:
            for table in ("operations", "extended_operation_info"):
                store.execute(
                    f"UPDATE internal.{table} SET status = ?, end_time = ? WHERE operation_id = ?",
                    [int(status), now, execution_id],
                )

        await self._transaction(write)

    async def write(self, execution_id: int, records: Sequence[Record]) -> None:
        """Write records in their order."""
        if not records:
            return

        def write(store: Store) -> None:
            _write_executables(store, execution_id, [r for r in records if isinstance(r, ExecutableRecord)])
            _write_events(store, execution_id, [r for r in records if isinstance(r, EventRecord)])
            _write_statistics(store, execution_id, [r for r in records if isinstance(r, StatisticsRecord)])
            _write_phases(store, execution_id, [r for r in records if isinstance(r, PhaseRecord)])
            _write_data_statistics(store, execution_id, [r for r in records if isinstance(r, DataStatisticsRecord)])

        await self._transaction(write)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    async def _transaction(self, write: Callable[[Store], None]) -> None:
        """Write in one transaction; retry while an open transaction of a client holds one of the rows."""
        while True:
            self._engine.begin(self._connection)
            try:
                write(Store(self._connection))
                self._engine.commit(self._connection)
            except duckdb.TransactionException:
                self._roll_back()
                self._engine.write_lock.roll_back_idle()
                await asyncio.sleep(_SECONDS_BETWEEN_ATTEMPTS)
            except BaseException:
                self._roll_back()
                raise
            else:
                self._engine.commits_without_lock += 1
                return

    def _roll_back(self) -> None:
        # A failed COMMIT has ended the transaction already.
        with suppress(duckdb.TransactionException):
            self._engine.roll_back(self._connection)


def _write_executables(store: Store, execution_id: int, records: Sequence[ExecutableRecord]) -> None:
    fields = ("executable_name", "executable_guid", "package_name", "package_path")
    _insert_numbered(store, "executables", "executable_id", execution_id, records, fields)


def _write_events(store: Store, execution_id: int, records: Sequence[EventRecord]) -> None:
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
            **_columns(records, ("message_time", "message_type", "message_source_type", "message")),
        },
    )
    # A message of the process that runs the package has no row there.
    events = [(number, record) for number, record in numbered if record.package_name is not None]
    fields = (
        "package_name",
        "event_name",
        "message_source_name",
        "message_source_id",
        "subcomponent_name",
        "package_path",
        "execution_path",
        "message_code",
    )
    insert_columns(
        store,
        "event_messages",
        {
            "event_message_id": [number for number, _ in events],
            "operation_id": [execution_id] * len(events),
            "threadID": [record.thread_id for _, record in events],
            **_columns([record for _, record in events], fields),
        },
    )
    _write_contexts(
        store, execution_id, [(number, context) for number, record in numbered for context in record.contexts]
    )


def _write_contexts(store: Store, execution_id: int, contexts: Sequence[tuple[int, ContextRecord]]) -> None:
    if not contexts:
        return
    first = next_ids(store, "context_id", len(contexts))
    fields = (
        "context_depth",
        "package_path",
        "context_type",
        "context_source_name",
        "context_source_id",
        "property_name",
    )
    insert_columns(
        store,
        "event_message_context",
        {
            "context_id": list(range(first, first + len(contexts))),
            "operation_id": [execution_id] * len(contexts),
            "event_message_id": [number for number, _ in contexts],
            "property_value": [encode(SQL_VARIANT, context.property_value) for _, context in contexts],
            **_columns([context for _, context in contexts], fields),
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
            **_columns(records, fields),
            **(more or {}),
        },
    )


def _columns(records: Sequence[object], fields: Sequence[str]) -> dict[str, list[Any]]:
    """The fields of some records, column by column."""
    return {field: [_plain(getattr(record, field)) for record in records] for field in fields}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, IntEnum) else value
