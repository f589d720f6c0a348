"""The views and functions of metadata, as tools ask them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.metadata.missing_views import MISSING
from airflow_provider_ssis.emulator.tsql.metadata.names import split_name
from airflow_provider_ssis.emulator.tsql.metadata.objects import DatabasePrincipal, ServerPrincipal, TableType
from airflow_provider_ssis.emulator.tsql.metadata.system_views import SYSTEM_VIEWS
from airflow_provider_ssis.emulator.tsql.metadata.type_catalog import facets
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from tests.support.query_engine import QueryEngine, columns


@pytest.fixture(scope="module")
def engine() -> Iterator[QueryEngine]:
    """The tests of this module share it, and change nothing in it."""
    engine = QueryEngine()
    engine.metadata.add(TableType("SSISDB", "catalog", "IdList", columns("id bigint")))
    engine.metadata.server_principals = lambda: [
        ServerPrincipal("sa", 1, b"\x01"),
        ServerPrincipal("sysadmin", 3, b"\x03", "R"),
    ]
    engine.metadata.database_principals = lambda database: (
        [DatabasePrincipal("ssis_admin", 5, None, "R")] if database == "SSISDB" else []
    )
    yield engine
    engine.close()


QUERIES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("SELECT name FROM sys.databases WHERE name = N'ssisdb'", [("SSISDB",)]),
    ("SELECT COUNT(*) FROM master.sys.databases WHERE state_desc = 'ONLINE' AND database_id > 4", [(1,)]),
    (
        "SELECT s.name, t.name FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id ORDER BY t.name",
        [("catalog", "folders"), ("catalog", "projects")],
    ),
    ("SELECT name, RTRIM(type) FROM sys.views", [("open_folders", "V")]),
    ("SELECT 'views', COUNT(*) FROM sys.views", [("views", 1)]),
    ("SELECT 1 AS found WHERE EXISTS (SELECT TOP 1 * FROM sys.views AS v WHERE v.name = 'open_folders')", [(1,)]),
    ("SELECT 1 AS found WHERE EXISTS (SELECT * FROM sys.views) AND NOT EXISTS (SELECT v.* FROM sys.views v)", []),
    (
        "SELECT t.name FROM sys.tables t, sys.views v WHERE NOT EXISTS (SELECT * FROM sys.views) OR t.name < 'g'",
        [("folders",)],
    ),
    ("SELECT SCHEMA_NAME(schema_id) + '.' + name FROM sys.procedures", [("catalog.create_folder",)]),
    ("SELECT COUNT(*) FROM sys.all_objects WHERE object_id = OBJECT_ID('catalog.folders', 'U')", [(1,)]),
    (
        (
            "SELECT c.name, TYPE_NAME(c.user_type_id), c.max_length, c.is_nullable FROM sys.columns c WHERE "
            "c.object_id = OBJECT_ID('catalog.folders') ORDER BY c.column_id"
        ),
        [
            ("folder_id", "bigint", 8, False),
            ("name", "nvarchar", 256, False),
            ("description", "nvarchar", 2048, True),
            ("created_time", "datetimeoffset", 10, False),
            ("value", "sql_variant", 8016, True),
            ("open", "bit", 1, False),
        ],
    ),
    (
        "SELECT name, is_output FROM sys.parameters ORDER BY parameter_id",
        [("@folder_name", False), ("@folder_id", True)],
    ),
    ("SELECT name FROM sys.types WHERE user_type_id > 256", [("IdList",)]),
    (
        "SELECT name, type_desc FROM sys.server_principals ORDER BY principal_id",
        [("sa", "SQL_LOGIN"), ("sysadmin", "SERVER_ROLE")],
    ),
    ("SELECT name FROM sys.database_principals", [("ssis_admin",)]),
    ("SELECT name FROM master.sys.database_principals", []),
    ("SELECT CAST(value_in_use AS int) FROM sys.configurations WHERE name = 'clr enabled'", [(1,)]),
    (
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM SSISDB.INFORMATION_SCHEMA.TABLES ORDER BY 2",
        [
            ("catalog", "folders", "BASE TABLE"),
            ("catalog", "open_folders", "VIEW"),
            ("catalog", "projects", "BASE TABLE"),
        ],
    ),
    (
        (
            "SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, "
            "NUMERIC_SCALE, DATETIME_PRECISION FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'projects' "
            "ORDER BY ORDINAL_POSITION"
        ),
        [
            ("project_id", "int", "NO", None, 10, 0, None),
            ("folder_id", "bigint", "YES", None, 19, 0, None),
            ("name", "varchar", "NO", 20, None, None, None),
            ("size", "decimal", "YES", None, 9, 2, None),
            ("ratio", "float", "YES", None, 53, None, None),
            ("at", "datetime2", "YES", None, None, None, 3),
        ],
    ),
    (
        (
            "SELECT session_id, login_name, program_name, transaction_isolation_level FROM sys.dm_exec_sessions "
            "WHERE session_id = @@SPID"
        ),
        [(51, "sa", "tests", 2)],
    ),
    ("SELECT net_transport FROM sys.dm_exec_connections WHERE session_id = @@SPID", [("NET_TRANSPORT",)]),
    ("SELECT name FROM sys.system_views WHERE name LIKE 'dm_exec_s%'", [("dm_exec_sessions",)]),
    ("SELECT COUNT(*) FROM sys.foreign_keys", [(0,)]),
    (
        "SELECT COUNT(*) FROM (SELECT TOP (100000) 1 AS n FROM sys.all_objects a CROSS JOIN sys.all_objects b) x",
        [(100_000,)],
    ),
    ("SELECT COUNT(*) FROM (SELECT TOP (9999) 1 AS n FROM sys.all_columns a, sys.all_columns b) x", [(9999,)]),
    ("SELECT type FROM sys.all_objects WHERE name = 'sp_help_nothing' OR name = 'all_views'", [("V ",)]),
    ("SELECT name FROM sys.objects WHERE object_id < 0", []),
    (
        "SELECT COUNT(*), MAX(number), SUM(low * 0 + high) FROM master..spt_values WHERE type = 'P' AND number < 16",
        [(16, 15, 510)],
    ),
    ("SELECT ROUTINE_NAME FROM information_schema.routines WHERE ROUTINE_TYPE = 'PROCEDURE'", [("create_folder",)]),
    (
        "SELECT PARAMETER_NAME, PARAMETER_MODE FROM INFORMATION_SCHEMA.PARAMETERS ORDER BY ORDINAL_POSITION",
        [("@folder_name", "IN"), ("@folder_id", "INOUT")],
    ),
]


@pytest.mark.parametrize(("text", "rows"), QUERIES, ids=[each[0] for each in QUERIES])
def test_tools_find_their_way(engine: QueryEngine, text: str, rows: list[tuple[Any, ...]]) -> None:
    assert engine.rows(text) == rows


@pytest.mark.parametrize("name", [".".join(name) for name in SYSTEM_VIEWS])
def test_every_system_view_can_be_read_whole(engine: QueryEngine, name: str) -> None:
    result = engine.run(f"SELECT * FROM {name}")
    assert all(len(row) == len(result.names) for row in result.rows)


def test_a_view_shows_what_was_added_since() -> None:
    with closing(QueryEngine()) as engine:
        assert engine.rows("SELECT name FROM sys.table_types") == []
        engine.metadata.add(TableType("SSISDB", "catalog", "IdList", columns("id bigint")))
        assert engine.rows("SELECT name FROM sys.table_types") == [("IdList",)]


def test_an_unknown_column_of_a_system_view_is_an_error(engine: QueryEngine) -> None:
    with pytest.raises(SqlError, match="nothing"):
        engine.rows("SELECT nothing FROM sys.objects")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("folders", ["folders"]),
        ("catalog.folders", ["catalog", "folders"]),
        ('[SSISDB]."catalog".[my ]] folder]', ["SSISDB", "catalog", "my ] folder"]),
        ("[a.b].c", ["a.b", "c"]),
        ("SSISDB..folders", ["SSISDB", "", "folders"]),
    ],
)
def test_a_name_is_split_at_its_dots(text: str, parts: list[str]) -> None:
    assert split_name(text) == parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nvarchar(128)", (256, 0, 0)),
        ("nvarchar(max)", (-1, 0, 0)),
        ("varbinary(85)", (85, 0, 0)),
        ("decimal(18,2)", (9, 18, 2)),
        ("datetimeoffset(7)", (10, 34, 7)),
        ("datetime2(3)", (7, 23, 3)),
        ("time(0)", (3, 8, 0)),
        ("int", (4, 10, 0)),
        ("sql_variant", (8016, 0, 0)),
    ],
)
def test_facets_are_counted_as_sys_columns_counts_them(text: str, expected: tuple[int, int, int]) -> None:
    assert facets(SqlType.parse(text)) == expected


@pytest.mark.parametrize("name", ["sys.dm_os_wait_stats", "SYS.Traces", "master.sys.master_files", "sys.sysprocesses"])
def test_a_view_that_only_sql_server_has_is_refused_as_not_supported(engine: QueryEngine, name: str) -> None:
    with pytest.raises(SqlError, match=f"The view sys.{name.lower().rpartition('.')[2]} is not supported") as caught:
        engine.run(f"SELECT * FROM {name}")
    assert caught.value.number == 40514


@pytest.mark.parametrize("name", ["sys.no_such_view", "information_schema.nothing", "catalog.traces", "traces"])
def test_a_view_that_does_not_exist_is_an_invalid_name(engine: QueryEngine, name: str) -> None:
    with pytest.raises(SqlError, match="Invalid object name") as caught:
        engine.run(f"SELECT * FROM {name}")
    assert caught.value.number == 208


def test_no_view_is_both_there_and_missing() -> None:
    there = {f"{schema}.{name}" for schema, name in SYSTEM_VIEWS}
    assert there.isdisjoint(f"{schema}.{name}" for schema, names in MISSING.items() for name in names)
