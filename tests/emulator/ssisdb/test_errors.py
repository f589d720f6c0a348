"""Each procedure's errors, by their numbers: the first failing check decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytds
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.mart import MART

PREPARE = """
DECLARE @id bigint;
EXEC catalog.create_folder N'Sales';
EXEC catalog.create_folder N'Other';
EXEC catalog.create_environment N'Sales', N'Prod';
EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Region', N'Int32', 0, 7;
EXEC catalog.deploy_project N'Sales', N'Mart', %s;
EXEC catalog.create_environment_reference N'Sales', N'Mart', N'Prod', 'R', NULL, @id OUTPUT;
"""

CASES = [
    ("create_folder NULL", 27189),
    ("create_folder N''", 27199),
    ("create_folder N'a|b'", 27199),
    ("create_folder N' a'", 27199),
    ("create_folder N'@a'", 27199),
    ("create_folder N'sales'", 27190),
    ("delete_folder NULL", 27189),
    ("delete_folder N'Nowhere'", 27104),
    ("delete_folder N'Sales'", 27196),
    ("set_folder_description N'Nowhere', N'x'", 27104),
    ("deploy_project NULL, N'Mart', 0x00", 27138),
    ("deploy_project N'Sales', N'a<b', 0x00", 27145),
    ("deploy_project N'Nowhere', N'Mart', 0x00", 27104),
    ("deploy_project N'Sales', N'Mart', 0x00", 27203),
    ("get_project N'Sales', N'Nothing'", 27109),
    ("delete_project N'Sales', NULL", 27138),
    ("delete_project N'Other', N'Mart'", 27109),
    ("create_environment N'Sales', NULL", 27138),
    ("create_environment N'Sales', N'a\"b'", 27142),
    ("create_environment N'Nowhere', N'New'", 27104),
    ("create_environment N'Sales', N'PROD'", 27157),
    ("delete_environment N'Sales', N'Test'", 27182),
    ("create_environment_variable N'Sales', N'Prod', N'', N'Int32', 0, 1", 27180),
    ("create_environment_variable N'Sales', N'Prod', N'v', N'Object', 0, 1", 27159),
    ("create_environment_variable N'Sales', N'Test', N'v', N'Int32', 0, 1", 27182),
    ("create_environment_variable N'Sales', N'Prod', N'REGION', N'Int32', 0, 1", 27173),
    ("create_environment_variable N'Sales', N'Prod', N'v', N'Int32', 0, N'1'", 27147),
    ("create_environment_variable N'Sales', N'Prod', N'v', N'Int32', 0, NULL", 27138),
    ("delete_environment_variable N'Sales', N'Prod', N'v'", 27183),
    ("set_environment_variable_value N'Sales', N'Prod', N'Region', N'x'", 27147),
    ("create_environment_reference N'Sales', N'Mart', N'Prod', 'X', NULL, @id", 27101),
    ("create_environment_reference N'Sales', N'Mart', N'Prod', 'A', NULL, @id", 27138),
    ("create_environment_reference N'Sales', N'Mart', N'Prod', 'R', N'Sales', @id", 27101),
    ("create_environment_reference N'Sales', N'None', N'Prod', 'R', NULL, @id", 27109),
    ("create_environment_reference N'Sales', N'Mart', N'Test', 'R', NULL, @id", 27182),
    ("create_environment_reference N'Sales', N'Mart', N'Prod', 'R', NULL, @id", 27204),
    ("delete_environment_reference 999", 27114),
    ("set_object_parameter_value 40, N'Sales', N'Mart', N'Source', N'x'", 27101),
    ("set_object_parameter_value 20, N'Sales', N'None', N'Source', N'x'", 27109),
    ("set_object_parameter_value 20, N'Sales', N'Mart', N'source', N'x'", 27106),
    ("set_object_parameter_value 30, N'Sales', N'Mart', N'BatchSize', 1", 27106),
    ("set_object_parameter_value 30, N'Sales', N'Mart', N'BatchSize', N'x', N'Load.dtsx'", 27147),
    ("create_execution N'Sales', N'Mart', NULL, @execution_id = @id OUTPUT", 27138),
    ("create_execution N'Sales', N'Mart', N'None.dtsx', @execution_id = @id OUTPUT", 27146),
    ("create_execution N'Sales', N'Mart', N'Load.dtsx', 999, @execution_id = @id OUTPUT", 27208),
    ("set_execution_parameter_value 1, 30, N'x', NULL", 27138),
    ("set_execution_parameter_value 1, 10, N'x', 1", 27101),
    ("set_execution_parameter_value 0, 30, N'x', 1", 27101),
    ("set_execution_parameter_value 999999, 30, N'x', 1", 27103),
    ("set_execution_property_override_value 999999, N'p', N'v', 0", 27103),
    ("start_execution NULL", 27138),
    ("start_execution 0", 27101),
    ("start_execution 1, -1", 27101),
    ("start_execution 999999", 27103),
    ("stop_operation NULL", 27100),
    ("stop_operation 999999", 27124),
    ("grant_permission 9, 1, 1, 1", 27101),
    ("grant_permission 1, 1, 1, 99", 27101),
    ("grant_permission 3, 1, 1, 3", 27191),
    ("grant_permission 2, 999999, 1, 1", 27109),
]

OF_AN_EXECUTION = [
    ("set_execution_parameter_value @id, 30, N'batchsize', 1", 27176),
    ("set_execution_parameter_value @id, 30, N'BatchSize', N'1'", 27147),
    ("set_execution_parameter_value @id, 50, N'LOGGING_LEVEL', 9", 27217),
    ("set_execution_property_override_value @id, N'p', N'v', NULL", 515),
    ("start_execution @id; EXEC catalog.start_execution @id", 27121),
    ("start_execution @id; EXEC catalog.set_execution_parameter_value @id, 30, N'BatchSize', 1", 27224),
    ("start_execution @id; EXEC catalog.set_execution_property_override_value @id, N'p', N'v', 0", 27225),
    ("stop_operation @id", 27124),
]


@pytest.fixture(scope="module")
def prepared(ssisdb_emulator_server: SsisdbEmulator) -> SsisdbEmulator:
    ssisdb_emulator_server.reset()
    with closing(connect(ssisdb_emulator_server)) as connection:
        run(connection, PREPARE, pytds.Binary(MART))
    return ssisdb_emulator_server


@pytest.fixture
def connection(prepared: SsisdbEmulator) -> Iterator[pytds.Connection]:
    with closing(connect(prepared)) as connection:
        yield connection


def connect(server: SsisdbEmulator, **login: str) -> pytds.Connection:
    given = {"user": server.user, "password": server.password, **login}
    return pytds.connect(dsn=server.host, port=server.port, database="SSISDB", autocommit=True, **given)


def run(connection: pytds.Connection, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a batch to its end; returns the rows of its last result set."""
    cursor = connection.cursor()
    cursor.execute(text, parameters or None)
    rows: list[tuple[Any, ...]] = []
    while True:
        if cursor.description:
            rows = cursor.fetchall()
        if not cursor.nextset():
            return rows


@pytest.mark.parametrize(("call", "number"), CASES, ids=[call for call, _ in CASES])
def test_a_call_is_refused_with_its_number(connection: pytds.Connection, call: str, number: int) -> None:
    with pytest.raises(pytds.Error) as refused:
        run(connection, f"DECLARE @id bigint; EXEC catalog.{call}")
    assert refused.value.number == number
    assert refused.value.procname == call.split()[0]


@pytest.mark.parametrize(("call", "number"), OF_AN_EXECUTION, ids=[call for call, _ in OF_AN_EXECUTION])
def test_a_call_on_an_execution_is_refused_with_its_number(
    connection: pytds.Connection, call: str, number: int
) -> None:
    create = (
        "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id OUTPUT"
    )
    with pytest.raises(pytds.Error) as refused:
        run(connection, f"{create}; EXEC catalog.{call}")
    assert refused.value.number == number


def test_a_required_parameter_without_a_value_stops_the_start(connection: pytds.Connection) -> None:
    names = "N'Sales', N'Mart', N'Strict.dtsx'"
    create = f"DECLARE @id bigint; EXEC catalog.create_execution {names}, @execution_id = @id OUTPUT"
    with pytest.raises(pytds.Error) as refused:
        run(connection, f"{create}; EXEC catalog.start_execution @id")
    assert refused.value.number == 27184


def test_a_failed_creation_leaves_its_operation_with_status_4(connection: pytds.Connection) -> None:
    with pytest.raises(pytds.Error):
        run(
            connection,
            "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'No', @execution_id = @id OUTPUT",
        )
    row = run(connection, "SELECT TOP 1 status, object_name FROM catalog.operations ORDER BY operation_id DESC")
    assert row == [(4, "Mart")]


def test_a_failed_deployment_says_why_in_the_operations_messages(connection: pytds.Connection) -> None:
    with pytest.raises(pytds.Error, match=r"27203|catalog\.operation_messages"):
        run(connection, "EXEC catalog.deploy_project N'Sales', N'Else', %s", pytds.Binary(MART))
    rows = run(connection, "SELECT TOP 1 message FROM catalog.operation_messages ORDER BY operation_message_id DESC")
    assert "Deploy it as 'Mart'." in rows[0][0]
