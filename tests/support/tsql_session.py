"""A T-SQL engine without a network and without a catalog, and sessions on it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_ssis.emulator.session import ArrowRows, Event, Login, Message, ResultColumns, Rows, StatementDone
from airflow_provider_ssis.emulator.tsql.backend import TsqlBackend
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.databases.product import Product
from airflow_provider_ssis.emulator.tsql.execution.session import TsqlSession

PRODUCT = Product("TESTS", "Microsoft SQL Server 2022", "Developer Edition (64-bit)", 3, (16, 0, 4000))
PASSWORD = "p"


@dataclass
class Answer:
    """The answer to a batch: its result sets, counts of rows, errors and informational messages."""

    results: list[list[tuple[Any, ...]]] = field(default_factory=list)
    columns: list[list[str]] = field(default_factory=list)
    counts: list[int | None] = field(default_factory=list)
    errors: list[Message] = field(default_factory=list)
    infos: list[Message] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the errors."""
        return [error.number for error in self.errors]


async def answer(session: TsqlSession, text: str) -> Answer:
    """Run a batch and collect its events."""
    found = Answer()
    async for event in session.batch(text):
        collect(found, event)
    return found


def collect(found: Answer, event: Event) -> None:
    """Add an event to an answer."""
    match event:
        case ResultColumns():
            found.results.append([])
            found.columns.append([column.name for column in event.columns])
        case Rows(rows):
            found.results[-1] += rows
        case ArrowRows():
            found.results[-1] += event.rows()
        case StatementDone(row_count=count):
            found.counts.append(count)
        case Message(severity=severity):
            (found.errors if severity > 10 else found.infos).append(event)


@dataclass(frozen=True)
class Server:
    """An engine with the administrator ``sa`` and the login ``guest`` without rights."""

    engine: Engine
    backend: TsqlBackend

    async def session(self, user: str = "sa") -> TsqlSession:
        """Open a session."""
        return await self.backend.login(Login(user, PASSWORD, "Sales", "host", "tests", "tests"))


@asynccontextmanager
async def tsql_server(*, idle_seconds: float = 60, data_dir: Path | None = None) -> AsyncIterator[Server]:
    """Start an engine; all of its sessions have to be closed before it ends."""
    engine = Engine(product=PRODUCT, database="Sales", idle_seconds=idle_seconds, data_dir=data_dir)
    engine.logins.add("sa", PASSWORD, server_roles=frozenset({"sysadmin"}))
    engine.logins.add("guest", PASSWORD)
    try:
        yield Server(engine, TsqlBackend(engine))
    finally:
        engine.close()


@dataclass(frozen=True)
class SharedSessions:
    """A session for each of some users of one engine, for tests that are not coroutines."""

    engine: Engine
    _runner: asyncio.Runner
    _sessions: Mapping[str, TsqlSession]

    def answer(self, text: str, user: str = "sa") -> Answer:
        """Run a batch in the session of a user."""
        return self._runner.run(answer(self._sessions[user], text))

    def reset(self, user: str) -> None:
        """Return the session of a user to its state after the login, as for a pooled connection."""
        self._sessions[user].state.reset()


@contextmanager
def shared_sessions(*users: str) -> Iterator[SharedSessions]:
    """Start an engine and open a session for each user. Default: for ``sa``."""
    with asyncio.Runner() as runner:
        server = tsql_server()
        opened = runner.run(server.__aenter__())
        sessions: dict[str, TsqlSession] = {}
        try:
            for user in users or ("sa",):
                sessions[user] = runner.run(opened.session(user))
            yield SharedSessions(opened.engine, runner, sessions)
        finally:
            for session in sessions.values():
                runner.run(session.close())
            runner.run(server.__aexit__(None, None, None))


def answers(*texts: str) -> list[Answer]:
    """Run batches in one new session on a new engine."""

    async def run() -> list[Answer]:
        async with tsql_server() as server:
            session = await server.session()
            try:
                return [await answer(session, text) for text in texts]
            finally:
                await session.close()

    return asyncio.run(run())


def kept_answers(data_dir: Path, *texts: str, user: str = "sa", copy: Path | None = None) -> list[Answer]:
    """Start an engine with a data folder, run batches in one session, and stop the engine.

    :param copy: a folder that becomes a copy of the data folder before the stop, as after a crash. Default: none.
    """

    async def run() -> list[Answer]:
        async with tsql_server(data_dir=data_dir) as server:
            session = await server.session(user)
            try:
                return [await answer(session, text) for text in texts]
            finally:
                if copy is not None:
                    shutil.copytree(data_dir, copy)
                await session.close()

    return asyncio.run(run())


def run(text: str) -> Answer:
    """Run one batch in a new session on a new engine."""
    return answers(text)[0]
