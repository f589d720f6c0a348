"""Microsoft's tutorial package, unchanged, on tables of the embedded server: only connections and paths are mapped.

The data flow facts, section 4.1, name what it reads and writes: 14 files with 13,532 rows.
"""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Iterator

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine import RunResult, run_package
from tests.support.places import INPUTS, needs_inputs

TUTORIAL = INPUTS / "ssis-tutorial"
DATA = TUTORIAL / "data"
WINDOWS = (
    r"C:\Program Files\Microsoft SQL Server\100\Samples\Integration Services\Tutorial\Creating a Simple ETL Package"
)
FILES = sorted(path.name for path in DATA.glob("Currency_*.txt"))
ROWS = 13_532
pytestmark = needs_inputs
LOAD = "\\Package\\Foreach File in Folder\\Extract Sample Currency Data"


def dimension(name: str) -> list[list[str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="|"))


def fill(connection: pyodbc.Connection, table: str, columns: str) -> None:
    rows = json.dumps(dimension(f"{table}.csv"))
    connection.execute(f"INSERT INTO dbo.{table} SELECT * FROM OPENJSON(?) WITH ({columns})", rows)


@pytest.fixture(scope="module")
def warehouse() -> Iterator[tuple[SsisdbEmulator, pyodbc.Connection]]:
    """The tables that the package wants, with the published dimensions."""
    with SsisdbEmulator() as server:
        connection = pyodbc.connect(server.odbc_connection_string, autocommit=True)
        connection.execute("CREATE DATABASE AdventureWorksDW")
        connection.execute("USE AdventureWorksDW")
        connection.execute(
            "CREATE TABLE dbo.DimCurrency (CurrencyKey int NOT NULL PRIMARY KEY,"
            " CurrencyAlternateKey nchar(3) NOT NULL, CurrencyName nvarchar(50) NOT NULL)"
        )
        connection.execute("CREATE TABLE dbo.DimTime (TimeKey int NOT NULL, FullDateAlternateKey datetime NOT NULL)")
        connection.execute(
            "CREATE TABLE dbo.FactCurrencyRate (CurrencyKey int NOT NULL, TimeKey int NOT NULL,"
            " AverageRate float NOT NULL, EndOfDayRate float NOT NULL)"
        )
        fill(connection, "DimCurrency", "a int '$[0]', b nchar(3) '$[1]', c nvarchar(50) '$[2]'")
        fill(connection, "DimTime", "a int '$[0]', b datetime '$[1]'")
        yield server, connection
        connection.close()


@pytest.fixture(scope="module")
def run(warehouse: tuple[SsisdbEmulator, pyodbc.Connection], tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """The run of the package."""
    server, _ = warehouse
    folder = tmp_path_factory.mktemp("sample-data")
    for name in FILES:
        (folder / name).symlink_to(DATA / name)
    paths = {rf"{WINDOWS}\Sample Data": str(folder), rf"{WINDOWS}\Completed Packages": str(TUTORIAL)}
    replaced = {"(local).AdventureWorksDW": server.odbc(database="AdventureWorksDW")}
    return run_package(TUTORIAL / "Lesson 3.dtsx", connections=replaced, path_map=paths)


@pytest.mark.slow
def test_the_package_succeeds(run: RunResult) -> None:
    assert run.succeeded, [message.text for message in run.messages if message.code]


@pytest.mark.slow
def test_each_file_is_loaded_once(run: RunResult) -> None:
    turns = [ended for ended in run.statistics if ended.place.path == LOAD]
    assert len(turns) == len(FILES) == 14
    assert {count.rows for count in run.row_counts if count.name == "Sample OLE  DB Destination"} == {ROWS}


@pytest.mark.slow
def test_the_fact_table_has_the_rows_of_the_files(
    run: RunResult, warehouse: tuple[SsisdbEmulator, pyodbc.Connection]
) -> None:
    _, connection = warehouse
    assert connection.execute("SELECT COUNT(*) FROM dbo.FactCurrencyRate").fetchval() == ROWS
    found = connection.execute(
        "SELECT c.CurrencyAlternateKey, t.FullDateAlternateKey, f.AverageRate, f.EndOfDayRate"
        " FROM dbo.FactCurrencyRate AS f JOIN dbo.DimCurrency AS c ON c.CurrencyKey = f.CurrencyKey"
        " JOIN dbo.DimTime AS t ON t.TimeKey = f.TimeKey"
    ).fetchall()
    loaded = {(key, f"{day:%Y-%m-%d}"): (average, end) for key, day, average, end in found}
    assert loaded == expected()


def single(text: str) -> float:
    """The number as a single-precision float, which the table stores as float."""
    found: float = struct.unpack("f", struct.pack("f", float(text)))[0]
    return found


def expected() -> dict[tuple[str, str], tuple[float, float]]:
    """The rows of the files, read without the engine. The package reads the rates as DT_R4."""
    rows = {}
    for path in [DATA / name for name in FILES]:
        for average, key, moment, end in csv.reader(path.open(newline=""), delimiter="\t"):
            month, day, year = (int(part) for part in moment.partition(" ")[0].split("/"))
            rows[key, f"{year}-{month:02}-{day:02}"] = (single(average), single(end))
    return rows
