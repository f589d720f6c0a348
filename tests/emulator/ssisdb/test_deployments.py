"""Deployments: of whole projects, and of single packages into a project."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Iterator
from contextlib import closing
from typing import NoReturn

import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.emulator.ssisdb import deployment
from airflow_provider_ssis.project.ispac import read_ispac
from tests.support.catalog_session import catalog_sessions
from tests.support.catalog_sql import connect, create, error_number, messages, rows, run, value
from tests.support.mart import MART
from tests.support.ssis_projects import connection as manager
from tests.support.ssis_projects import make_ispac, package, parameter, task
from tests.support.tsql_session import answer

PASSWORD = "d3ploy-s3cret"
INSERT = "INSERT INTO @p VALUES (N'{}', {});"
DEPLOY = (
    "DECLARE @p catalog.Package_Table_Type, @id bigint; {}"
    " EXEC catalog.deploy_packages N'{}', N'{}', @p, @id OUTPUT; SELECT @id"
)


@pytest.fixture
def admin(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(connect(ssisdb_emulator)) as connection:
        rows(connection, "EXEC catalog.create_folder N'Sales'; EXEC catalog.deploy_project N'Sales', N'Mart', ?", MART)
        yield connection


def dtsx(name: str, *, size: int = 500, kind: str = "Int32") -> bytes:
    """The content of a package with two parameters and a connection manager."""
    new = package(
        name,
        task("Only"),
        parameters=[parameter("BatchSize", kind, size), parameter("Title", "String", "none")],
        connection_managers=[manager("Orders"), manager("New", "Data Source=new;")],
    )
    with zipfile.ZipFile(io.BytesIO(make_ispac("Any", packages=[new]))) as archive:
        return archive.read(name)


def deploy(connection: pyodbc.Connection, packages: dict[str, bytes], project: str = "Mart") -> int:
    inserts = " ".join(INSERT.format(name, "0x" + data.hex()) for name, data in packages.items())
    return int(value(connection, DEPLOY.format(inserts, "Sales", project)))


def test_packages_are_added_and_replaced_as_a_new_version(admin: pyodbc.Connection) -> None:
    rows(admin, "EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'BatchSize', 9, N'Load.dtsx'")
    rows(admin, "EXEC catalog.set_object_parameter_value 20, N'Sales', N'Mart', N'Source', N'CRM'")
    first = value(admin, "SELECT object_version_lsn FROM catalog.projects")
    operation_id = deploy(admin, {"load.dtsx": dtsx("Load.dtsx"), "Extra.dtsx": dtsx("Extra.dtsx")})
    query = "SELECT operation_type, status, object_name FROM catalog.operations WHERE operation_id = ?"
    assert rows(admin, query, operation_id) == [(102, 7, "Mart")]
    assert value(admin, "SELECT object_version_lsn FROM catalog.projects") > first
    assert value(admin, "SELECT COUNT(*) FROM catalog.object_versions") == 2
    found = rows(admin, "SELECT name, entry_point FROM catalog.packages ORDER BY name")
    assert found == [("Extra.dtsx", True), ("load.dtsx", True), ("Strict.dtsx", True)]
    query = (
        "SELECT parameter_name, CAST(design_default_value AS nvarchar(40)), CAST(default_value AS nvarchar(10))"
        " FROM catalog.object_parameters WHERE object_name = 'Load.dtsx' ORDER BY parameter_name"
    )
    assert rows(admin, query) == [
        ("BatchSize", "500", "9"),
        ("CM.New.ConnectionString", "Data Source=new;", None),
        ("CM.Orders.ServerName", "orders-db", None),
        ("Title", "none", None),
    ]
    assert run(admin, create(admin, "Extra.dtsx")) == 7
    project = read_ispac(value(admin, "EXEC catalog.get_project N'Sales', N'Mart'"))
    assert {each.name for each in project.packages} == {"load.dtsx", "Extra.dtsx", "Strict.dtsx"}
    assert {each.name for each in project.parameters} >= {"Source", "CM.Warehouse.ServerName"}
    rows(admin, f"EXEC catalog.restore_project N'Sales', N'Mart', {first}")
    assert value(admin, "SELECT COUNT(*) FROM catalog.packages") == 2


def test_a_value_is_lost_when_the_type_of_its_parameter_changes(admin: pyodbc.Connection) -> None:
    rows(admin, "EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'BatchSize', 9, N'Load.dtsx'")
    deploy(admin, {"Load.dtsx": dtsx("Load.dtsx", kind="Int64")})
    query = "SELECT data_type, value_set FROM catalog.object_parameters WHERE parameter_name = 'BatchSize'"
    assert rows(admin, query) == [("Int64", False)]


def test_the_client_deploys_packages(ssisdb_emulator: SsisdbEmulator, admin: pyodbc.Connection) -> None:
    with Catalog(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as catalog:
        catalog.deploy_packages("Sales", "Mart", {"Extra.dtsx": dtsx("Extra.dtsx")})
    assert value(admin, "SELECT COUNT(*) FROM catalog.packages") == 3


@pytest.mark.parametrize(
    ("insert", "folder", "project", "number"),
    [
        ("", "Sales", "a<b", 27145),
        ("", "Nowhere", "Mart", 27104),
        ("", "Sales", "None", 27187),
        ("", "Sales", "Mart", 27231),
        (INSERT.format("Load.dtsx", "NULL"), "Sales", "Mart", 27231),
        (INSERT.format("Load.dtsx", "0x00"), "Sales", "Mart", 27231),
        (INSERT.format("Load", "0x00"), "Sales", "Mart", 27231),
        (INSERT.format("a/Load.dtsx", "0x00"), "Sales", "Mart", 27231),
    ],
)
def test_a_deployment_of_packages_is_refused(
    admin: pyodbc.Connection, insert: str, folder: str, project: str, number: int
) -> None:
    before = value(admin, "SELECT COUNT(*) FROM catalog.operations")
    assert error_number(admin, DEPLOY.format(insert, folder, project)) == number
    query = "SELECT TOP 1 operation_id, operation_type, status FROM catalog.operations ORDER BY operation_id DESC"
    operation_id, kind, status = rows(admin, query)[0]
    if number == 27231:
        assert (kind, status) == (102, 4)
        assert len(messages(admin, operation_id)) == 1
    else:
        assert value(admin, "SELECT COUNT(*) FROM catalog.operations") == before
    assert value(admin, "SELECT COUNT(*) FROM catalog.object_versions") == 1


def test_a_package_must_have_the_protection_level_of_its_project(admin: pyodbc.Connection) -> None:
    encrypted = dtsx("Load.dtsx").replace(b'DTS:ProtectionLevel="0"', b'DTS:ProtectionLevel="2"')
    with pytest.raises(pyodbc.Error, match="27231"):
        deploy(admin, {"Load.dtsx": encrypted})
    operation_id = value(admin, "SELECT MAX(operation_id) FROM catalog.operations")
    assert "EncryptSensitiveWithPassword" in messages(admin, operation_id)[0]


def test_a_refusal_after_the_folder_was_found_leaves_an_operation_that_failed(
    ssisdb_emulator: SsisdbEmulator, admin: pyodbc.Connection
) -> None:
    ssisdb_emulator.add_login("ann", PASSWORD)
    rows(
        admin,
        "DECLARE @f bigint = (SELECT folder_id FROM catalog.folders), @p int = USER_ID('ann');"
        " EXEC catalog.grant_permission 1, @f, @p, 1; EXEC catalog.grant_permission 1, @f, @p, 101",
    )
    with closing(connect(ssisdb_emulator, "ann", PASSWORD)) as user:
        assert error_number(user, "EXEC catalog.deploy_project N'Sales', N'Other', 0x00") == 27206
        assert error_number(user, "EXEC catalog.deploy_project N'Sales', N'Mart', 0x00") == 27109
        assert error_number(user, DEPLOY.format("", "Sales", "Mart")) == 27109
        assert error_number(user, "EXEC catalog.deploy_project N'Nowhere', N'Mart', 0x00") == 27104
        query = "SELECT operation_type, status, object_name FROM catalog.operations ORDER BY operation_id"
        assert rows(user, query) == [(101, 4, "Other"), (101, 4, "Mart"), (102, 4, "Mart")]


@pytest.mark.parametrize(
    ("deployment", "number", "kind"),
    [
        ("EXEC catalog.deploy_project N'Sales', N'Mart', 0x00", 27118, 101),
        (DEPLOY.format("", "Sales", "Mart"), 27230, 102),
    ],
)
def test_a_second_deployment_of_a_project_at_the_same_time_is_refused(
    ssisdb_emulator: SsisdbEmulator, admin: pyodbc.Connection, deployment: str, number: int, kind: int
) -> None:
    folder_id = value(admin, "SELECT folder_id FROM catalog.folders")
    with ssisdb_emulator._ssisdb.deploying(folder_id, "mart"):
        assert error_number(admin, deployment) == number
    query = "SELECT TOP 1 operation_type, status FROM catalog.operations ORDER BY operation_id DESC"
    assert rows(admin, query) == [(kind, 4)]
    deploy(admin, {"Extra.dtsx": dtsx("Extra.dtsx")})


def test_a_deployment_that_breaks_off_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*_: object) -> NoReturn:
        raise asyncio.CancelledError

    async def scenario() -> None:
        async with catalog_sessions() as served:
            folder = served.catalog.files.path(1).parent
            before = sorted(folder.iterdir())
            monkeypatch.setattr(deployment, "write", break_off)
            with pytest.raises(asyncio.CancelledError):
                await answer(served.second, f"EXEC catalog.deploy_project N'Sales', N'Mart', 0x{MART.hex()}")
            assert sorted(folder.iterdir()) == before

    asyncio.run(scenario())
