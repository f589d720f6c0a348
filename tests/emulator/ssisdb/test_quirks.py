"""Known faults of a real catalog: avoided by default, repeated with quirks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, create, deploy, rows, run
from tests.support.ssis_projects import data_flow, make_ispac, package

PROJECT = make_ispac("Mart", packages=[package("Load.dtsx", data_flow("Copy"))])


@pytest.fixture(scope="module", params=[False, True], ids=["default", "quirks"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[SsisdbEmulator, bool]]:
    with SsisdbEmulator(quirks=request.param) as server:
        deploy(server, PROJECT)
        yield server, request.param


def test_a_second_override_of_one_path(server: tuple[SsisdbEmulator, bool]) -> None:
    emulator, quirks = server
    with closing(connect(emulator)) as connection:
        one, other = create(connection), create(connection)
        for execution_id, path, text in ((one, "a", "1"), (one, "b", "2"), (other, "a", "3"), (one, "A", "4")):
            connection.execute(
                "EXEC catalog.set_execution_property_override_value ?, ?, ?, 0", execution_id, path, text
            )
        found = rows(
            connection,
            "SELECT execution_id, property_path, property_value FROM catalog.execution_property_override_values"
            f" WHERE execution_id IN ({one}, {other}) ORDER BY property_id",
        )
    values = ["4", "4", "4"] if quirks else ["4", "2", "3"]
    assert found == [(one, "a", values[0]), (one, "b", values[1]), (other, "a", values[2])]


def test_the_phases_that_a_logreader_sees(server: tuple[SsisdbEmulator, bool]) -> None:
    emulator, quirks = server
    emulator.add_login("reader", "pass-word-1", database_roles=["ssis_logreader"])
    with closing(connect(emulator)) as connection, closing(connect(emulator, "reader", "pass-word-1")) as reader:
        execution_id = create(connection)
        rows(connection, f"EXEC catalog.set_execution_parameter_value {execution_id}, 50, N'LOGGING_LEVEL', 2")
        assert run(connection, execution_id) == 7
        query = f"SELECT count(*) FROM catalog.execution_component_phases WHERE execution_id = {execution_id}"
        [(all_rows,)] = rows(connection, query)
        [(seen,)] = rows(reader, query)
    assert all_rows == 8
    assert seen == (2 * all_rows if quirks else all_rows)


def test_the_operation_of_the_clean_up_of_versions(server: tuple[SsisdbEmulator, bool]) -> None:
    emulator, quirks = server
    with closing(connect(emulator)) as connection:
        connection.execute("EXEC internal.cleanup_server_project_version")
        [(kind,)] = rows(connection, "SELECT TOP 1 operation_type FROM catalog.operations ORDER BY operation_id DESC")
    assert kind == (2 if quirks else 3)
