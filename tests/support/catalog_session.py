"""The catalog in the process of a test, without a network: for clocks that are passed in, and for its own tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from airflow_provider_ssis.emulator.server import Edition
from airflow_provider_ssis.emulator.session import Login
from airflow_provider_ssis.emulator.ssisdb import Ssisdb, install
from airflow_provider_ssis.emulator.ssisdb.edition import product
from airflow_provider_ssis.emulator.tsql.backend import TsqlBackend
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.locks.application_locks import ApplicationLocks
from airflow_provider_ssis.emulator.tsql.execution.session import TsqlSession
from tests.support.mart import MART
from tests.support.tsql_session import answer


@dataclass
class Clock:
    """A clock that a test sets."""

    time: dt.datetime

    def __call__(self) -> dt.datetime:
        return self.time


@dataclass
class Served:
    """A catalog with the project Mart in the folder Sales.

    :param first: a session of the administrator.
    :param second: another one.
    """

    catalog: Ssisdb
    clock: Clock
    first: TsqlSession
    second: TsqlSession


@asynccontextmanager
async def catalog_sessions(locks: ApplicationLocks | None = None) -> AsyncIterator[Served]:
    """Install a catalog with two sessions.

    :param locks: its application locks. Default: those with the clock of the event loop.
    """
    clock = Clock(dt.datetime.now().astimezone())
    engine = Engine(product=product(Edition.AZURE), database="SSISDB", clock=clock)
    if locks is not None:
        engine.locks = locks
    catalog = install(engine, edition=Edition.AZURE)
    catalog.add_login("sa", "p", server_roles=["sysadmin"])
    backend = TsqlBackend(engine)
    login = Login("sa", "p", "SSISDB", "host", "tests", "tests")
    sessions = [await backend.login(login), await backend.login(login)]
    try:
        await answer(sessions[0], "EXEC catalog.create_folder N'Sales'")
        await answer(sessions[0], f"EXEC catalog.deploy_project N'Sales', N'Mart', 0x{MART.hex()}")
        yield Served(catalog, clock, *sessions)
    finally:
        for session in sessions:
            await session.close()
        await catalog.close()
        engine.close()
