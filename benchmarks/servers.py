"""The measured servers, each in a separate process: the embedded SSISDB, and a server with one fixed answer."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow_provider_ssis.catalog.codes import (
    MessageSourceType,
    MessageType,
    ObjectType,
    OperationStatus,
    OperationType,
)
from airflow_provider_ssis.emulator.datatypes import BIGINT, INT, Column
from airflow_provider_ssis.emulator.endpoint import Endpoint
from airflow_provider_ssis.emulator.faults.backend import Traffic
from airflow_provider_ssis.emulator.loop_server import EmulatorServer
from airflow_provider_ssis.emulator.session import (
    BulkRows,
    Event,
    Login,
    ResultColumns,
    ReturnStatus,
    ReturnValue,
    Rows,
    RpcRequest,
    StatementDone,
    TransactionAction,
    TransactionBegan,
    TransactionEnded,
    TransactionRequest,
)
from airflow_provider_ssis.emulator.ssisdb import Ssisdb
from airflow_provider_ssis.emulator.tds.server import TdsServer
from benchmarks.proxy import DelayProxy

_MESSAGE = "The package has moved some rows from here to there, which is what it is for: {} so far."


class CatalogService:
    """The embedded SSISDB, which can be filled quickly with many executions and messages."""

    def __init__(self) -> None:
        self._server = EmulatorServer()
        self._endpoint: Endpoint | None = None
        self._proxy: DelayProxy | None = None

    async def start(self) -> Endpoint:
        """Start to serve."""
        self._endpoint = await self._server.start()
        return self._endpoint

    async def stop(self) -> None:
        """Stop serving."""
        await self._close_proxy()
        await self._server.stop()

    async def traffic(self) -> Traffic:
        """Logins and requests so far."""
        return Traffic(self._server.traffic.logins, self._server.traffic.requests)

    async def processor(self) -> float:
        """The processor time of this process so far, in seconds."""
        return time.process_time()

    async def delay(self, seconds: float) -> int:
        """Put a slow network in front of the server.

        :return: its port.
        """
        await self._close_proxy()
        if self._endpoint is None:
            raise RuntimeError("the server does not run")
        self._proxy = DelayProxy(self._endpoint.host, self._endpoint.port, seconds)
        return await self._proxy.start()

    async def round_trips(self) -> int:
        """The number of round trips through that network so far."""
        return 0 if self._proxy is None else self._proxy.round_trips

    async def let_runs_take(self, seconds: float) -> None:
        """Set the duration of the next runs."""
        self._ssisdb.runtime.scripts.take(seconds)

    async def store_executions(self, count: int, status: OperationStatus, age: float) -> list[int]:
        """Store executions that started some seconds ago, without running them.

        :return: their ids.
        """
        engine = self._ssisdb.engine
        began = engine.now() - timedelta(seconds=age)
        async with engine.transaction() as store:
            ids: list[int] = sorted(
                row[0] for row in store.fetch("SELECT nextval('internal.operation_id') FROM range(?)", [count])
            )
            store.execute(
                "INSERT INTO internal.operations (operation_id, operation_type, created_time, object_type, object_name,"
                " status, start_time, end_time, caller_sid, caller_name)"
                " SELECT unnest(CAST($1 AS BIGINT[])), $2, $3, $4, 'Mart', $5, $3, $6, '\\x01'::BLOB, 'sa'",
                [
                    ids,
                    int(OperationType.EXECUTION),
                    began,
                    int(ObjectType.PROJECT),
                    int(status),
                    engine.now() if status.is_terminal else None,
                ],
            )
            store.execute(
                "INSERT INTO internal.executions (execution_id, folder_name, project_name, package_name,"
                " executed_as_sid, executed_as_name, use32bitruntime)"
                " SELECT unnest(CAST($1 AS BIGINT[])), 'Sales', 'Mart', 'Load.dtsx', '\\x01'::BLOB, 'sa', false",
                [ids],
            )
        return ids

    async def end_executions(self, execution_ids: Sequence[int]) -> float:
        """Let executions succeed.

        :return: the time, in seconds since 1970.
        """
        async with self._ssisdb.engine.transaction() as store:
            store.execute(
                "UPDATE internal.operations SET status = $1, end_time = $2 WHERE operation_id IN"
                " (SELECT unnest(CAST($3 AS BIGINT[])))",
                [int(OperationStatus.SUCCEEDED), self._ssisdb.engine.now(), list(execution_ids)],
            )
        return time.time()

    async def write_messages(self, execution_id: int, count: int) -> None:
        """Let an execution write messages."""
        engine = self._ssisdb.engine
        async with engine.transaction() as store:
            numbers = sorted(
                row[0] for row in store.fetch("SELECT nextval('internal.message_id') FROM range(?)", [count])
            )
            store.execute(
                "INSERT INTO internal.operation_messages (operation_message_id, operation_id, message_time,"
                " message_type, message_source_type, message)"
                " SELECT unnest(CAST($1 AS BIGINT[])), $2, $3, $4, $5, unnest(CAST($6 AS VARCHAR[]))",
                [
                    numbers,
                    execution_id,
                    engine.now(),
                    int(MessageType.INFORMATION),
                    int(MessageSourceType.DATA_FLOW),
                    [_MESSAGE.format(number) for number in numbers],
                ],
            )
            store.execute(
                "INSERT INTO internal.event_messages (event_message_id, operation_id, package_name, event_name,"
                " message_source_name, subcomponent_name, package_path, execution_path, threadID)"
                " SELECT unnest(CAST($1 AS BIGINT[])), $2, 'Load.dtsx', 'OnInformation', 'Copy', 'Target',"
                " '\\Package\\Copy', '\\Load\\Copy', 1",
                [numbers, execution_id],
            )

    @property
    def _ssisdb(self) -> Ssisdb:
        if self._server.ssisdb is None:
            raise RuntimeError("the server does not run")
        return self._server.ssisdb

    async def _close_proxy(self) -> None:
        if self._proxy is not None:
            await self._proxy.stop()
            self._proxy = None


@dataclass
class _OneAnswerSession:
    """Answers every request with the same rows, in as few bytes as the protocol allows."""

    spid: int
    rows: list[tuple[Any, ...]]
    database: str = "SSISDB"
    handles: int = 0

    async def batch(self, text: str) -> AsyncIterator[Event]:
        yield ResultColumns(_COLUMNS)
        yield Rows(self.rows)
        yield StatementDone(len(self.rows))

    async def call(self, request: RpcRequest) -> AsyncIterator[Event]:
        yield ResultColumns(_COLUMNS)
        yield Rows(self.rows)
        yield StatementDone(len(self.rows), in_procedure=True)
        yield ReturnStatus(0)
        if request.procedure in ("sp_prepare", "sp_prepexec"):
            self.handles += 1
            yield ReturnValue(0, "", INT, self.handles)

    async def transaction(self, request: TransactionRequest) -> AsyncIterator[Event]:
        if request.action is TransactionAction.BEGIN:
            yield TransactionBegan(1)
        else:
            yield TransactionEnded(1, request.action is TransactionAction.COMMIT)

    async def bulk(self, rows: AsyncIterator[BulkRows]) -> AsyncIterator[Event]:
        count = 0
        async for part in rows:
            count += part.count
        yield StatementDone(count)

    async def reset(self, *, keep_transaction: bool = False) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


class _OneAnswerBackend:
    server_name = "BARE"
    product_version = (16, 0, 4000)

    def __init__(self, row_count: int) -> None:
        self._rows: list[tuple[Any, ...]] = [(number, 2, 60) for number in range(1, row_count + 1)]
        self._spid = 50

    async def login(self, login: Login) -> _OneAnswerSession:
        self._spid += 1
        return _OneAnswerSession(self._spid, self._rows)


_COLUMNS = (Column("execution_id", BIGINT), Column("status", INT), Column("age", INT))


class BareService:
    """The wire protocol without a database: no server in Python can answer this driver faster.

    :param row_count: rows in each answer.
    """

    def __init__(self, row_count: int) -> None:
        self._server = TdsServer(_OneAnswerBackend(row_count))

    async def start(self) -> Endpoint:
        """Start to serve."""
        await self._server.start()
        host, port = self._server.address
        return Endpoint(host, port, "sa", "any")

    async def stop(self) -> None:
        """Stop serving."""
        await self._server.close()
