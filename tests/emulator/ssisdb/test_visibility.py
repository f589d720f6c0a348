"""Whose rows a login sees in the views: its own, unless it may see all."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytds
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.mart import MART

PASSWORD = "r3ader-s3cret"
RUN = """
DECLARE @id bigint;
EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id OUTPUT;
EXEC catalog.set_execution_parameter_value @id, 50, N'SYNCHRONIZED', 1;
EXEC catalog.start_execution @id;
"""
ALL = ("folders", "projects", "packages", "executions", "operations", "event_messages", "execution_parameter_values")


def counts(server: SsisdbEmulator, user: str, password: str) -> dict[str, bool]:
    """Which views have rows for a login."""
    with (
        closing(pytds.connect(server.host, port=server.port, user=user, password=password)) as connection,
        connection.cursor() as cursor,
    ):

        def has_rows(view: str) -> bool:
            cursor.execute(f"SELECT COUNT(*) FROM SSISDB.catalog.{view}")
            row: Any = cursor.fetchone()
            return bool(row[0])

        return {view: has_rows(view) for view in ALL}


@pytest.fixture
def server(ssisdb_emulator: SsisdbEmulator) -> SsisdbEmulator:
    """One with a project and an execution of its administrator."""
    server = ssisdb_emulator
    with (
        closing(
            pytds.connect(
                server.host,
                port=server.port,
                user=server.user,
                password=server.password,
                database="SSISDB",
                autocommit=True,
            )
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("EXEC catalog.create_folder N'Sales'")
        cursor.execute("EXEC catalog.deploy_project N'Sales', N'Mart', %s", (pytds.Binary(MART),))
        cursor.execute(RUN)
    return server


def test_each_login_sees_its_own_rows_after_the_same_query_of_another_login(server: SsisdbEmulator) -> None:
    server.add_login("stranger", PASSWORD)
    server.add_login("reader", PASSWORD, database_roles=["ssis_logreader"])
    server.add_login("admin", PASSWORD, database_roles=["ssis_admin"])
    everything = dict.fromkeys(ALL, True)
    for _ in range(2):
        assert counts(server, server.user, server.password) == everything
        assert counts(server, "stranger", PASSWORD) == dict.fromkeys(ALL, False)
        assert counts(server, "admin", PASSWORD) == everything
        assert counts(server, "reader", PASSWORD) == {**everything, "folders": False}


def test_the_views_without_a_filter_are_out_of_reach(server: SsisdbEmulator) -> None:
    with (
        closing(pytds.connect(server.host, port=server.port, user=server.user, password=server.password)) as connection,
        connection.cursor() as cursor,
        pytest.raises(pytds.Error, match="Invalid object name"),
    ):
        cursor.execute("SELECT * FROM SSISDB.[all rows].executions")
