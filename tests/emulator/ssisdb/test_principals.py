"""Logins, users and roles that T-SQL makes, and what they may do in the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import LoginKind, SsisdbEmulator
from tests.support.catalog_sql import connect, create, error_number, rows, value
from tests.support.mart import MART

PASSWORD = "t5ql-M4de!"
FOLDER, PROJECT, ENVIRONMENT, OPERATION = 1, 2, 3, 4
READ, MODIFY, EXECUTE, MANAGE = 1, 2, 3, 4
CREATE_OBJECTS, READ_OBJECTS, MODIFY_OBJECTS, EXECUTE_OBJECTS, MANAGE_OBJECTS = 100, 101, 102, 103, 104


@pytest.fixture
def admin(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(connect(ssisdb_emulator)) as connection:
        rows(connection, "EXEC catalog.create_folder N'Sales'; EXEC catalog.create_environment N'Sales', N'Prod'")
        rows(connection, "EXEC catalog.deploy_project N'Sales', N'Mart', ?", MART)
        yield connection


@pytest.fixture
def user(ssisdb_emulator: SsisdbEmulator, admin: pyodbc.Connection) -> Iterator[pyodbc.Connection]:
    """A login with a user, without any role."""
    make(admin, "ann")
    with closing(connect(ssisdb_emulator, "ann", PASSWORD)) as connection:
        yield connection


def make(admin: pyodbc.Connection, name: str) -> None:
    rows(admin, f"CREATE LOGIN {name} WITH PASSWORD = N'{PASSWORD}', CHECK_POLICY = OFF; CREATE USER {name}")


def permit(
    admin: pyodbc.Connection, verb: str, kind: int, permission: int, principal: str = "ann", name: str | None = None
) -> None:
    """Grant, deny or revoke a permission on the object of that kind."""
    table, column = {FOLDER: ("folders", "folder_id"), PROJECT: ("projects", "project_id")}.get(
        kind, ("environments", "environment_id")
    )
    rows(
        admin,
        f"DECLARE @object bigint = (SELECT {column} FROM catalog.{table}),"
        f" @principal int = DATABASE_PRINCIPAL_ID(N'{principal}');"
        f"EXEC catalog.{verb}_permission {kind}, @object, @principal, {permission}",
    )


def sees(connection: pyodbc.Connection, *views: str) -> list[int]:
    return [value(connection, f"SELECT COUNT(*) FROM catalog.{view}") for view in views]


# --- statements


def test_a_login_needs_a_user_to_use_the_catalog(ssisdb_emulator: SsisdbEmulator, admin: pyodbc.Connection) -> None:
    rows(admin, f"CREATE LOGIN [bob] WITH PASSWORD = '{PASSWORD}', DEFAULT_DATABASE = [master]")
    with pytest.raises(pyodbc.Error, match=r"4060|Cannot open database"):
        connect(ssisdb_emulator, "bob", PASSWORD)
    master = ssisdb_emulator.odbc_connection_string.replace("SSISDB", "master").replace("UID=sa", "UID=bob")
    with closing(pyodbc.connect(master.replace(ssisdb_emulator.password, PASSWORD), autocommit=True)) as connection:
        assert value(connection, "SELECT HAS_DBACCESS('SSISDB')") == 0
        assert error_number(connection, "USE SSISDB") == 916
        assert error_number(connection, "SELECT * FROM SSISDB.catalog.folders") == 916
        assert error_number(connection, "EXEC SSISDB.catalog.stop_operation 1") == 916
    rows(admin, "CREATE USER Robert FOR LOGIN bob WITH DEFAULT_SCHEMA = dbo")
    with closing(connect(ssisdb_emulator, "bob", PASSWORD)) as connection:
        query = "SELECT SUSER_SNAME(), USER_NAME(), IS_MEMBER('ssis_admin'), HAS_DBACCESS('SSISDB')"
        assert rows(connection, query) == [("bob", "Robert", 0, 1)]
        assert value(admin, "SELECT HAS_DBACCESS('SSISDB')") == 1


def test_principals_appear_in_the_system_views(admin: pyodbc.Connection) -> None:
    make(admin, "ann")
    rows(admin, "CREATE LOGIN [CORP\\etl] FROM WINDOWS; CREATE USER [CORP\\etl]; CREATE USER loose WITHOUT LOGIN")
    rows(
        admin, "CREATE ROLE operators; ALTER ROLE operators ADD MEMBER ann; ALTER ROLE ssis_admin ADD MEMBER operators"
    )
    rows(admin, "ALTER SERVER ROLE sysadmin ADD MEMBER [CORP\\etl]")
    query = (
        "SELECT USER_NAME(m.role_principal_id), p.name, p.type FROM sys.database_role_members m"
        " JOIN sys.database_principals p ON p.principal_id = m.member_principal_id ORDER BY 1, 2"
    )
    members = [("db_owner", "dbo", "S"), ("operators", "ann", "S"), ("ssis_admin", "operators", "R")]
    assert rows(admin, query) == members
    query = (
        "SELECT l.name, l.type FROM sys.server_role_members m JOIN sys.server_principals l"
        " ON l.principal_id = m.member_principal_id ORDER BY 1"
    )
    assert rows(admin, query) == [("CORP\\etl", "U"), ("sa", "S")]
    assert value(admin, "SELECT IS_ROLEMEMBER('ssis_admin', 'ann')") == 1
    assert rows(admin, "SELECT IS_MEMBER('nothing'), IS_MEMBER('ann'), IS_MEMBER('ssis_admin')") == [(None, None, 0)]
    query = "SELECT name, SUSER_SNAME(sid) FROM sys.database_principals WHERE name IN ('ann', 'loose') ORDER BY 1"
    assert rows(admin, query) == [("ann", "ann"), ("loose", None)]


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        (f"CREATE LOGIN ann WITH PASSWORD = '{PASSWORD}'", 15025),
        (f"CREATE LOGIN sysadmin WITH PASSWORD = '{PASSWORD}'", 15025),
        ("CREATE LOGIN etl FROM WINDOWS", 15407),
        ("CREATE USER zoe", 15007),
        ("CREATE USER ann", 15023),
        ("CREATE USER ssis_admin FOR LOGIN ann", 15023),
        ("CREATE USER second FOR LOGIN ann", 15063),
        ("CREATE ROLE ann", 15023),
        ("DROP LOGIN zoe", 15151),
        ("DROP LOGIN sa", 15434),
        ("DROP USER zoe", 15151),
        ("DROP USER dbo", 15150),
        ("DROP ROLE ssis_admin", 15150),
        ("DROP ROLE nothing", 15151),
        ("ALTER ROLE nothing ADD MEMBER ann", 15151),
        ("ALTER ROLE ann ADD MEMBER ssis_admin", 15151),
        ("ALTER ROLE ssis_admin ADD MEMBER zoe", 15151),
        ("ALTER ROLE ssis_admin ADD MEMBER dbo", 15405),
        ("ALTER ROLE ssis_admin ADD MEMBER ssis_admin", 15413),
        ("ALTER ROLE [public] ADD MEMBER ann", 15081),
        ("ALTER SERVER ROLE nothing ADD MEMBER ann", 15151),
        ("ALTER SERVER ROLE sysadmin ADD MEMBER zoe", 15151),
        ("BEGIN TRANSACTION; CREATE USER x WITHOUT LOGIN", 40514),
        (f"CREATE USER x WITH PASSWORD = '{PASSWORD}'", 40514),
    ],
)
def test_a_statement_is_refused_with_the_number_of_sql_server(
    admin: pyodbc.Connection, user: pyodbc.Connection, statement: str, number: int
) -> None:
    assert error_number(admin, statement) == number


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        (f"CREATE LOGIN x WITH PASSWORD = '{PASSWORD}'", 15247),
        ("CREATE USER x WITHOUT LOGIN", 15247),
        ("CREATE ROLE x", 15247),
        ("DROP LOGIN sa", 15151),
        ("DROP USER ann", 15151),
        ("ALTER ROLE ssis_admin ADD MEMBER ann", 15151),
        ("ALTER SERVER ROLE sysadmin ADD MEMBER ann", 15151),
    ],
)
def test_principals_are_changed_by_administrators_only(user: pyodbc.Connection, statement: str, number: int) -> None:
    assert error_number(user, statement) == number


def test_a_login_changes_its_password_and_is_disabled(
    ssisdb_emulator: SsisdbEmulator, admin: pyodbc.Connection
) -> None:
    make(admin, "ann")
    rows(admin, "ALTER LOGIN ann WITH PASSWORD = N'0ther-S3cret', CHECK_POLICY = OFF")
    with pytest.raises(pyodbc.Error, match=r"18456|Login failed"):
        connect(ssisdb_emulator, "ann", PASSWORD)
    rows(admin, "ALTER LOGIN [ann] DISABLE")
    assert value(admin, "SELECT is_disabled FROM sys.server_principals WHERE name = 'ann'") is True
    with pytest.raises(pyodbc.Error, match="disabled"):
        connect(ssisdb_emulator, "ann", "0ther-S3cret")
    rows(admin, "ALTER LOGIN ann ENABLE; ALTER LOGIN ann WITH DEFAULT_DATABASE = SSISDB")
    connect(ssisdb_emulator, "ann", "0ther-S3cret").close()
    rows(admin, "CREATE LOGIN [CORP\\etl] FROM WINDOWS")
    assert error_number(admin, "ALTER LOGIN [CORP\\etl] WITH PASSWORD = 'x'") == 15407
    assert error_number(admin, "ALTER LOGIN missing DISABLE") == 15151
    assert error_number(admin, "ALTER LOGIN ann WITH NAME = bob") == 40514


def test_other_databases_have_no_users_to_change(admin: pyodbc.Connection) -> None:
    rows(admin, "USE master")
    assert error_number(admin, "CREATE USER ann WITHOUT LOGIN") == 40514


def test_no_error_repeats_a_password(admin: pyodbc.Connection) -> None:
    make(admin, "ann")
    with pytest.raises(pyodbc.Error) as refused:
        admin.execute(f"CREATE LOGIN ann WITH PASSWORD = '{PASSWORD}'")
    assert PASSWORD not in str(refused.value)


def test_dropped_principals_no_longer_exist(ssisdb_emulator: SsisdbEmulator, admin: pyodbc.Connection) -> None:
    make(admin, "ann")
    rows(admin, "CREATE ROLE operators; ALTER ROLE operators ADD MEMBER ann")
    assert error_number(admin, "DROP ROLE operators") == 15144
    rows(admin, "DROP USER ann; DROP ROLE operators; DROP LOGIN ann; DROP USER IF EXISTS ann; DROP ROLE IF EXISTS x")
    assert value(admin, "SELECT COUNT(*) FROM sys.database_principals WHERE name IN ('ann', 'operators')") == 0
    with pytest.raises(pyodbc.Error, match=r"18456|Login failed"):
        connect(ssisdb_emulator, "ann", PASSWORD)


# --- roles of the catalog


@pytest.mark.parametrize(
    ("role", "folders", "projects", "executions"),
    [("ssis_admin", 1, 1, 1), ("ssis_logreader", 0, 1, 1), ("ssis_cluster_executor", 0, 0, 0)],
)
def test_a_role_takes_effect_with_the_next_request(
    admin: pyodbc.Connection, user: pyodbc.Connection, role: str, folders: int, projects: int, executions: int
) -> None:
    create(admin)
    views = ("folders", "projects", "executions")
    assert sees(user, *views) == [0, 0, 0]
    rows(admin, f"CREATE ROLE operators; ALTER ROLE {role} ADD MEMBER operators; ALTER ROLE operators ADD MEMBER ann")
    assert sees(user, *views) == [folders, projects, executions]
    rows(admin, "ALTER ROLE operators DROP MEMBER ann")
    assert sees(user, *views) == [0, 0, 0]


def test_the_older_procedures_change_members_too(admin: pyodbc.Connection, user: pyodbc.Connection) -> None:
    rows(admin, "EXEC sp_addrolemember N'ssis_admin', N'ann'")
    assert value(user, "SELECT IS_MEMBER('ssis_admin')") == 1
    rows(admin, "EXEC sp_droprolemember N'ssis_admin', N'ann'; EXEC sp_addsrvrolemember N'ann', N'sysadmin'")
    assert rows(user, "SELECT IS_MEMBER('ssis_admin'), IS_SRVROLEMEMBER('sysadmin'), USER_NAME()") == [(0, 1, "dbo")]
    rows(admin, "EXEC sp_dropsrvrolemember N'ann', N'sysadmin'")
    assert value(user, "SELECT USER_NAME()") == "ann"
    assert error_number(user, "EXEC sp_addrolemember N'ssis_admin', N'ann'") == 15151
    assert error_number(admin, "EXEC sp_addrolemember N'ssis_admin', NULL") == 15600


def test_a_user_who_owns_an_execution_cannot_be_dropped(admin: pyodbc.Connection, user: pyodbc.Connection) -> None:
    for permission in (READ, READ_OBJECTS, EXECUTE_OBJECTS):
        permit(admin, "grant", FOLDER, permission)
    execution_id = create(user)
    for permission in (READ, READ_OBJECTS, EXECUTE_OBJECTS):
        permit(admin, "revoke", FOLDER, permission)
    assert error_number(admin, "DROP USER ann") == 27226
    assert error_number(admin, "DROP USER IF EXISTS ann") == 27226
    query = "SELECT permission_type FROM catalog.explicit_object_permissions WHERE object_type = 4 AND object_id = ?"
    assert sorted(permission for (permission,) in rows(admin, query, execution_id)) == [READ, MODIFY, MANAGE]
    assert value(admin, "SELECT COUNT(*) FROM sys.database_principals WHERE name = 'ann'") == 1


# --- permissions


@pytest.mark.parametrize("verb", ["grant", "deny", "revoke"])
@pytest.mark.parametrize("principal", [999999, -1])
def test_a_principal_must_exist(admin: pyodbc.Connection, verb: str, principal: int) -> None:
    with pytest.raises(pyodbc.Error, match="principal_id"):
        admin.execute(f"EXEC catalog.{verb}_permission 1, 1, {principal}, 1")
    assert error_number(admin, f"EXEC catalog.{verb}_permission 1, 999999, {principal}, 1") == 27101
    assert error_number(admin, f"EXEC catalog.{verb}_permission 3, 1, {principal}, 3") == 27191


@pytest.mark.parametrize("principal", ["ann", "operators", "public"])
def test_permissions_of_a_folder_apply_to_its_content(
    admin: pyodbc.Connection, user: pyodbc.Connection, principal: str
) -> None:
    rows(admin, "CREATE ROLE operators; ALTER ROLE operators ADD MEMBER ann")
    views = ("folders", "projects", "packages", "environments", "object_parameters")
    assert sees(user, *views) == [0] * 5
    permit(admin, "grant", FOLDER, READ_OBJECTS, principal)
    assert sees(user, *views) == [0, 1, 2, 1, 13]
    permit(admin, "grant", FOLDER, READ, principal)
    assert sees(user, "folders") == [1]
    assert error_number(user, "EXEC catalog.delete_project N'Sales', N'Mart'") == 27109
    assert error_number(user, "EXEC catalog.create_environment N'Sales', N'Test'") == 27209
    permit(admin, "grant", FOLDER, EXECUTE_OBJECTS, principal)
    effective = rows(
        user, "SELECT object_type, permission_type FROM catalog.effective_object_permissions ORDER BY 1, 2"
    )
    # EXECUTE_OBJECTS is not a permission on environments.
    folder = [(FOLDER, READ), (FOLDER, READ_OBJECTS), (FOLDER, EXECUTE_OBJECTS)]
    assert effective == [*folder, (PROJECT, READ), (PROJECT, EXECUTE), (ENVIRONMENT, READ)]
    assert create(user) > 0


def test_a_denial_wins_over_every_grant(admin: pyodbc.Connection, user: pyodbc.Connection) -> None:
    rows(admin, "CREATE ROLE operators; ALTER ROLE operators ADD MEMBER ann")
    permit(admin, "grant", PROJECT, READ)
    permit(admin, "grant", FOLDER, READ_OBJECTS)
    permit(admin, "deny", PROJECT, READ, "operators")
    assert sees(user, "projects", "environments") == [0, 1]
    permit(admin, "revoke", PROJECT, READ, "operators")
    assert sees(user, "projects") == [1]
    permit(admin, "deny", PROJECT, READ)
    assert sees(user, "projects") == [0]
    permit(admin, "grant", PROJECT, READ)
    assert sees(user, "projects") == [1]


def test_a_denial_on_a_folder_is_not_inherited_as_a_grant(admin: pyodbc.Connection, user: pyodbc.Connection) -> None:
    permit(admin, "grant", FOLDER, READ_OBJECTS, "public")
    assert sees(user, "projects") == [1]
    permit(admin, "deny", FOLDER, READ_OBJECTS)
    assert sees(user, "projects") == [0]


def test_only_those_who_may_manage_permissions_grant_them(admin: pyodbc.Connection, user: pyodbc.Connection) -> None:
    permit(admin, "grant", FOLDER, READ_OBJECTS)
    project_id = value(admin, "SELECT project_id FROM catalog.projects")
    folder_id = value(admin, "SELECT folder_id FROM catalog.folders")
    # The folder itself is hidden from this user, so it is reported as missing.
    assert error_number(user, f"EXEC catalog.grant_permission 1, {folder_id}, 1, 1") == 27104
    grant = f"DECLARE @me int = USER_ID(); EXEC catalog.grant_permission 2, {project_id}, @me, 2"
    assert error_number(user, grant) == 27192
    permit(admin, "grant", FOLDER, MANAGE_OBJECTS)
    rows(user, grant)
    query = (
        "SELECT USER_NAME(principal_id), permission_type, is_deny, USER_NAME(grantor_id)"
        " FROM catalog.explicit_object_permissions WHERE object_type = 2 AND grantor_id > 1"
    )
    assert rows(user, query) == [("ann", MODIFY, False, "ann")]


def test_a_permission_that_was_granted_before_is_a_message(admin: pyodbc.Connection, user: pyodbc.Connection) -> None:
    permit(admin, "grant", FOLDER, READ)
    folder_id = value(admin, "SELECT folder_id FROM catalog.folders")
    cursor = admin.execute(
        f"DECLARE @p int = USER_ID('ann'); EXEC catalog.grant_permission 1, {folder_id}, @p, 1; SELECT 1"
    )
    found = list(cursor.messages or [])
    while cursor.nextset():
        found += cursor.messages or []
    assert ["27161" in kind for kind, _ in found] == [True]


def test_after_a_restart_permissions_belong_to_the_same_logins(tmp_path: Path) -> None:
    with SsisdbEmulator(data_dir=tmp_path) as server:
        server.add_login("ann", PASSWORD)
        with closing(connect(server)) as admin:
            rows(admin, "EXEC catalog.create_folder N'Sales'")
            permit(admin, "grant", FOLDER, READ)
    with SsisdbEmulator(data_dir=tmp_path) as server:
        for name, folders in (("bob", 0), ("ann", 1)):
            server.add_login(name, PASSWORD)
            with closing(connect(server, name, PASSWORD)) as connection:
                assert sees(connection, "folders") == [folders]


PRINCIPALS = (
    "SELECT name, sid, principal_id FROM sys.server_principals UNION ALL"
    " SELECT name, sid, principal_id FROM sys.database_principals ORDER BY 1, 3"
)


def test_a_restart_keeps_logins_users_and_roles(tmp_path: Path) -> None:
    with SsisdbEmulator(data_dir=tmp_path) as server:
        server.add_login("CORP\\etl", kind=LoginKind.WINDOWS, database_roles=["ssis_admin"])
        with closing(connect(server)) as admin:
            for statement in (
                f"CREATE LOGIN ann WITH PASSWORD = N'{PASSWORD}'",
                "CREATE USER annie FOR LOGIN ann",
                "CREATE ROLE loaders",
                "ALTER ROLE loaders ADD MEMBER annie",
                "EXEC catalog.create_folder N'Sales'",
                f"CREATE LOGIN bob WITH PASSWORD = N'{PASSWORD}'",
                "ALTER LOGIN bob DISABLE",
                f"CREATE LOGIN tom WITH PASSWORD = N'{PASSWORD}'",
                "DROP LOGIN tom",
                "ALTER LOGIN ann WITH PASSWORD = N'An0ther-one!'",
                "CREATE USER alone WITHOUT LOGIN",
            ):
                admin.execute(statement)
            permit(admin, "grant", FOLDER, READ, principal="loaders")
            principals = rows(admin, PRINCIPALS)
    stored = (tmp_path / "logins.json").read_text()
    assert PASSWORD not in stored
    assert (tmp_path / "logins.json").stat().st_mode & 0o077 == 0
    with SsisdbEmulator(data_dir=tmp_path) as server:
        with closing(connect(server)) as admin:
            assert rows(admin, PRINCIPALS) == principals
        with closing(connect(server, "ann", "An0ther-one!")) as connection:
            assert sees(connection, "folders") == [1]
        for name, password, number in (("ann", PASSWORD, 18456), ("tom", PASSWORD, 18456), ("bob", PASSWORD, 18470)):
            with pytest.raises(pyodbc.Error, match=str(number)):
                connect(server, name, password)
        server.reset()
    with SsisdbEmulator(data_dir=tmp_path) as server, pytest.raises(pyodbc.Error, match="18456"):
        connect(server, "ann", "An0ther-one!")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"last_id": 3, "logins": [{"name": "ann"}]}'])
def test_a_file_that_contains_no_logins_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "logins.json").write_text(content)
    with pytest.raises(OSError, match=r"does not contain the server's logins.*move it away") as caught:
        SsisdbEmulator(data_dir=tmp_path).start()
    assert caught.value.filename == str(tmp_path / "logins.json")
