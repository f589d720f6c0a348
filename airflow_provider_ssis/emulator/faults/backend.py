"""Injects the faults, between the wire protocol and the backend. Also counts logins and requests."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from airflow_provider_ssis.emulator.faults.book import Call, Delay, Drop, Effect, FaultBook, Refuse, When
from airflow_provider_ssis.emulator.session import (
    Backend,
    BulkRows,
    ConnectionDropped,
    Event,
    Login,
    LoginRefused,
    Message,
    ReturnValue,
    RpcRequest,
    Session,
    StatementDone,
    TransactionRequest,
)


@dataclass(slots=True)
class Traffic:
    """The requests of clients since the server's start or its last reset.

    :param logins: connections opened.
    :param requests: batches, calls and transaction requests: the round trips of logged-in clients.
    """

    logins: int = 0
    requests: int = 0


class FaultyBackend:
    """A backend with fault injection.

    :param backend: answers when no fault is injected.
    :param faults: the faults to inject.
    :param traffic: counts logins and requests.
    """

    def __init__(self, backend: Backend, faults: FaultBook, traffic: Traffic) -> None:
        self._backend = backend
        self._faults = faults
        self._traffic = traffic

    @property
    def server_name(self) -> str:
        """The name that errors carry."""
        return self._backend.server_name

    @property
    def product_version(self) -> tuple[int, int, int]:
        """Major, minor and build number."""
        return self._backend.product_version

    async def login(self, login: Login) -> FaultySession:
        """Open a session.

        :raises LoginRefused: the backend refuses, or a fault does.
        :raises ConnectionDropped: a fault.
        """
        self._traffic.logins += 1
        refused = await _suffer(self._faults.draw(None, When.BEFORE))
        if refused is not None:
            raise LoginRefused(refused)
        return FaultySession(await self._backend.login(login), self._faults, self._traffic)


class FaultySession:
    """A session with fault injection.

    :param session: answers when no fault is injected.
    :param faults: the faults to inject.
    :param traffic: counts requests.
    """

    def __init__(self, session: Session, faults: FaultBook, traffic: Traffic) -> None:
        self._session = session
        self._faults = faults
        self._traffic = traffic
        self._prepared: dict[int | None, str] = {}

    @property
    def spid(self) -> int:
        """The session's number."""
        return self._session.spid

    @property
    def database(self) -> str:
        """The current database."""
        return self._session.database

    def batch(self, text: str) -> AsyncIterator[Event]:
        """Run a SQL batch."""
        return self._events(text, self._session.batch(text))

    def call(self, request: RpcRequest) -> AsyncIterator[Event]:
        """Run a remote procedure call."""
        if request.procedure.lower() == "sp_unprepare":
            # Drivers send it on their own and report no error of it: the fault would be lost.
            self._traffic.requests += 1
            self._prepared.pop(_handle(request), None)
            return self._session.call(request)
        return self._remember_handle(request, self._events(self._text_of(request), self._session.call(request)))

    def transaction(self, request: TransactionRequest) -> AsyncIterator[Event]:
        """Carry out a transaction manager request."""
        return self._events(f"{request.action.value} transaction", self._session.transaction(request))

    def bulk(self, rows: AsyncIterator[BulkRows]) -> AsyncIterator[Event]:
        """Take the rows of a bulk load."""
        return self._events("bulk load", self._session.bulk(rows))

    async def reset(self, *, keep_transaction: bool = False) -> None:
        """Return to the state after login."""
        self._prepared.clear()
        await self._session.reset(keep_transaction=keep_transaction)

    async def close(self) -> None:
        """The client has left."""
        await self._session.close()

    async def _events(self, text: str, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
        self._traffic.requests += 1
        refused = await _suffer(self._faults.draw(text, When.BEFORE))
        if refused is not None:
            yield refused
            yield StatementDone(is_error=True)
            return
        afterwards = self._faults.draw(text, When.AFTER)
        if not afterwards:
            async for event in events:
                yield event
            return
        answer = [event async for event in events]
        await _suffer(afterwards)
        for event in answer:
            yield event

    async def _remember_handle(self, request: RpcRequest, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Remember the text of a prepared statement, which later runs by its handle only."""
        prepares = request.procedure.lower() in ("sp_prepare", "sp_prepexec")
        async for event in events:
            if prepares and isinstance(event, ReturnValue) and event.ordinal == 0:
                # A driver gives the handle of the statement that this one replaces.
                self._prepared.pop(_handle(request), None)
                self._prepared[event.value] = sys.intern(_statement_of(request))
            yield event

    def _text_of(self, request: RpcRequest) -> str:
        texts = [parameter.value for parameter in request.parameters if isinstance(parameter.value, str)]
        if request.procedure.lower() == "sp_execute":
            texts.append(self._prepared.get(_handle(request), ""))
        return "\n".join([request.procedure, *texts])


def _handle(request: RpcRequest) -> int | None:
    """The handle that a call of a prepared statement begins with."""
    value = request.parameters[0].value if request.parameters else None
    return value if isinstance(value, int) else None


def _statement_of(request: RpcRequest) -> str:
    """The statement that ``sp_prepare`` or ``sp_prepexec`` prepares: its third argument."""
    text = request.parameters[2].value if len(request.parameters) > 2 else ""
    return str(text)


async def _suffer(effects: Iterable[Effect]) -> Message | None:
    """Inject the effects; returns the error that is the answer, if there is one."""
    refused = None
    for effect in effects:
        match effect:
            case Drop():
                raise ConnectionDropped
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case Refuse(message):
                refused = message
            case Call(function):
                function()
    return refused
