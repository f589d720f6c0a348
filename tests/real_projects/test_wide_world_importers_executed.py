"""The Wide World Importers load executed for real: 13 data flows between two databases of the embedded server.

The published package is unchanged. Its databases are not published with it, so the test makes them from the package:
each query of a source has a table with the source's columns, and each destination its table.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine import RunResult, run_package
from airflow_provider_ssis.engine.events import EventName
from airflow_provider_ssis.engine.loading import load_project
from airflow_provider_ssis.project.package.data_flow import Component, ExternalColumn, Pipeline
from tests.support.places import INPUTS, needs_inputs

PROJECT = INPUTS / "wide-world-importers"
SOURCE, WAREHOUSE = "WideWorldImporters", "WideWorldImportersDW"
ROWS = 3
CITY = r"\Package\Load City Dimension\Extract Updated City Data to Staging"
pytestmark = [
    pytest.mark.slow,
    needs_inputs,
]

_IN_PARENTHESES = re.compile(r"WITH RESULT SETS\s*\(\s*\((.*)\)\s*\)", re.DOTALL)
_SQL_TYPES = {
    "bool": "bit",
    "i4": "int",
    "i8": "bigint",
    "ui1": "tinyint",
    "dbDate": "date",
    "image": "varbinary(max)",
    "nText": "nvarchar(max)",
}


@dataclass(frozen=True)
class Load:
    """A data flow: the procedure that its source calls, the table that it fills, and the mapped columns."""

    procedure: str
    table: str
    source: Component
    target: Component

    @property
    def read(self) -> tuple[ExternalColumn, ...]:
        return self.source.outputs[0].external_columns

    @property
    def written(self) -> dict[str, str]:
        """The columns of the table by those of the source."""
        lineage = {column.lineage_id: column.external_key for column in self.source.outputs[0].columns}
        names = {column.key: column.name for column in self.read}
        targets = {column.key: column.name for column in self.target.inputs[0].external_columns}
        columns = self.target.inputs[0].columns
        return {names[lineage[column.lineage_id]]: targets[column.external_key] for column in columns}


def loads() -> list[Load]:
    package = load_project(PROJECT).package("DailyETLMain.dtsx")
    flows = [data for task in package.container.walk() if isinstance(data := task.data(), Pipeline)]
    return [_load(flow) for flow in flows]


def _load(flow: Pipeline) -> Load:
    (source,) = [one for one in flow.components if not one.inputs]
    (target,) = [one for one in flow.components if one.inputs]
    command, table = source.properties["SqlCommand"].text, target.properties["OpenRowset"].text
    assert isinstance(command, str)
    assert isinstance(table, str)
    return Load(command.split()[1], table, source, target)


LOADS = loads() if PROJECT.is_dir() else []


def sql_type(column: ExternalColumn) -> str:
    found = column.data_type
    if found.name == "wstr":
        return f"nvarchar({found.length})"
    if found.name == "numeric":
        return f"numeric({found.precision}, {found.scale})"
    if found.name == "dbTimeStamp2":
        return f"datetime2({found.scale})"
    return _SQL_TYPES[found.name]


def value(column: ExternalColumn, row: int) -> Any:
    """A value of the column's type, often at its limits; texts and numbers of the last row are NULL."""
    found = column.data_type
    last = row == ROWS - 1
    if last and found.name in ("numeric", "wstr", "image"):
        return None
    values: dict[str, Any] = {
        "bool": row % 2 == 0,
        "i4": -(2**31) + row,
        "i8": 2**63 - 1 - row,
        "dbDate": dt.date(1, 1, 1) if last else dt.date(2016, 2, 29),
        "dbTimeStamp2": dt.datetime(2013, 1, 1 + row, 12, 30, 15, 123000),
        "image": bytes(range(256)) * 40,
        "numeric": Decimal((0, (9,) * found.precision, -found.scale)) if found.name == "numeric" else None,
        "wstr": ("Ωmega " * found.length)[: found.length].rstrip() or "x",
    }
    return values[found.name]


def create(connection: pyodbc.Connection, table: str, columns: tuple[ExternalColumn, ...]) -> None:
    declared = (
        f"[{column.name}] {sql_type(column)} "
        + ("IDENTITY(1, 1) NOT NULL PRIMARY KEY" if column.name.endswith(" Staging Key") else "NULL")
        for column in columns
    )
    connection.execute(f"CREATE TABLE {table} ({', '.join(declared)})")


def query(load: Load) -> str:
    """The query of a source, which describes its columns. The embedded server has no type geography."""
    return load.source.properties["SqlCommand"].text.replace("geography", "varbinary(max)")


@pytest.fixture(scope="module")
def server() -> Iterator[SsisdbEmulator]:
    """The two databases: rows in the source, empty tables in the warehouse."""
    with SsisdbEmulator() as server:
        with closing(pyodbc.connect(server.odbc_connection_string, autocommit=True)) as connection:
            for name in (SOURCE, WAREHOUSE):
                connection.execute(f"CREATE DATABASE {name}")
        with closing(pyodbc.connect(server.odbc(database=SOURCE), autocommit=True)) as connection:
            connection.execute("CREATE SCHEMA Integration")
            for number, load in enumerate(LOADS):
                make_source(connection, load, swapped=number % 2 == 1)
        with closing(pyodbc.connect(server.odbc(database=WAREHOUSE), autocommit=True)) as connection:
            make_warehouse(connection)
        yield server


def make_source(connection: pyodbc.Connection, load: Load, *, swapped: bool) -> None:
    """Make the procedure of a source, and a table with its rows.

    :param swapped: declare its parameters in the other order: the package maps them by name.
    """
    table = f"{load.procedure}_Rows"
    described = _IN_PARENTHESES.search(query(load))
    assert described is not None
    connection.execute(f"CREATE TABLE {table} ({described[1]})")
    names = [column[0] for column in connection.execute(f"SELECT * FROM {table}").description]
    columns = {column.name: column for column in load.read}
    marks = ", ".join("?" * len(names))
    for row in range(ROWS):
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", *[value(columns[name], row) for name in names])
    parameters = ["@LastCutoff datetime2(7)", "@NewCutoff datetime2(7)"]
    declared = ", ".join(reversed(parameters) if swapped else parameters)
    if load.procedure == "Integration.GetStockHoldingUpdates":
        connection.execute(f"CREATE PROCEDURE {load.procedure} AS SELECT * FROM {table}")
        return
    connection.execute(
        f"CREATE PROCEDURE {load.procedure} {declared} AS SELECT * FROM {table} WHERE @LastCutoff < @NewCutoff"
    )


def make_warehouse(connection: pyodbc.Connection) -> None:
    connection.execute("CREATE SCHEMA Integration")
    connection.execute(
        "CREATE TABLE Integration.Lineage (LineageKey int IDENTITY(1, 1) NOT NULL PRIMARY KEY,"
        " TableName nvarchar(128) NOT NULL, Cutoff datetime2(7) NOT NULL)"
    )
    connection.execute("CREATE TABLE Integration.Years (YearNumber int NOT NULL)")
    connection.execute("CREATE TABLE Integration.Migrated (StagingTable nvarchar(128) NOT NULL, Staged int NOT NULL)")
    procedures = {
        "GetLineageKey @TableName nvarchar(128), @NewCutoffTime datetime2(7)": (
            "INSERT INTO Integration.Lineage (TableName, Cutoff) VALUES (@TableName, @NewCutoffTime);"
            " SELECT MAX(LineageKey) AS LineageKey FROM Integration.Lineage WHERE TableName = @TableName;"
        ),
        "GetLastETLCutoffTime @TableName nvarchar(128)": "SELECT CAST('20120101' AS datetime2(7)) AS CutoffTime;",
        "PopulateDateDimensionForYear @YearNumber int": "INSERT INTO Integration.Years VALUES (@YearNumber);",
    }
    for head, body in procedures.items():
        connection.execute(f"CREATE PROCEDURE Integration.{head} AS BEGIN SET NOCOUNT ON; {body} END")
    for load in LOADS:
        create(connection, load.table, load.target.inputs[0].external_columns)
        name = load.table.split("[")[-1].removesuffix("_Staging]")
        connection.execute(
            f"CREATE PROCEDURE Integration.MigrateStaged{name}Data AS BEGIN SET NOCOUNT ON;"
            f" INSERT INTO Integration.Migrated SELECT '{name}', COUNT(*) FROM {load.table}; END"
        )


@pytest.fixture(scope="module")
def run(server: SsisdbEmulator) -> RunResult:
    replaced = {"WWI_Source_DB": server.odbc(database=SOURCE), "WWI_DW_Destination_DB": server.odbc(database=WAREHOUSE)}
    (city,) = [load for load in LOADS if load.procedure.endswith("GetCityUpdates")]
    return run_package(
        PROJECT,
        "DailyETLMain.dtsx",
        connections=replaced,
        property_overrides={f"{CITY}.Properties[[Integration_GetCityUpdates].[SqlCommand]]": query(city)},
    )


@pytest.mark.slow
def test_it_succeeds(run: RunResult) -> None:
    assert run.succeeded, [message.text for message in run.messages if message.name is EventName.ERROR]


@pytest.fixture
def warehouse(server: SsisdbEmulator, run: RunResult) -> Iterator[pyodbc.Connection]:
    with closing(pyodbc.connect(server.odbc(database=WAREHOUSE), autocommit=True)) as connection:
        yield connection


def test_all_94_executables_ran_and_each_load_wrote_its_rows(run: RunResult) -> None:
    assert len({ended.place.path for ended in run.statistics}) == 1 + 94
    assert [count.rows for count in run.row_counts if "Staging" in count.name] == [ROWS] * len(LOADS)


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.table)
def test_the_staging_table_has_the_rows_of_the_source(
    load: Load, server: SsisdbEmulator, warehouse: pyodbc.Connection
) -> None:
    names = load.written
    with closing(pyodbc.connect(server.odbc(database=SOURCE), autocommit=True)) as source:
        given = source.execute(f"SELECT {_listed(names)} FROM {load.procedure}_Rows ORDER BY 1").fetchall()
    found = warehouse.execute(f"SELECT {_listed(names.values())} FROM {load.table} ORDER BY 1").fetchall()
    # The package's own fault: before it loads purchases, it deletes the staged orders instead of the staged purchases.
    assert found == ([] if load.table == "[Integration].[Order_Staging]" else given)
    assert len(given) == ROWS


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"[{name}]" for name in names)


def test_tasks_passed_values_on_and_saw_the_staged_rows(warehouse: pyodbc.Connection) -> None:
    migrated = warehouse.execute("SELECT StagingTable, Staged FROM Integration.Migrated").fetchall()
    assert sorted(map(tuple, migrated)) == sorted((load.table[15:].removesuffix("_Staging]"), ROWS) for load in LOADS)
    lineage = warehouse.execute("SELECT TableName, Cutoff FROM Integration.Lineage").fetchall()
    assert len({name for name, _ in lineage}) == len(LOADS)
    (cutoff,) = {cutoff for _, cutoff in lineage}
    assert cutoff.microsecond == 0, "a task trims the milliseconds"
    years = warehouse.execute("SELECT YearNumber FROM Integration.Years").fetchall()
    assert [tuple(year) for year in years] == [(dt.datetime.now(dt.UTC).year,)]
