"""The incumbent, unmodified, over pymssql: its operator and sensor on the embedded SSISDB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from SSIS_Operator.models.SqlQueryParameters import LoggingLevel, ParameterType, QueryParameters
from SSIS_Operator.operators.ssis_package_operator import SsisPackageOperator
from SSIS_Operator.sensors.ssis_package_sensor import PackageExecutionError, SsisPackageSensor

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.requests import VariableReference
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.executions import wait_for_end
from tests.support.running import parameters_of
from tests.support.task_runs import TaskInstanceRecord, TaskRun


@dataclass
class SharedTaskInstance(TaskInstanceRecord):
    """One for both tasks, so that the sensor finds the operator's XCom."""

    def xcom_pull(self, task_ids: str, key: str, map_indexes: int | None = None) -> Any:
        """The value that was pushed under the key."""
        return self.xcoms[key]


@pytest.fixture
def connection(ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a connection of Airflow's own type for SQL Server."""
    login = f"{quote(ssisdb.user, safe='')}:{quote(ssisdb.password, safe='')}"
    monkeypatch.setenv("AIRFLOW_CONN_MSSQL_SSIS", f"mssql://{login}@{ssisdb.host}:{ssisdb.port}/SSISDB")
    return "mssql_ssis"


def run(connection: str, **arguments: Any) -> SharedTaskInstance:
    given = {"folder": "Sales", "project": "Mart", "package": "Load.dtsx", **arguments}
    operator = SsisPackageOperator(task_id="run", conn_id=connection, database="SSISDB", **given)
    task_instance = SharedTaskInstance()
    TaskRun(operator, task_instance).execute()
    return task_instance


def wait(connection: str, task_instance: SharedTaskInstance) -> None:
    sensor = SsisPackageSensor(
        task_id="wait", conn_id=connection, database="SSISDB", xcom_task_id="run", poke_interval=0.1, timeout=30
    )
    TaskRun(sensor, task_instance).execute()


def test_its_operator_and_sensor_run_a_package(mart: Catalog, connection: str) -> None:
    task_instance = run(connection)
    wait(connection, task_instance)
    assert task_instance.xcoms["package_name"] == "Load.dtsx"
    # Its sensor takes pending for an end too, so the package may end a little later.
    execution = mart.execution(task_instance.xcoms["execution_id"])
    assert execution is not None
    assert execution.status in (OperationStatus.PENDING, OperationStatus.RUNNING, OperationStatus.SUCCEEDED)


def test_its_parameters_environment_and_logging_level_arrive(mart: Catalog, connection: str) -> None:
    mart.create_environment("Sales", "Test")
    mart.create_environment_variable("Sales", "Test", "From", "the environment")
    mart.create_environment_reference("Sales", "Mart", "Test")
    mart.set_object_parameter_value("Sales", "Mart", "Source", VariableReference("From"))
    task_instance = run(
        connection,
        environment="Test",
        logging_level=LoggingLevel.verbose,
        parameters=[QueryParameters("Title", "Nor'way", ParameterType.PACKAGE)],
    )
    values = parameters_of(mart, task_instance.xcoms["execution_id"])
    assert (values["Title"], values["Source"], values["LOGGING_LEVEL"]) == ("Nor'way", "the environment", 3)


def test_a_value_of_the_wrong_type_is_refused_as_sql_server_does(mart: Catalog, connection: str) -> None:
    with pytest.raises(Exception, match="27147"):
        run(connection, parameters=[QueryParameters("BatchSize", "500", ParameterType.PACKAGE)])


def test_its_sensor_sees_a_failure(mart: Catalog, connection: str, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    task_instance = run(connection)
    wait_for_end(mart, task_instance.xcoms["execution_id"])
    with pytest.raises(PackageExecutionError, match="ended abnormally"):
        wait(connection, task_instance)
