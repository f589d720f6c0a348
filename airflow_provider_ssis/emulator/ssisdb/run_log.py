"""Writes what runs say into the catalog's tables, many rows at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
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
from airflow_provider_ssis.emulator.tsql.execution.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.store import Store
from airflow_provider_ssis.emulator.tsql.values.storage import VARIANT, encode

_SECONDS_BETWEEN_ATTEMPTS: Final = 0.05


class CatalogRunLog:
    """The catalog as runs see it.

    Runs write through a connection of their own and do not take the engine's write lock, so that a client that leaves
    its transaction open does not stop the packages that are running. DuckDB itself keeps the two from changing one row:
    then the run waits until the client's transaction ends, as on SQL Server.

    :param engine: the catalog's data.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection = engine.connect()

    async def running(self, execution_id: int, process_id: int) -> None:
        """Status 2, and the process that registered."""

        def write(store: Store) -> None:
            store.execute(
                "UPDATE internal.operations SET status = ?, process_id = ? WHERE operation_id = ?",
                [int(OperationStatus.RUNNING), process_id, execution_id],
            )
            store.execute(
                "INSERT INTO internal.extended_operation_info SELECT nextval('internal.info_id'), execution_id,"
                " package_name, ?, reference_id, ?, ?, NULL FROM internal.executions WHERE execution_id = ?",
                [int(ObjectType.PACKAGE), int(OperationStatus.RUNNING), self._engine.now(), execution_id],
            )

        await self._transaction(write)

    async def finished(self, execution_id: int, status: OperationStatus) -> None:
        """The last status."""
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
        """Write in one transaction; again and again while a client's open transaction holds a row of it."""
        while True:
            self._engine.begin(self._connection)
            try:
                write(Store(self._connection))
                self._engine.commit(self._connection)
            except duckdb.TransactionException:
                self._roll_back()
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
    _insert(
        store,
        "executables",
        "executable_id",
        [
            ("VARCHAR", [r.executable_name for r in records]),
            ("VARCHAR", [r.executable_guid for r in records]),
            ("VARCHAR", [r.package_name for r in records]),
            ("VARCHAR", [r.package_path for r in records]),
        ],
        execution_id,
    )


def _write_events(store: Store, execution_id: int, records: Sequence[EventRecord]) -> None:
    if not records:
        return
    first = _reserve(store, "message_id", len(records))
    numbered = list(enumerate(records, first))
    _insert_columns(
        store,
        "operation_messages",
        [
            ("BIGINT", [number for number, _ in numbered]),
            ("BIGINT", [execution_id] * len(records)),
            ("TIMESTAMPTZ", [r.message_time for r in records]),
            ("SMALLINT", [int(r.message_type) for r in records]),
            ("SMALLINT", [int(r.message_source_type) for r in records]),
            ("VARCHAR", [r.message for r in records]),
            ("BIGINT", [None] * len(records)),
        ],
    )
    # A message of the process that runs the package has no row of its own there.
    events = [(number, r) for number, r in numbered if r.package_name is not None]
    if events:
        _insert_columns(
            store,
            "event_messages",
            [
                ("BIGINT", [number for number, _ in events]),
                ("BIGINT", [execution_id] * len(events)),
                ("VARCHAR", [r.package_name for _, r in events]),
                ("VARCHAR", [r.event_name for _, r in events]),
                ("VARCHAR", [r.message_source_name for _, r in events]),
                ("VARCHAR", [r.message_source_id for _, r in events]),
                ("VARCHAR", [r.subcomponent_name for _, r in events]),
                ("VARCHAR", [r.package_path for _, r in events]),
                ("VARCHAR", [r.execution_path for _, r in events]),
                ("INTEGER", [r.thread_id for _, r in events]),
                ("INTEGER", [r.message_code for _, r in events]),
            ],
        )
    _write_contexts(
        store, execution_id, [(number, context) for number, record in numbered for context in record.contexts]
    )


def _write_contexts(store: Store, execution_id: int, contexts: Sequence[tuple[int, ContextRecord]]) -> None:
    if not contexts:
        return
    first = _reserve(store, "context_id", len(contexts))
    _insert_columns(
        store,
        "event_message_context",
        [
            ("BIGINT", list(range(first, first + len(contexts)))),
            ("BIGINT", [execution_id] * len(contexts)),
            ("BIGINT", [number for number, _ in contexts]),
            ("INTEGER", [c.context_depth for _, c in contexts]),
            ("VARCHAR", [c.package_path for _, c in contexts]),
            ("SMALLINT", [int(c.context_type) for _, c in contexts]),
            ("VARCHAR", [c.context_source_name for _, c in contexts]),
            ("VARCHAR", [c.context_source_id for _, c in contexts]),
            ("VARCHAR", [c.property_name for _, c in contexts]),
            (VARIANT, [encode(SQL_VARIANT, c.property_value) for _, c in contexts]),
        ],
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
    _insert(
        store,
        "executable_statistics",
        "statistics_id",
        [
            ("BIGINT", [known[r.package_name, r.package_path] for r in records]),
            ("VARCHAR", [r.execution_path for r in records]),
            ("TIMESTAMPTZ", [r.start_time for r in records]),
            ("TIMESTAMPTZ", [r.end_time for r in records]),
            ("INTEGER", [r.execution_duration for r in records]),
            ("SMALLINT", [int(r.execution_result) for r in records]),
            (VARIANT, [encode(SQL_VARIANT, r.execution_value) for r in records]),
        ],
        execution_id,
    )


def _write_phases(store: Store, execution_id: int, records: Sequence[PhaseRecord]) -> None:
    _insert(
        store,
        "execution_component_phases",
        "phase_stats_id",
        [
            ("VARCHAR", [r.package_name for r in records]),
            ("VARCHAR", [r.task_name for r in records]),
            ("VARCHAR", [r.subcomponent_name for r in records]),
            ("VARCHAR", [r.phase for r in records]),
            ("TIMESTAMPTZ", [r.start_time for r in records]),
            ("TIMESTAMPTZ", [r.end_time for r in records]),
            ("VARCHAR", [r.execution_path for r in records]),
        ],
        execution_id,
    )


def _write_data_statistics(store: Store, execution_id: int, records: Sequence[DataStatisticsRecord]) -> None:
    _insert(
        store,
        "execution_data_statistics",
        "data_stats_id",
        [
            ("VARCHAR", [r.package_name for r in records]),
            ("VARCHAR", [r.task_name for r in records]),
            ("VARCHAR", [r.dataflow_path_id_string for r in records]),
            ("VARCHAR", [r.dataflow_path_name for r in records]),
            ("VARCHAR", [r.source_component_name for r in records]),
            ("VARCHAR", [r.destination_component_name for r in records]),
            ("BIGINT", [r.rows_sent for r in records]),
            ("TIMESTAMPTZ", [r.created_time for r in records]),
            ("VARCHAR", [r.execution_path for r in records]),
        ],
        execution_id,
    )


Columns = list[tuple[str, list[Any]]]


def _insert(store: Store, table: str, sequence: str, columns: Columns, execution_id: int) -> None:
    """Insert rows that begin with an id of their own and the execution's id."""
    count = len(columns[0][1])
    if count:
        first = _reserve(store, sequence, count)
        ids: Columns = [
            ("BIGINT", [first + number for number in range(count)]),
            ("BIGINT", [execution_id] * count),
        ]
        _insert_columns(store, table, ids + columns)


def _insert_columns(store: Store, table: str, columns: Columns) -> None:
    """Insert rows that are given column by column: one statement, whatever their number."""
    places = ", ".join(f"unnest(CAST(${number} AS {kind}[]))" for number, (kind, _) in enumerate(columns, 1))
    store.execute(f"INSERT INTO internal.{table} SELECT {places}", [values for _, values in columns])


def _reserve(store: Store, sequence: str, count: int) -> int:
    """The first of so many new ids that follow each other."""
    return int(store.fetch(f"SELECT min(nextval('internal.{sequence}')) FROM range({count})")[0][0])
