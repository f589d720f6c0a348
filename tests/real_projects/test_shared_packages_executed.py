"""The other published packages executed for real, with a database, a workbook, and a function for a script."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyodbc
import pytest
import xlsxwriter

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine import RunResult, run_package
from airflow_provider_ssis.engine.events import EventName
from tests.support.places import INPUTS, needs_inputs

BUILD_SAMPLE, FILMS_SAMPLE = INPUTS / "ssis-build-sample", INPUTS / "ssisup-sample"
PASSWORD = "ssis123"  # stated in SOURCES.md
pytestmark = needs_inputs


@pytest.fixture(scope="module")
def server() -> Iterator[SsisdbEmulator]:
    """A server with the tables of the packages."""
    with SsisdbEmulator() as server:
        with closing(pyodbc.connect(server.odbc_connection_string, autocommit=True)) as connection:
            for statement in (
                "CREATE DATABASE SsisUp_Movies",
                "USE SsisUp_Movies",
                "CREATE TABLE dbo.Movies (Name nvarchar(255) NULL, Year int NULL, Genre nvarchar(255) NULL)",
                "CREATE DATABASE Shop",
                "USE Shop",
                "CREATE TABLE dbo.[a, b] (Id int CONSTRAINT pk PRIMARY KEY)",
            ):
                connection.execute(statement)
        yield server


def errors(run: RunResult) -> list[str]:
    return [message.text for message in run.messages if message.name is EventName.ERROR]


def test_films_of_a_workbook_are_loaded_into_a_table(server: SsisdbEmulator, tmp_path: Path) -> None:
    films: list[tuple[Any, ...]] = [("Metropolis", 1927, "Drama"), ("Ω", 1999, None), (None, None, "Horror")]
    with xlsxwriter.Workbook(tmp_path / "Films.xlsx") as workbook:
        sheet = workbook.add_worksheet("Sheet1")
        for number, row in enumerate([("Name", "Year", "Genre"), *films]):
            sheet.write_row(number, 0, row)
    run = run_package(
        FILMS_SAMPLE / "SampleJob.dtsx",
        connections={"SsisUp_Movies": server.odbc(database="SsisUp_Movies")},
        path_map={r"C:\GitHub\Public\SsisUp\sample\SSIS\data": str(tmp_path)},
    )
    assert errors(run) == []
    with closing(pyodbc.connect(server.odbc(database="SsisUp_Movies"), autocommit=True)) as connection:
        loaded = connection.execute("SELECT Name, Year, Genre FROM dbo.Movies").fetchall()
    assert list(map(tuple, loaded)) == films


def test_an_encrypted_package_with_a_script_exports_the_objects_of_a_database(
    server: SsisdbEmulator, tmp_path: Path
) -> None:
    file = tmp_path / "objects.csv"

    def script(task: Any) -> None:
        # Instead of the C# of the package: it copies the parameters of the project, and sets the file.
        task.variables["User::DestinationFilePath"] = str(file)
        task.variables["User::SourceDBName"] = task.variables["$Project::SourceDBName"]
        task.variables["User::SourceDBServer"] = task.variables["$Project::SourceDBServer"]

    run = run_package(
        BUILD_SAMPLE,
        "Package 221.dtsx",
        password=PASSWORD,
        parameters={"$Project::SourceDBName": "Shop"},
        connections={"source": server.odbc(database="Shop")},
        scripts={r"\Package\Script Task": script},
    )
    assert errors(run) == []
    with file.open(encoding="cp1252", newline="") as opened:
        lines = list(csv.reader(opened))
    assert lines[0][:3] == ["name", "id", "xtype"]
    rows = {(line[0].strip(), line[-1]) for line in lines[1:]}
    # The file has no text qualifier, so the name with a comma fills two columns, as it would in Integration Services.
    assert rows == {("a", "Shop"), ("pk", "Shop")}


def test_an_empty_package_succeeds() -> None:
    assert run_package(BUILD_SAMPLE, "Package1.dtsx", password=PASSWORD).succeeded
