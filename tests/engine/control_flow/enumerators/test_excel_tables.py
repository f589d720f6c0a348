"""A loop over the tables of an Excel file: Microsoft Learn, "Loop through Excel Files and Tables"."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from airflow_provider_ssis.engine import RunResult, UnsupportedError, run_package
from airflow_provider_ssis.project.builder.containers import ForeachLoopBuilder
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.package.loops import SchemaRowsetEnumerator

OLE_DB = "System.Data.OleDb.OleDbConnection, System.Data, Version=4.0.0.0"
PROVIDER = "Provider=Microsoft.ACE.OLEDB.12.0;Extended Properties=Excel 12.0;"


def looping(file: Path) -> tuple[PackageBuilder, ForeachLoopBuilder]:
    """A package that puts the names of the tables into a variable, and its loop."""
    package = PackageBuilder("P")
    text = f"Data Source={file};{PROVIDER}"
    manager = package.connection_managers.add_ado_net("Schema", text, provider=OLE_DB)
    table, found = package.add_variable("Table", ""), package.add_variable("Found", "")
    data = SchemaRowsetEnumerator("Schema", "Tables", {"Connection": "Schema", "Schema": "Tables"})
    loop = package.add_foreach_loop("Tables", data, mappings={2: table})
    loop.add_expression("Add", f'@[{found.qualified_name}] = @[{found.qualified_name}] + @[User::Table] + "|"')
    assert manager.name == "Schema"
    return package, loop


def run(package: PackageBuilder, folder: Path) -> RunResult:
    package.save(folder)
    return run_package(folder / "P.dtsx")


def test_sheets_and_named_ranges_are_turns(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "book.xlsx") as book:
        for name in ("Zeta", "Sales 2024", "Alpha", "1st"):
            book.add_worksheet(name).write(0, 0, "n")
        book.add_chart({"type": "line"})
        book.define_name("Prices", "='Alpha'!$A$1:$B$2")
    package, _ = looping(tmp_path / "book.xlsx")
    found = run(package, tmp_path)
    assert found.succeeded
    assert found.variables["User::Found"] == "'1st$'|Alpha$|Prices|'Sales 2024$'|Zeta$|"


def test_names_whose_listing_is_not_known_fail(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "book.xlsx") as book:
        book.add_worksheet("A").autofilter("A1:B2")
    package, _ = looping(tmp_path / "book.xlsx")
    found = run(package, tmp_path)
    assert not found.succeeded
    assert any("cannot be listed" in message.text for message in found.messages)


def test_another_use_of_the_provider_is_refused(tmp_path: Path) -> None:
    package, loop = looping(tmp_path / "book.xlsx")
    loop.add_execute_sql("Read", package.connection_managers["Schema"], "SELECT 1")
    with pytest.raises(UnsupportedError, match="reads Excel, Access or text files"):
        run(package, tmp_path)
