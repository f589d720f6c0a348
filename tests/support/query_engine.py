"""A DuckDB instance with a few tables, and the query compiler: the tests of queries use them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb

from airflow_provider_ssis.emulator.datatypes import INT, Column, SqlType, Variant
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, Routine, Table, View
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.metadata.sequence_views import LAST_VALUE
from airflow_provider_ssis.emulator.tsql.metadata.signatures import ProcedureParameter
from airflow_provider_ssis.emulator.tsql.metadata.table_views import ROW_COUNT
from airflow_provider_ssis.emulator.tsql.query.compiler import QueryCompiler
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values import storage
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

NOW = dt.datetime(2026, 11, 23, 20, 0, 0, 123456, tzinfo=dt.timezone(dt.timedelta(hours=2)))
"""The clock of every test."""


def columns(text: str) -> tuple[Column, ...]:
    """Columns as ``name type``, with a ``?`` behind the nullable ones, separated by semicolons."""
    parts = [part.split(maxsplit=1) for part in text.split(";")]
    return tuple(Column(name, SqlType.parse(type_.rstrip("? ")), type_.rstrip().endswith("?")) for name, type_ in parts)


FOLDERS = Table(
    "SSISDB",
    "catalog",
    "folders",
    columns(
        "folder_id bigint; name sysname; description nvarchar(1024) ?; created_time datetimeoffset; "
        "value sql_variant ?; open bit"
    ),
)
_MIDNIGHT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FOLDER_ROWS = [
    (1, "Alpha", "first", _MIDNIGHT, Variant(INT, 5), True),
    (2, "beta ", None, _MIDNIGHT + dt.timedelta(days=1), Variant(SqlType("nvarchar", length=10), "Hello"), False),
    (3, "ALPHA", "third", _MIDNIGHT + dt.timedelta(days=2), None, False),
    (4, "Gamma", "x", _MIDNIGHT, Variant(SqlType("decimal", precision=9, scale=2), Decimal("1.50")), False),
]
PROJECTS = Table(
    "SSISDB",
    "catalog",
    "projects",
    columns(
        "project_id int; folder_id bigint ?; name varchar(20); size decimal(9,2) ?; ratio float ?; at datetime2(3) ?"
    ),
)
PROJECT_ROWS = [
    (10, 1, "Load", Decimal("1.25"), 0.5, dt.datetime(2026, 2, 1, 10, 30)),
    (11, 1, "Extract", Decimal("2.50"), 1.5, dt.datetime(2026, 2, 2)),
    (12, 2, "Clean", None, None, None),
    (13, None, "Orphan", Decimal("-1.00"), -2.0, dt.datetime(2026, 2, 3)),
]
OPEN_FOLDERS = View(
    "SSISDB",
    "catalog",
    "open_folders",
    columns("folder_id bigint; name sysname"),
    'SELECT folder_id, name FROM "SSISDB"."catalog"."folders" WHERE open',
)
ROWS = LocalTable("@rows", columns("id int; name nvarchar(5) ?; at datetimeoffset ?; mark sql_variant ?"))


@dataclass
class Result:
    """The result of a query."""

    names: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]
    assignments: tuple[str, ...] = ()
    in_python: bool = False


@dataclass
class QueryEngine:
    """Runs queries as a session of login ``sa`` in database SSISDB does."""

    variables: dict[str, tuple[SqlType, Any]] = field(default_factory=dict)
    session: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.metadata = Metadata()
        self.metadata.add_database("SSISDB")
        self.compiler = QueryCompiler(self.metadata, zone=dt.UTC)
        self.connection = duckdb.connect(config={"threads": 1})
        for database in ("SSISDB", "master"):
            self.connection.execute(f"ATTACH ':memory:' AS {quoted(database)}")
        self.connection.execute('CREATE SCHEMA "SSISDB"."catalog"')
        self._fill(FOLDERS, FOLDER_ROWS)
        self._fill(PROJECTS, PROJECT_ROWS)
        self.metadata.add(OPEN_FOLDERS)
        self.connection.execute(f'CREATE VIEW "SSISDB"."catalog"."open_folders" AS {OPEN_FOLDERS.select}')
        parameters = (
            ProcedureParameter("@folder_name", SqlType("nvarchar", length=128)),
            ProcedureParameter("@folder_id", SqlType("bigint"), output=True),
        )
        self.metadata.add(Routine("SSISDB", "catalog", "create_folder", parameters))
        self.local_tables = {ROWS.name: ROWS}
        self.connection.execute(storage.create_table(ROWS.storage_name, ROWS.columns, temporary=True))
        self.session = {
            "sysdatetimeoffset()": NOW,
            "@@rowcount": 3,
            "@@spid": 51,
            "@@version": "Microsoft SQL Server",
            "suser_sname()": lambda sid=None: "sa",
            "user_name()": lambda number=None: "dbo",
            "is_srvrolemember()": lambda role, login=None: int(role == "sysadmin"),
            "serverproperty()": lambda name: (
                Variant(SqlType("nvarchar", length=128), "16.0.4000.1") if name == "ProductVersion" else None
            ),
            "error_message()": None,
            "host_name()": "client",
            "app_name()": "tests",
            "original_login()": "sa",
            "@@datefirst": 7,
            "@@language": "us_english",
            "@@lock_timeout": -1,
            "@@trancount": 0,
            ROW_COUNT: lambda name: 0,
            LAST_VALUE: lambda sequence: None,
            "has_dbaccess()": lambda name: 1,
            "connectionproperty()": lambda name: Variant(SqlType("nvarchar", length=48), name.upper()),
        }

    def close(self) -> None:
        """Close DuckDB."""
        self.compiler.close()
        self.connection.close()

    def declare(self, name: str, type_text: str, value: Any) -> None:
        """``DECLARE @name type = value``."""
        self.variables[name] = (SqlType.parse(type_text), value)

    def run(self, text: str, *, line: int = 1) -> Result:
        """The result of one query."""
        query = self.compiler.compile(
            QueryText.parse(text, line),
            variables={name: type_ for name, (type_, _) in self.variables.items()},
            database="SSISDB",
            connection=self.connection,
            local_tables=self.local_tables,
        )
        values: Mapping[str, Any] = {**self.session, **{name: value for name, (_, value) in self.variables.items()}}
        rows = self.compiler.run(query, self.connection, {name: values[name] for name in query.parameters})
        return Result(
            [column.name for column in query.columns],
            [str(column.type) for column in query.columns],
            rows,
            query.assignments,
            in_python=not query.sql,
        )

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """The rows of one query."""
        return self.run(text).rows

    def value(self, expression: str) -> tuple[str, Any]:
        """Type and value of an expression that reads no row, after checking that Python and DuckDB agree on both."""
        alone = self.run(f"SELECT {expression}")
        with_a_row = self.run(f"SELECT {expression} FROM (SELECT TOP 1 1 AS one FROM catalog.folders) AS f")
        assert alone.types == with_a_row.types
        assert alone.rows == with_a_row.rows, f"{expression}: {alone.rows} in Python, {with_a_row.rows} in DuckDB"
        return alone.types[0], alone.rows[0][0]

    def _fill(self, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
        self.metadata.add(table)
        name = ".".join(quoted(part) for part in (table.database, table.schema, table.name))
        self.connection.execute(storage.create_table(name, table.columns))
        marks = ", ".join("?" for _ in table.columns)
        for row in rows:
            encoded = [storage.encode(column.type, value) for column, value in zip(table.columns, row, strict=True)]
            self.connection.execute(f"INSERT INTO {name} VALUES ({marks})", encoded)
