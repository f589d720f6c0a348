"""An embedded SSISDB that executes packages with the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import ExecutionResult, MessageType, OperationStatus
from airflow_provider_ssis.catalog.requests import ExecutionRequest
from airflow_provider_ssis.emulator.server import ExecuteSettings, SsisdbEmulator
from airflow_provider_ssis.engine.process.parent import CHILD
from airflow_provider_ssis.hooks.connection_fields import read_fields
from airflow_provider_ssis.hooks.connector import StandaloneConnector
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.executions import start, wait_for_end, wait_for_status
from tests.support.small_packages import TURNS, small_project_bytes
from tests.support.waiting import wait_until

pytestmark = pytest.mark.processes


@pytest.fixture
def small(ssisdb: SsisdbEmulator, catalog: Catalog) -> Iterator[Catalog]:
    """The project Small on a server that executes packages."""
    ssisdb.execute_packages(ExecuteSettings())
    catalog.create_folder("Sales")
    catalog.deploy_project("Sales", "Small", small_project_bytes())
    yield catalog
    ssisdb.execute_packages(None)


def request(package: str, **values: object) -> ExecutionRequest:
    return ExecutionRequest(folder="Sales", project="Small", package=f"{package}.dtsx", **values)  # type: ignore[arg-type]


def test_a_package_is_executed(small: Catalog) -> None:
    execution_id = start(small, request("Count"))
    assert wait_for_end(small, execution_id) is OperationStatus.SUCCEEDED
    statistics = small.executable_statistics(execution_id)
    turns = [row.execution_path for row in statistics if (row.execution_path or "").endswith("\\Turn")]
    assert turns == [f"\\Package\\Loop[{number}]\\Turn" for number in range(1, TURNS + 1)]
    assert {row.execution_result for row in statistics} == {ExecutionResult.SUCCESS}
    assert {row.executable_name for row in small.executables(execution_id)} == {"Count", "Loop", "Turn"}


def test_each_run_says_whether_it_was_executed_or_simulated(ssisdb: SsisdbEmulator, small: Catalog) -> None:
    for settings, text in ((ExecuteSettings(), "executed this package"), (None, "simulates this package")):
        ssisdb.execute_packages(settings)
        execution_id = start(small, request("Count"))
        wait_for_end(small, execution_id)
        assert text in next(iter(small.operation_messages(execution_id))).message


def test_a_package_that_fails_has_its_errors_in_the_catalog(small: Catalog) -> None:
    execution_id = start(small, request("Fail"))
    assert wait_for_end(small, execution_id) is OperationStatus.FAILED
    errors = small.event_messages(execution_id, message_types=[MessageType.ERROR])
    assert [error.package_path for error in errors] == ["\\Package\\Broken"]
    assert errors[0].message_code


def test_a_running_package_is_stopped(small: Catalog) -> None:
    execution_id = start(small, request("Endless"))
    wait_for_status(small, execution_id, OperationStatus.RUNNING)
    small.stop_operation(execution_id)
    assert wait_for_end(small, execution_id) is OperationStatus.CANCELED


def test_the_engine_gets_the_values_of_the_execution(small: Catalog) -> None:
    project = ProjectBuilder("Values")
    project.add_parameter("Zero", 1)
    package = project.add_package("Divide")
    package.add_parameter("Secret", sensitive=True)
    package.add_for_loop("Loop", "1 / @[$Project::Zero] == 2 || LEN(@[$Package::Secret]) == 3")
    small.deploy_project("Sales", "Values", project.to_ispac())
    wanted = ExecutionRequest(
        folder="Sales",
        project="Values",
        package="Divide.dtsx",
        parameters={"Secret": "long secret"},
        project_parameters={"Zero": 0},
    )
    execution_id = start(small, wanted)
    assert wait_for_end(small, execution_id) is OperationStatus.FAILED
    assert not any("long secret" in row.message for row in small.operation_messages(execution_id))


def test_a_connection_manager_can_use_a_database_of_the_server_itself(ssisdb: SsisdbEmulator, small: Catalog) -> None:
    project = ProjectBuilder("Own")
    package = project.add_package("Write")
    shop = package.connection_managers.add_oledb("Shop", "Data Source=no.such.server;Provider=MSOLEDBSQL.1;")
    package.add_execute_sql("Insert", shop, "INSERT INTO dbo.Done VALUES (7)")
    small.deploy_project("Sales", "Own", project.to_ispac())
    with closing(pyodbc.connect(ssisdb.odbc(), autocommit=True)) as connection:
        for statement in ("CREATE DATABASE Shop", "USE Shop", "CREATE TABLE dbo.Done (Number int NOT NULL)"):
            connection.execute(statement)
        ssisdb.execute_packages(ExecuteSettings(connections={"Shop": "embedded:Shop"}))
        execution_id = start(small, ExecutionRequest(folder="Sales", project="Own", package="Write.dtsx"))
        assert wait_for_end(small, execution_id) is OperationStatus.SUCCEEDED
        assert connection.execute("SELECT Number FROM dbo.Done").fetchval() == 7


def test_data_taps_have_the_rows_that_passed(ssisdb: SsisdbEmulator, small: Catalog, tmp_path: Path) -> None:
    project = ProjectBuilder("Tapped")
    package = project.add_package("Load")
    columns = [FlatFileColumn("Id", "DT_I4"), FlatFileColumn("Name", "DT_WSTR", length=10)]
    flow = package.add_data_flow("Copy")
    rows = package.connection_managers.add_flat_file("Rows", r"C:\data\rows.csv", columns)
    source = flow.add_flat_file_source("Read", rows)
    target = package.connection_managers.add_flat_file("Copy", r"C:\data\copy.csv", columns)
    flow.add_flat_file_destination("Write", source.output, target)
    (tmp_path / "rows.csv").write_bytes(b"Id,Name\r\n1,Ann\r\n2,Bob\r\n")
    small.deploy_project("Sales", "Tapped", project.to_ispac())
    ssisdb.execute_packages(ExecuteSettings(path_map={"C:\\data": str(tmp_path)}))
    execution_id = small.create_execution(ExecutionRequest(folder="Sales", project="Tapped", package="Load.dtsx"))
    path_id = "Paths[Read.Flat File Source Output]"
    small.add_data_tap(execution_id, path_id, "executed.csv", task_path="\\Package\\Copy", max_rows=1)
    small.start_execution(execution_id)
    assert wait_for_end(small, execution_id) is OperationStatus.SUCCEEDED
    assert (tmp_path / "copy.csv").read_bytes() == (tmp_path / "rows.csv").read_bytes()
    [file] = ssisdb.data_taps_folder.glob("executed*.csv")
    assert file.read_text("utf-8").splitlines() == ["Id,Name", "1,Ann"]
    assert any(str(file) in row.message for row in small.operation_messages(execution_id))


def test_reset_returns_to_simulated_runs(ssisdb: SsisdbEmulator, small: Catalog) -> None:
    ssisdb.reset()
    small.create_folder("Sales")
    small.deploy_project("Sales", "Small", small_project_bytes())
    execution_id = start(small, request("Count"))
    wait_for_end(small, execution_id)
    assert not any("executed this package" in row.message for row in small.operation_messages(execution_id))


def test_the_end_of_the_server_ends_the_processes_of_its_runs(ssisdb: SsisdbEmulator, small: Catalog) -> None:
    with SsisdbEmulator(execute=True) as server:
        connector = StandaloneConnector(read_fields(server.airflow_uri, conn_id="executing"))
        catalog = connector.open_catalog()
        catalog.create_folder("Sales")
        catalog.deploy_project("Sales", "Small", small_project_bytes())
        wait_for_status(catalog, start(catalog, request("Endless")), OperationStatus.RUNNING)
        wait_until(lambda: len(engine_processes()) == 1, "the engine's process has started")
    assert engine_processes() == []


def engine_processes() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if CHILD in each.cmdline()]


def test_scripts_apply_to_executed_packages_too(ssisdb: SsisdbEmulator, small: Catalog) -> None:
    ssisdb.scripts.fail(executable="Turn", message="Broken on purpose.", times=1)
    failed = start(small, request("Count"))
    assert wait_for_end(small, failed) is OperationStatus.FAILED
    errors = small.event_messages(failed, message_types=[MessageType.ERROR])
    assert [error.message for error in errors] == ["Turn:Error: Broken on purpose."]
    ssisdb.scripts.crash(executable="Turn", times=1)
    assert wait_for_end(small, start(small, request("Count"))) is OperationStatus.ENDED_UNEXPECTEDLY
    assert wait_for_end(small, start(small, request("Count"))) is OperationStatus.SUCCEEDED
