"""GRANT, DENY, REVOKE and roles in clients' databases."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.tsql_session import Answer, kept_answers, shared_sessions

SETUP = (
    "CREATE DATABASE Shop; USE Shop; CREATE USER etl FOR LOGIN guest; CREATE ROLE loaders",
    "CREATE SCHEMA stg",
    "CREATE TABLE t (a int); INSERT t VALUES (1); CREATE TABLE secret (a int); CREATE TABLE stg.s (a int); CREATE TABLE stg.empty (a int); CREATE SYNONYM sy FOR t; CREATE SEQUENCE q START WITH 1",
    "CREATE VIEW v AS SELECT a FROM secret",
    "CREATE PROC p AS INSERT secret VALUES (7); SELECT COUNT(*) FROM secret",
    "CREATE FUNCTION one (@a int) RETURNS int AS BEGIN RETURN @a END",
    "CREATE PROC mk AS CREATE TABLE stg.made (a int)",
    "CREATE PROC dyn AS EXEC ('SELECT * FROM secret')",
    "CREATE FUNCTION f (@a int) RETURNS int AS BEGIN DECLARE @n int; SELECT @n = COUNT(*) FROM secret WHERE a = @a; RETURN @n END",
)

RESET = "the owner, without permissions of others"

CASES: dict[str, tuple[str, str, list[int]]] = {
    "nothing is granted": ("SELECT 1", "SELECT * FROM t", [229]),
    "SELECT on a table": ("GRANT SELECT ON dbo.t TO etl", "SELECT * FROM t", []),
    "SELECT does not include INSERT": ("GRANT SELECT ON dbo.t TO etl", "INSERT t VALUES (1)", [229]),
    "SELECT on OBJECT::": (
        "GRANT SELECT, INSERT ON OBJECT::dbo.t TO [etl] WITH GRANT OPTION",
        "INSERT t SELECT a FROM t",
        [],
    ),
    "through a role": (
        "GRANT UPDATE, SELECT ON t TO loaders; ALTER ROLE loaders ADD MEMBER etl",
        "UPDATE t SET a = a",
        [],
    ),
    "to public": ("GRANT SELECT ON t TO public", "SELECT * FROM t", []),
    "DENY is stronger than a role": (
        "GRANT SELECT ON t TO loaders; ALTER ROLE loaders ADD MEMBER etl; DENY SELECT ON t TO etl",
        "SELECT * FROM t",
        [229],
    ),
    "DENY is stronger than db_datareader": (
        "ALTER ROLE db_datareader ADD MEMBER etl; DENY SELECT ON t TO loaders; ALTER ROLE loaders ADD MEMBER etl",
        "SELECT * FROM t",
        [229],
    ),
    "db_denydatareader": (
        "ALTER ROLE db_denydatareader ADD MEMBER etl; GRANT SELECT ON t TO etl",
        "SELECT * FROM t",
        [229],
    ),
    "GRANT replaces DENY": ("DENY SELECT ON t TO etl; GRANT SELECT ON t TO etl", "SELECT * FROM t", []),
    "REVOKE removes DENY and GRANT": (
        "GRANT SELECT ON t TO etl; REVOKE SELECT ON t FROM etl CASCADE",
        "SELECT * FROM t",
        [229],
    ),
    "on a schema": (
        "GRANT SELECT, INSERT, DELETE ON SCHEMA::stg TO etl",
        "INSERT stg.s VALUES (1); SELECT * FROM stg.s; DELETE stg.s WHERE a = 1",
        [],
    ),
    "a schema is no other schema": ("GRANT SELECT ON SCHEMA::stg TO etl", "SELECT * FROM t", [229]),
    "CONTROL of a schema": ("GRANT CONTROL ON SCHEMA::stg TO etl", "TRUNCATE TABLE stg.s", []),
    "on the database": ("GRANT SELECT, EXECUTE TO etl", "SELECT * FROM secret; EXEC p", []),
    "TRUNCATE needs ALTER": ("GRANT DELETE ON SCHEMA::stg TO etl", "TRUNCATE TABLE stg.s", [262]),
    "CREATE TABLE needs a schema": ("GRANT CREATE TABLE TO etl", "CREATE TABLE stg.x (a int)", [262]),
    "CREATE TABLE in a schema": (
        "GRANT CREATE TABLE TO etl; GRANT ALTER ON SCHEMA::stg TO etl",
        "CREATE TABLE stg.x (a int); DROP TABLE stg.x",
        [],
    ),
    "a view reads for its readers": ("GRANT SELECT ON v TO etl", "SELECT * FROM v", []),
    "and they do not read its table": ("GRANT SELECT ON v TO etl", "SELECT * FROM secret", [229]),
    "a procedure writes for its callers": ("GRANT EXEC ON p TO etl", "EXEC p", []),
    "EXECUTE is needed": ("GRANT SELECT ON t TO etl", "EXEC p", [229]),
    "dynamic SQL has the rights of the caller": ("GRANT EXECUTE ON dyn TO etl", "EXEC dyn", [229]),
    "a function reads for its callers": ("GRANT EXECUTE ON f TO etl", "SELECT dbo.f(7)", []),
    "UPDATE on a sequence": ("GRANT UPDATE ON q TO etl", "SELECT NEXT VALUE FOR q", []),
    "an inline function needs EXECUTE": ("GRANT SELECT ON t TO etl", "SELECT dbo.one(7)", [229]),
    "a DEFAULT uses a sequence for its writers": (
        "CREATE TABLE numbered (n int DEFAULT NEXT VALUE FOR q, b int); GRANT INSERT ON numbered TO etl",
        "INSERT numbered (b) VALUES (1); INSERT numbered VALUES (DEFAULT, 2)",
        [],
    ),
    "a sequence needs UPDATE": ("GRANT SELECT ON t TO etl", "SELECT NEXT VALUE FOR q", [229]),
    "DELETE without WHERE reads nothing": (
        "GRANT DELETE, UPDATE ON SCHEMA::stg TO etl",
        "UPDATE stg.s SET a = 5; DELETE FROM stg.s; DELETE TOP (5) stg.s",
        [],
    ),
    "DELETE with WHERE reads": ("GRANT DELETE ON SCHEMA::stg TO etl", "DELETE FROM stg.s WHERE a = 1", [229]),
    "UPDATE of a column by itself reads": ("GRANT UPDATE ON SCHEMA::stg TO etl", "UPDATE stg.s SET a = a + 1", [229]),
    "a query in UPDATE reads": (
        "GRANT UPDATE ON SCHEMA::stg TO etl",
        "UPDATE stg.s SET a = (SELECT COUNT(*) FROM stg.s)",
        [229],
    ),
    "DENY CREATE TABLE is stronger than db_ddladmin": (
        "ALTER ROLE db_ddladmin ADD MEMBER etl; DENY CREATE TABLE TO etl",
        "CREATE TABLE made (a int)",
        [262],
    ),
    "db_ddladmin creates tables": (
        "ALTER ROLE db_ddladmin ADD MEMBER etl",
        "CREATE TABLE stg.x (a int); DROP TABLE stg.x",
        [],
    ),
    "ALTER on the database creates tables": (
        "GRANT ALTER TO etl",
        "CREATE TABLE stg.x (a int); DROP TABLE stg.x",
        [],
    ),
    "CREATE TABLE in a procedure needs the right": (
        "GRANT EXECUTE ON mk TO etl; GRANT ALTER ON SCHEMA::stg TO etl",
        "EXEC mk",
        [262],
    ),
    "ALTER on a table": (
        "GRANT ALTER ON stg.s TO etl; GRANT ALTER ON stg.empty TO etl",
        "ALTER TABLE stg.s SWITCH TO stg.empty; ALTER TABLE stg.empty SWITCH TO stg.s; CREATE STATISTICS st ON stg.s (a); DROP STATISTICS stg.s.st; ALTER INDEX ALL ON stg.s REBUILD",
        [],
    ),
    "a renamed table keeps its permissions": (
        "ALTER ROLE db_datareader ADD MEMBER etl; CREATE TABLE old (a int); DENY SELECT ON old TO etl; EXEC sp_rename 'old', 'new'",
        "SELECT * FROM new",
        [229],
    ),
    "DROP USER IF EXISTS of a role changes nothing": (
        "GRANT SELECT ON t TO loaders; ALTER ROLE loaders ADD MEMBER etl; DROP USER IF EXISTS loaders",
        "SELECT * FROM t",
        [],
    ),
    "DENY is stronger than db_owner": (
        "ALTER ROLE db_owner ADD MEMBER etl; DENY SELECT ON t TO etl",
        "IF HAS_PERMS_BY_NAME('t', 'OBJECT', 'SELECT') = 0 AND HAS_PERMS_BY_NAME('t', 'OBJECT', 'REFERENCES') = 1 SELECT * FROM t",
        [229],
    ),
    "a new table of the name has no permissions": (
        "CREATE TABLE n (a int); GRANT SELECT ON n TO etl; DROP TABLE n; CREATE TABLE n (a int)",
        "SELECT * FROM n",
        [229],
    ),
}

ERRORS = {
    "GRANT SELECT ON nowhere TO etl": 15151,
    "GRANT SELECT ON SCHEMA::nowhere TO etl": 15151,
    "GRANT SELECT ON t TO missing": 15151,
    "GRANT SELECT ON t TO dbo": 4624,
    "GRANT SELECT ON t TO db_datareader": 4617,
    "GRANT CREATE TABLE ON t TO etl": 4606,
    "GRANT SELECT (a) ON t TO etl": 40514,
    "GRANT IMPERSONATE ON USER::etl TO loaders": 40514,
    "DENY SELECT ON sy TO etl": 40514,
    "DENY CONNECT TO etl": 40514,
    "DENY VIEW DEFINITION ON t TO etl": 40514,
    "DENY REFERENCES TO loaders": 40514,
    "CREATE ROLE loaders": 15023,
    "CREATE ROLE etl": 15023,
    "ALTER ROLE loaders ADD MEMBER loaders": 15413,
    "ALTER ROLE loaders ADD MEMBER etl; DROP ROLE loaders": 15144,
    "DROP ROLE nowhere": 15151,
    "DROP ROLE db_owner": 15150,
    "USE Sales; GRANT SELECT ON t TO etl": 40514,
    "BEGIN TRAN; GRANT SELECT ON t TO etl": 40514,
}

Both = Callable[[str, str], Answer]


@pytest.fixture(scope="module")
def run() -> Iterator[Both]:
    """Runs a batch as the owner or as the user, on one server for all tests."""
    with shared_sessions("sa", "guest") as sessions:

        def found(user: str, text: str) -> Answer:
            if user == RESET:
                shop = sessions.engine.databases.get("Shop")
                assert shop is not None
                shop.permissions.clear()
                shop.members["etl"].roles.clear()
                user = "sa"
            return sessions.answer(text, user)

        for text in SETUP:
            assert found("sa", text).errors == []
        found("guest", "USE Shop")
        yield found


@pytest.mark.parametrize("name", CASES)
def test_rights(run: Both, name: str) -> None:
    granted, text, numbers = CASES[name]
    run(RESET, "USE Shop")
    assert run("sa", granted).errors == []
    assert run("guest", text).numbers == numbers


@pytest.mark.parametrize("text", ERRORS)
def test_errors(run: Both, text: str) -> None:
    run(RESET, "USE Shop")
    found = run("sa", text)
    run("sa", "IF @@TRANCOUNT > 0 ROLLBACK; USE Shop; ALTER ROLE loaders DROP MEMBER etl")
    assert found.numbers[:1] == [ERRORS[text]], found.errors


def test_a_user_that_is_not_the_owner_grants_nothing(run: Both) -> None:
    assert run("guest", "GRANT SELECT ON t TO etl").numbers == [15247]


def test_what_scripts_ask(run: Both) -> None:
    run(RESET, "USE Shop")
    run(
        "sa",
        "GRANT SELECT ON t TO etl; DENY INSERT ON SCHEMA::stg TO loaders; GRANT EXECUTE TO etl; ALTER ROLE loaders ADD MEMBER etl",
    )
    asked = "SELECT HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'SELECT'), HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'INSERT'), HAS_PERMS_BY_NAME('stg', 'SCHEMA', 'INSERT'), HAS_PERMS_BY_NAME('p', 'OBJECT', 'EXECUTE'), HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'CREATE TABLE'), HAS_PERMS_BY_NAME('Shop', 'DATABASE', 'CONNECT'), IS_MEMBER('loaders'), IS_ROLEMEMBER('db_owner')"
    assert run("guest", asked).results == [[(1, 0, 0, 1, 0, 1, 1, 0)]]
    assert run("sa", asked).results == [[(1, 1, 1, 1, 1, 1, 0, 1)]]
    text = "SELECT class_desc, OBJECT_NAME(major_id), permission_name, state_desc FROM sys.database_permissions ORDER BY class, permission_name"
    assert run("sa", text).results == [
        [
            ("DATABASE", None, "EXECUTE", "GRANT"),
            ("OBJECT_OR_COLUMN", "t", "SELECT", "GRANT"),
            ("SCHEMA", None, "INSERT", "DENY"),
        ]
    ]


def test_a_restart_keeps_them(tmp_path: Path) -> None:
    kept_answers(
        tmp_path,
        *SETUP,
        "GRANT SELECT ON t TO loaders; ALTER ROLE loaders ADD MEMBER etl; DENY SELECT ON SCHEMA::stg TO public",
    )
    found = kept_answers(tmp_path, "USE Shop; SELECT a FROM t", "SELECT * FROM stg.s", user="guest")
    assert [(each.numbers, each.results[:1]) for each in found] == [([], [[(1,)]]), ([229], [])]
