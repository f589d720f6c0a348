"""A backend that returns its input, for tests of the wire protocol."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.session import (
    BulkRows,
    Event,
    Login,
    LoginRefused,
    Message,
    ResultColumns,
    ReturnStatus,
    ReturnValue,
    Rows,
    RpcParameter,
    RpcRequest,
    Session,
    StatementDone,
    TransactionAction,
    TransactionBegan,
    TransactionEnded,
    TransactionRequest,
)
from airflow_provider_ssis.emulator.tds.packets import Limits
from airflow_provider_ssis.emulator.tds.server import TdsServer

PASSWORD = "correct horse; {battery = staple"


@dataclass
class EchoSession:
    """Answers a batch with its text, and a procedure call with its arguments as one row."""

    spid: int
    database: str = "SSISDB"
    prepared: dict[int, str] = field(default_factory=dict)
    resets: int = 0
    cancelled: int = 0
    closed: bool = False

    async def batch(self, text: str) -> AsyncIterator[Event]:
        if text == "WAIT":
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if text == "FAIL":
            yield Message(50000, 16, 1, "It failed.", 3, "the_procedure")
            yield StatementDone(is_error=True)
            return
        if text.startswith("ROWS "):
            count = int(text.removeprefix("ROWS "))
            yield ResultColumns((Column("n", SqlType("int")),))
            for start in range(0, count, 1000):
                yield Rows([(n,) for n in range(start, min(start + 1000, count))])
                await asyncio.sleep(0)
            yield StatementDone(count)
            return
        yield ResultColumns((Column("text", SqlType.parse("nvarchar(max)")),))
        yield Rows([(text,)])
        yield StatementDone(1)

    async def call(self, request: RpcRequest) -> AsyncIterator[Event]:
        match request.procedure.rpartition(".")[2]:
            case "sp_prepexec":
                handle = len(self.prepared) + 1
                self.prepared[handle] = str(request.parameters[2].value)
                async for event in self.echo(request.parameters[3:]):
                    yield event
                yield ReturnStatus(0)
                yield ReturnValue(0, "", SqlType("int"), handle)
            case "sp_execute":
                async for event in self.echo(request.parameters[1:]):
                    yield event
            case "sp_executesql":
                async for event in self.echo(request.parameters[2:]):
                    yield event
            case "echo":
                async for event in self.echo(request.parameters):
                    yield event
                yield ReturnStatus(7)
                for ordinal, parameter in enumerate(request.parameters):
                    if parameter.output:
                        yield ReturnValue(ordinal, parameter.name, parameter.type, parameter.value)
            case _:
                yield ReturnStatus(0)

    async def echo(self, parameters: tuple[RpcParameter, ...]) -> AsyncIterator[Event]:
        if parameters:
            yield ResultColumns(tuple(Column(parameter.name, parameter.type) for parameter in parameters))
            yield Rows([tuple(parameter.value for parameter in parameters)])
            yield StatementDone(1, in_procedure=True)

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
        self.resets += 1

    async def close(self) -> None:
        self.closed = True


class EchoBackend:
    """A backend with one password.

    :param checks_password: refuse other passwords. Default: True.
    """

    server_name = "ECHO"
    product_version = (16, 0, 4000)

    def __init__(self, *, checks_password: bool = True) -> None:
        self._checks_password = checks_password
        self.sessions: list[EchoSession] = []
        self.logins: list[Login] = []

    async def login(self, login: Login) -> Session:
        self.logins.append(login)
        if self._checks_password and login.password != PASSWORD:
            raise LoginRefused(Message(18456, 14, 1, f"Login failed for user '{login.user}'."), wrong_proof=True)
        self.sessions.append(EchoSession(51 + len(self.sessions)))
        return self.sessions[-1]


@dataclass
class EchoServer:
    """A served :class:`EchoBackend`."""

    backend: EchoBackend
    host: str
    port: int
    certificate: bytes
    tds: TdsServer


@contextlib.contextmanager
def echo_server(limits: Limits | None = None, *, checks_password: bool = True) -> Iterator[EchoServer]:
    """Run a server in a separate thread while the block lasts."""
    backend = EchoBackend(checks_password=checks_password)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = TdsServer(backend, limits=limits)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result()
        host, port = server.address
        yield EchoServer(backend, host, port, server.certificate.pem, server)
        asyncio.run_coroutine_threadsafe(server.close(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
