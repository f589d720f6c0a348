"""The life of a whole catalog: three folders, real projects, environments, three logins with different rights.

Each login does what it may, and the last part compares what each of them sees.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus, OperationType, PermissionType
from airflow_provider_ssis.catalog.errors import CatalogError, PermissionDenied
from airflow_provider_ssis.catalog.requests import ExecutionRequest
from airflow_provider_ssis.catalog.securables import Securable
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.project.build import build_ispac
from tests.support.mart import MART
from tests.support.places import INPUTS, needs_inputs
from tests.support.ssis_projects import make_ispac, package, task
from tests.support.waiting import wait_until

pytestmark = needs_inputs

PASSWORD = "3state-s3cret"
ETL, SAMPLE = "Daily ETL", "SampleSSISProject"
MAIN = "DailyETLMain.dtsx"
TAPPED = r"\Package\Load City Dimension\Extract Updated City Data to Staging"
PATH = "Paths[Integration_GetCityUpdates.OLE DB Source Output]"


@pytest.fixture
def clients(ssisdb_emulator: SsisdbEmulator) -> Iterator[dict[str, Catalog]]:
    """A client for each login: an administrator, one who develops, one who operates. All are made with T-SQL."""
    odbc = ssisdb_emulator.odbc_connection_string
    with ExitStack() as stack:

        def client(name: str, password: str) -> Catalog:
            text = odbc.replace(f"UID={ssisdb_emulator.user}", f"UID={name}").replace(
                f"PWD={ssisdb_emulator.password}", f"PWD={password}"
            )
            return stack.enter_context(Catalog(pyodbc.connect(text, autocommit=True)))

        with pyodbc.connect(odbc, autocommit=True) as connection:
            for name in ("chief", "developer", "operator"):
                connection.execute(f"CREATE LOGIN {name} WITH PASSWORD = N'{PASSWORD}'; CREATE USER {name};")
            connection.execute("ALTER ROLE ssis_admin ADD MEMBER chief")
        yield {name: client(name, PASSWORD) for name in ("chief", "developer", "operator")}


def seen(client: Catalog) -> dict[str, Any]:
    """What a login sees, by names."""
    return {
        "folders": {each.name for each in client.folders()},
        "projects": {each.name for each in client.projects()},
        "environments": {each.name for each in client.environments()},
        "executions": {each.package_name for each in client.executions()},
        "operations": {OperationType(each.operation_type) for each in client.operations()},
    }


def finished(client: Catalog, execution_id: int) -> OperationStatus:
    def status() -> OperationStatus | None:
        found = client.execution(execution_id)
        return found.status if found is not None and found.status.is_terminal else None

    wait_until(lambda: status() is not None)
    found = status()
    assert found is not None
    return found


@pytest.mark.slow
def test_an_estate_from_the_first_folder_to_the_clean_up(
    ssisdb_emulator: SsisdbEmulator, clients: dict[str, Catalog]
) -> None:
    chief, developer, operator = clients["chief"], clients["developer"], clients["operator"]

    # The administrator makes the folders, and says who may do what.
    for folder in ("Development", "Production", "Archive"):
        chief.create_folder(folder)
    rights = {
        ("developer", "Development"): (
            *(PermissionType.READ, PermissionType.CREATE_OBJECTS, PermissionType.READ_OBJECTS),
            *(PermissionType.MODIFY_OBJECTS, PermissionType.EXECUTE_OBJECTS),
        ),
        ("operator", "Production"): (
            *(PermissionType.READ, PermissionType.READ_OBJECTS, PermissionType.EXECUTE_OBJECTS),
        ),
    }
    for (login, folder), permissions in rights.items():
        for permission in permissions:
            chief.grant_permission(login, permission, Securable(folder))
    nothing: dict[str, Any] = {"projects": set(), "environments": set(), "executions": set(), "operations": set()}
    assert seen(developer) == {"folders": {"Development"}, **nothing}
    assert seen(operator) == {"folders": {"Production"}, **nothing}

    # The developer deploys, configures and runs in one folder, and can do nothing in another.
    developer.deploy_project("Development", ETL, build_ispac(INPUTS / "wide-world-importers"))
    developer.create_environment("Development", "Test")
    developer.create_environment_variable("Development", "Test", "Server", "dw-test")
    developer.create_environment_variable("Development", "Test", "Secret", "s3cret", sensitive=True)
    reference_id = developer.create_environment_reference("Development", ETL, "Test")
    name = "CM.WWI_DW_Destination_DB.{}"
    developer.bind_object_parameter("Development", ETL, name.format("ServerName"), "Server")
    developer.bind_object_parameter("Development", ETL, name.format("Password"), "Secret")
    values = {
        each.parameter_name: each
        for each in developer.parameter_values("Development", ETL, MAIN, reference_id=reference_id)
    }
    assert values[name.format("ServerName")].parameter_value == "dw-test"
    assert values[name.format("Password")].parameter_value is None
    validation_id = developer.validate_project("Development", ETL, reference_id=reference_id)
    wait_until(lambda: (found := developer.validation(validation_id)) is not None and found.status.is_terminal)
    validation = developer.validation(validation_id)
    assert validation is not None
    assert validation.status is OperationStatus.SUCCEEDED
    with pytest.raises(CatalogError):
        developer.deploy_project("Production", "Mart", MART)

    execution_id = developer.create_execution(
        ExecutionRequest(folder="Development", project=ETL, package=MAIN, environment="Test", logging_level="verbose")
    )
    developer.add_data_tap(execution_id, PATH, "cities.csv", task_path=TAPPED, max_rows=5)
    developer.start_execution(execution_id)
    assert finished(developer, execution_id) is OperationStatus.SUCCEEDED
    with (ssisdb_emulator._ssisdb.dumps.data / "cities.csv").open(encoding="utf-8") as file:
        assert 1 < len(list(csv.reader(file))) <= 6

    # A new version is deployed by mistake; the developer goes back to the one before.
    before = developer.project_versions("Development", ETL)[0].object_version_lsn
    developer.deploy_project("Development", ETL, make_ispac(ETL, packages=[package("Empty.dtsx", task("Nothing"))]))
    assert [each.name for each in developer.packages("Development", ETL)] == ["Empty.dtsx"]
    developer.restore_project("Development", ETL, before)
    assert [each.name for each in developer.packages("Development", ETL)] == [MAIN]

    # The administrator moves it to production. Its environment stays behind, so the reference is broken until then.
    chief.deploy_project("Production", SAMPLE, build_ispac(INPUTS / "ssis-build-sample", strip_sensitive=True))
    chief.move_project("Development", ETL, "Production")
    assert operator.project("Production", ETL) is not None
    assert developer.projects() == []
    with pytest.raises(CatalogError, match="Test"):
        operator.parameter_values("Production", ETL, MAIN, reference_id=reference_id)
    chief.move_environment("Development", "Test", "Production")
    operator_run = operator.create_execution(
        ExecutionRequest(folder="Production", project=ETL, package=MAIN, environment="Test")
    )
    operator.start_execution(operator_run)
    assert finished(operator, operator_run) is OperationStatus.SUCCEEDED
    with pytest.raises(PermissionDenied):
        operator.set_object_parameter_value("Production", ETL, name.format("ServerName"), "elsewhere")
    chief.deny_permission("operator", PermissionType.READ, Securable("Production", project=SAMPLE))

    # Packages are added to a project without the whole project.
    chief.deploy_project("Archive", "Mart", MART)
    chief.rename_folder("Archive", "History")
    chief.set_object_parameter_value("History", "Mart", "BatchSize", 7, package="Load.dtsx")
    assert {each.name for each in chief.packages("History", "Mart")} == {"Load.dtsx", "Strict.dtsx"}

    # What each login sees: its own folder and what is in it, and its own operations wherever they were.
    runs = OperationType.EXECUTION
    assert seen(chief) == {
        "folders": {"Development", "Production", "History"},
        "projects": {ETL, SAMPLE, "Mart"},
        "environments": {"Test"},
        "executions": {MAIN},
        "operations": {
            *(OperationType.DEPLOY_PROJECT, OperationType.RESTORE_PROJECT, OperationType.VALIDATE_PROJECT, runs),
        },
    }
    assert seen(developer) == {
        "folders": {"Development"},
        # Its creations are in a folder that it may not read now, so the client does not list them.
        "projects": set(),
        "environments": set(),
        "executions": {MAIN},
        "operations": {
            *(OperationType.DEPLOY_PROJECT, OperationType.RESTORE_PROJECT, OperationType.VALIDATE_PROJECT, runs),
        },
    }
    assert seen(operator) == {
        "folders": {"Production"},
        "projects": {ETL},
        "environments": {"Test"},
        "executions": {MAIN},
        "operations": {runs},
    }
    assert [each.execution_id for each in operator.executions()] == [operator_run]
    assert developer.execution(operator_run) is None
    assert len(list(chief.executions())) == 2

    # Clean-up: an administrator removes all of it.
    for folder in ("Development", "Production", "History"):
        for environment in chief.environments(folder):
            chief.delete_environment(folder, environment.name)
        for project in chief.projects(folder):
            chief.delete_project(folder, project.name)
        chief.delete_folder(folder)
    assert chief.folders() == []
    assert chief.projects() == []
    assert chief.environments() == []
    assert {each.package_name for each in chief.executions()} == {MAIN}
