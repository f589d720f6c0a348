"""Excel sources: facts in data_flow.md, 3.11 and 2.1."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.components.excel_source import ExcelSource
from airflow_provider_ssis.engine.data_flow.excel.ranges import CellRange, parse_range, parse_select
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.database_components import TestColumn, flow_context, read_all, source
from tests.support.engine import failure_of, run_task, task_context

_T = DataTypeCode
R8, TEXT, BOOL, DATE = (
    ColumnType(_T.DT_R8),
    ColumnType(_T.DT_WSTR, 255),
    ColumnType(_T.DT_BOOL),
    ColumnType(_T.DT_DATE),
)
DAY = dt.datetime(2024, 2, 3, 4, 5)


def workbook(
    folder: Path, rows: Sequence[Sequence[Any]], *, sheet: str = "Sheet1", row: int = 0, column: int = 0
) -> str:
    """Write a workbook; returns the start of its connection string."""
    path = folder / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet(sheet)
        date = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for number, cells in enumerate(rows, row):
            for position, cell in enumerate(cells, column):
                if isinstance(cell, dt.datetime):
                    page.write_datetime(number, position, cell, date)
                elif cell is not None:
                    page.write(number, position, cell)
    return f"Provider=Microsoft.ACE.OLEDB.12.0;Data Source={path};"


def read(
    text: str, *columns: TestColumn, options: str = "EXCEL 12.0 XML;HDR=YES", **properties: str
) -> dict[str, list[tuple[Any, ...]]]:
    given = {"AccessMode": "0", "OpenRowset": "Sheet1$"} | properties
    plan = source("ExcelSource", columns, given, "Book")
    assert not list(ExcelSource.refusals(plan))
    connection = f'{text}Extended Properties="{options}";'
    return read_all(
        ExcelSource(plan), flow_context({"Book": connection}, Sheet="Sheet1$", Sql="SELECT n FROM [Sheet1$]")
    )


N, T = TestColumn("n", R8), TestColumn("t", TEXT)


def test_each_type_of_cell_arrives_in_its_type(tmp_path: Path) -> None:
    """Facts 2.1: a number is r8, text wstr(255), yes/no bool, a date `date`."""
    text = workbook(
        tmp_path, [["n", "t", "b", "d"], [1.5, "x", True, DAY], [None, None, None, None], [2, "y", False, DAY]]
    )
    found = read(text, N, T, TestColumn("b", BOOL), TestColumn("d", DATE))
    assert found == {"O": [(1.5, "x", True, DAY), (None, None, None, None), (2.0, "y", False, DAY)]}


def test_cells_of_the_minority_are_null(tmp_path: Path) -> None:
    """Facts 3.11: the majority of the first eight rows decides; a tie is a number."""
    rows: list[list[Any]] = [
        ["n", "t"],
        [1, "a"],
        [2, 5],
        ["x", "b"],
        ["y", 6.5],
        [None, "c"],
        [None, None],
        ["late", 7],
    ]
    found = read(workbook(tmp_path, [*rows, [8, "e"], ["very late", "d"]]), N, T)
    assert [row[0] for row in found["O"]] == [1, 2, None, None, None, None, None, 8, None]
    assert [row[1] for row in found["O"]] == ["a", None, "b", None, "c", None, None, "e", "d"]


def test_a_mixed_column_is_text_with_imex(tmp_path: Path) -> None:
    """Facts 3.11: IMEX=1 and mixed types."""
    text = workbook(tmp_path, [["n", "t"], [1, "a"], [2, 0.1], [3, 12]])
    found = read(text, N, T, options="EXCEL 12.0 XML;HDR=YES;IMEX=1")
    assert found == {"O": [(1, "a"), (2, "0.1"), (3, "12")]}


def test_a_date_in_a_mixed_column_is_an_error(tmp_path: Path) -> None:
    """Its text depends on the format of the cell, which is not known."""
    text = workbook(tmp_path, [["t"], ["a"], [DAY]])
    redirected = TestColumn("t", TEXT, error="RedirectRow")
    found = read(text, redirected, options="EXCEL 12.0 XML;HDR=YES;IMEX=1")
    assert found == {"O": [("a",)], "E": [(None, 0xC0209072 - 2**32, 11)]}


def test_columns_without_a_header_are_numbered(tmp_path: Path) -> None:
    """Facts 3.11: HDR=NO names columns F1, F2, …"""
    text = workbook(tmp_path, [["a", 1], ["b", 2]])
    columns = (TestColumn("F1", TEXT), TestColumn("number", R8, external="F2"))
    assert read(text, *columns, options="EXCEL 8.0;HDR=NO") == {"O": [("a", 1), ("b", 2)]}


@pytest.mark.parametrize("name", ["'My Sheet$'", "My Sheet$", "[My Sheet$]", "my sheet$B3:C5", "'My Sheet'$B3:C5"])
def test_a_sheet_or_range_is_read_by_its_name(tmp_path: Path, name: str) -> None:
    """Facts 3.11; no blank rows are kept at the end."""
    rows: list[list[Any]] = [["n", "t"], [1, "a"], [2, "b"], [None, None], ["", None]]
    text = workbook(tmp_path, rows, sheet="My Sheet", row=2, column=1)
    assert read(text, N, T, OpenRowset=name) == {"O": [(1, "a"), (2, "b")]}


@pytest.mark.parametrize(
    ("name", "number"), [("My_Sheet$", 1), ("My Sheet$", 2), ("Sales.2024$", 3), ("Sales#2024$", 3), ("New Table$", 4)]
)
def test_the_exact_name_of_a_sheet_comes_first(tmp_path: Path, name: str, number: int) -> None:
    """The drivers list # for a point, and write underscores for the blanks of tables that they create."""
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for value, sheet in enumerate(("My_Sheet", "My Sheet", "Sales.2024", "New_Table"), start=1):
            book.add_worksheet(sheet).write_column(0, 0, ["n", value])
    text = f"Provider=Microsoft.ACE.OLEDB.12.0;Data Source={path};"
    assert read(text, N, OpenRowset=name) == {"O": [(number,)]}


@pytest.mark.parametrize(
    "properties",
    [
        {"AccessMode": "1", "OpenRowsetVariable": "User::Sheet"},
        {"AccessMode": "2", "SqlCommand": "SELECT * FROM [Sheet1$]"},
        {"AccessMode": "2", "SqlCommand": "select [t], n from `Sheet1$A1:C9`;"},
        {"AccessMode": "3", "SqlCommandVariable": "User::Sql"},
    ],
)
def test_other_access_modes(tmp_path: Path, properties: dict[str, str]) -> None:
    text = workbook(tmp_path, [["n", "t", "more"], [1, "a", 2]])
    assert read(text, N, **properties) == {"O": [(1,)]}


def test_text_that_is_too_long_is_a_truncation(tmp_path: Path) -> None:
    text = workbook(tmp_path, [["t"], ["x" * 256]])
    failure = failure_of(lambda: read(text, T))
    assert failure.code == 0xC020902A


def test_names_of_columns_follow_the_drivers(tmp_path: Path) -> None:
    """Characters that the drivers replace, repeated names, and a header without text."""
    text = workbook(tmp_path, [["No.", "n", "n", None], [1, 2, 3, 4]])
    columns = (TestColumn("No#", R8), TestColumn("n1", R8), TestColumn("F4", R8))
    assert read(text, *columns) == {"O": [(1, 3, 4)]}


def test_a_missing_file_sheet_or_column_fails(tmp_path: Path) -> None:
    text = workbook(tmp_path, [["n"], [1]])
    assert "Sheet2" in failure_of(lambda: read(text, N, OpenRowset="Sheet2$")).text
    assert failure_of(lambda: read(text, N, T)).code == 0xC0202005
    assert "cannot be read" in failure_of(lambda: read(text.replace("book", "other"), N)).text
    (tmp_path / "book.xlsx").write_bytes(b"PK no workbook")
    assert "cannot be read" in failure_of(lambda: read(text, N)).text


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM [Sheet1$] WHERE n > 1",
        "SELECT COUNT(*) FROM [Sheet1$]",
        "SELECT DISTINCT n FROM [Sheet1$]",
        "SELECT n AS m FROM [Sheet1$]",
        "SELECT * FROM [A$], [B$]",
        "SELECT * FROM [Sheet1!A1]",
    ],
)
def test_other_statements_are_refused(sql: str) -> None:
    plan = source("ExcelSource", [N], {"AccessMode": "2", "SqlCommand": sql}, "Book")
    assert len(list(ExcelSource.refusals(plan))) == 1


def test_ranges_are_read() -> None:
    assert parse_range("Sheet1$A1:AB20") == CellRange("Sheet1", 0, 0, 19, 27)
    assert parse_select("SELECT [a b], c FROM ['It''s$']").columns == ("a b", "c")
    assert parse_range("'It''s$'").sheet == "It's"


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT * FROM [Sheet1$A3:B]", [(1.0, "a"), (None, "b"), (3.0, None)]),
        ("SELECT n, t FROM [Sheet1$A3:B5]", [(1.0, "a"), (None, "b")]),
        ("select * from [Sheet1$A3:B] where [n] is not null", [(1.0, "a"), (3.0, None)]),
        ("SELECT [t], [n] FROM [Sheet1$A3:B] WHERE n IS NOT NULL\nAND [t] IS NULL;", [(3.0, None)]),
        ("SELECT TOP 1 * FROM [Sheet1$A3:B] WHERE `n` IS NULL", [(None, "b")]),
    ],
)
def test_open_ranges_and_conditions_on_nulls_choose_rows(
    tmp_path: Path, sql: str, rows: list[tuple[float | None, str | None]]
) -> None:
    text = workbook(tmp_path, [["A title"], [None], ["n", "t"], [1, "a"], [None, "b"], [3, None]])
    assert read(text, N, T, AccessMode="2", SqlCommand=sql) == {"O": rows}


def test_whole_columns_are_a_range(tmp_path: Path) -> None:
    text = workbook(tmp_path, [["x", "n", "t"], [0, 1, "a"]])
    assert read(text, N, T, OpenRowset="Sheet1$B:C") == {"O": [(1.0, "a")]}


def test_a_package_of_the_builder_keeps_a_sheet_in_a_raw_file(tmp_path: Path) -> None:
    workbook(tmp_path, [["n", "t"], [1, "a"], [2, None]])
    package = ProjectBuilder("Book").add_package("Book")
    book = package.connection_managers.add_excel("Book", str(tmp_path / "book.xlsx"))
    columns = [Column("n", "DT_R8"), Column("t", "DT_WSTR", length=255)]
    flow = package.add_data_flow("Keep")
    sheet = flow.add_excel_source("Sheet", book, columns, table="Sheet1$")
    flow.add_raw_file_destination("Raw", sheet.output, path=str(tmp_path / "rows.raw"))
    run_task(task_context(package.read()))
    package = ProjectBuilder("Rows").add_package("Rows")
    flow = package.add_data_flow("Read")
    raw = flow.add_raw_file_source("Raw", columns, path=str(tmp_path / "rows.raw"))
    flow.add_recordset_destination("Keep", raw.output, package.add_variable("Rows", None))
    context = task_context(package.read())
    run_task(context)
    assert list(context.variables["User::Rows"]) == [(1.0, "a"), (2.0, None)]


@pytest.mark.parametrize("option", ["HDR=MAYBE", "IMEX=3", "TypeGuessRows=0", "MAXSCANROWS=16"])
def test_an_unknown_option_of_the_connection_fails(tmp_path: Path, option: str) -> None:
    """Options that change the types of columns would change the rows."""
    text = workbook(tmp_path, [["n"], [1]])
    assert option in failure_of(lambda: read(text, N, options=f"EXCEL 12.0 XML;{option}")).text
    assert read(text, N, options="Excel 12.0 Xml; hdr=Yes; imex=0;") == {"O": [(1.0,)]}
