"""Excel destinations, and tables that Execute SQL tasks create: facts in data_flow.md, 3.11 and 2.1."""

from __future__ import annotations

import datetime as dt
import errno
import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import python_calamine
import xlsxwriter
from lxml import etree

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine import run_package
from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.data_flow.components import excel_destination
from airflow_provider_ssis.engine.data_flow.components.excel_destination import ExcelDestination
from airflow_provider_ssis.engine.errors import Cancelled
from airflow_provider_ssis.engine.tasks.sql.workbook_statements import CreateTable, DropTable, workbook_statements
from airflow_provider_ssis.engine.workbooks.editing import Place, add_rows
from airflow_provider_ssis.engine.workbooks.sheet_rows import scan
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.package.data_flow import read_pipeline
from tests.support.database_components import TestColumn, batch_of, destination, flow_context, opened, write_all
from tests.support.engine import failure_of, run_task, task_context

_T = DataTypeCode
R8, TEXT, MEMO = ColumnType(_T.DT_R8), ColumnType(_T.DT_WSTR, 255), ColumnType(_T.DT_NTEXT)
BOOL, DATE = ColumnType(_T.DT_BOOL), ColumnType(_T.DT_DATE)
N, T = TestColumn("n", R8), TestColumn("t", TEXT)
DAY = dt.datetime(2024, 2, 3, 4, 30)


def book(folder: Path, rows: Sequence[Sequence[Any]] = (("n", "t"),), *, name: str = "book.xlsx") -> Path:
    """A workbook with a chart, a formula, a picture's worth of formats, and a second sheet."""
    path = folder / name
    with xlsxwriter.Workbook(path) as made:
        sheet = made.add_worksheet("Sheet1")
        bold = made.add_format({"bold": True})
        for number, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if cell is not None:
                    sheet.write(number, column, cell, bold)
        sheet.set_column(0, 5, 30)
        other = made.add_worksheet("It's other")
        other.write_row(0, 0, ["kept", 1])
        other.write_formula("C1", "=SUM(Sheet1!A:A)", None, 7)
        chart = made.add_chart({"type": "line"})
        chart.add_series({"values": "=Sheet1!$A$1:$A$2"})
        other.insert_chart("E1", chart)
        made.define_name("Range", "='It''s other'!$A$1:$B$1")
    return path


def connection(path: Path, options: str = "EXCEL 12.0 XML;HDR=YES") -> dict[str, str]:
    text = f'Provider=Microsoft.ACE.OLEDB.12.0;Data Source={path};Extended Properties="{options}";'
    return {"Book": text}


class Rows:
    """Rows for a workbook, without a component."""

    def __init__(self, columns: Sequence[Sequence[Any]]) -> None:
        self.count = len(columns[0])
        self._columns = columns

    def pieces(self) -> Iterator[Sequence[Sequence[Any]]]:
        yield self._columns


def write(
    path: Path,
    *columns: TestColumn,
    table: str = "Sheet1$",
    options: str = "EXCEL 12.0 XML;HDR=YES",
    disposition: str = "FailComponent",
    **values: Sequence[Any],
) -> dict[str, list[tuple[Any, ...]]]:
    plan = destination(
        "ExcelDestination", columns, {"AccessMode": "0", "OpenRowset": table}, "Book", disposition=disposition
    )
    assert not list(ExcelDestination.refusals(plan))
    batch = batch_of(plan.inputs["I"], **values)
    return write_all(ExcelDestination(plan), flow_context(connection(path, options)), batch)


def cells(path: Path, sheet: str = "Sheet1") -> list[list[Any]]:
    found = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet)
    return found.to_python(skip_empty_area=False)


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_each_type_is_written_below_the_last_row(tmp_path: Path) -> None:
    """Facts 3.11: rows are added under the last used row; NULL is an empty cell."""
    path = book(tmp_path, [["n", "t", "b", "d", "m"], [1, "old"]])
    write(
        path,
        N,
        T,
        TestColumn("b", BOOL),
        TestColumn("d", DATE),
        TestColumn("m", MEMO),
        n=[1.5, None],
        t=["<a & b>", " \t\n"],
        b=[True, None],
        d=[DAY, None],
        m=["x" * 300, None],
    )
    assert cells(path) == [
        ["n", "t", "b", "d", "m"],
        [1, "old", "", "", ""],
        [1.5, "<a & b>", True, DAY, "x" * 300],
        ["", " \t\n", "", "", ""],
    ]


def test_the_rest_of_the_workbook_stays(tmp_path: Path) -> None:
    path = book(tmp_path)
    before = parts(path)
    for number in (1, 2):
        write(path, T, N, n=[number], t=["a"])
    after = parts(path)
    assert cells(path) == [["n", "t"], [1, "a"], [2, "a"]]
    assert {name for name in before if before[name] != after[name]} == {"xl/worksheets/sheet1.xml"}
    assert set(after) == set(before)
    assert b"<cols>" in after["xl/worksheets/sheet1.xml"]
    assert b'<dimension ref="A1:B3"/>' in after["xl/worksheets/sheet1.xml"]


PREFIXED = (
    b'<?xml version="1.0" encoding="utf-8"?><x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/'
    b'main"><x:dimension ref="A1"/><x:sheetData>%s</x:sheetData><x:pageMargins left="1"/></x:worksheet>'
)
HEADER = b'<x:row r="1"><x:c r="A1" t="inlineStr"><x:is><x:t>n</x:t></x:is></x:c></x:row>'


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        (HEADER, []),
        (HEADER + b'<x:row r="2" ht="30"/><x:row r="3" ht="40"></x:row><x:row r="9" ht="50"/>', [9]),
        (HEADER.replace(b' r="1"', b"").replace(b' r="A1"', b"") + b"\n", []),
    ],
)
def test_other_programs_write_prefixes_and_rows_without_cells(tmp_path: Path, rows: bytes, kept: list[int]) -> None:
    """New rows take the place of rows that have only a height; later ones stay."""
    path = book(tmp_path)
    old = parts(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in old.items():
            archive.writestr(name, PREFIXED % rows if name == "xl/worksheets/sheet1.xml" else data)
    write(path, N, n=[1, 2])
    assert cells(path) == [["n"], [1], [2]]
    root = etree.fromstring(parts(path)["xl/worksheets/sheet1.xml"])
    numbers = [row.get("r") for row in root.iterfind("{*}sheetData/{*}row")]
    assert numbers[-2 - len(kept) :] == ["2", "3", *map(str, kept)]
    assert root.find("{*}pageMargins") is not None


@pytest.mark.parametrize("size", [1, 3, 17])
def test_a_sheet_is_read_in_parts_of_any_size(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Tags are cut anywhere; attributes have no order, and the rows have other rows and cells in their text."""
    monkeypatch.setattr("airflow_provider_ssis.engine.workbooks.sheet_rows._CHUNK", size)
    row = b'<x:row spans="1:2" r="4"><x:c r="A4" t="inlineStr"><x:is><x:t>&lt;row r="9"&gt;</x:t></x:is></x:c></x:row>'
    data = PREFIXED % (HEADER + row + b'\n <x:row r="7"/>')
    layout = scan(io.BytesIO(data), "Sheet", lambda: None)
    assert (layout.prefix, layout.last_row, [number for number, _ in layout.later_rows]) == ("x:", 4, [7])
    assert data[layout.start_of_rows :].startswith(HEADER)
    assert data[layout.end_of_last_row :].startswith(b'<x:row r="7"/>')
    assert data[layout.end_of_rows :].startswith(b"</x:sheetData>")
    assert layout.dimension is not None
    assert data[slice(*layout.dimension)] == b'<x:dimension ref="A1"/>'


@pytest.mark.parametrize("part", [b"<!-- <row/> -->", b"<![CDATA[x]]>", HEADER + HEADER])
def test_a_sheet_that_no_program_writes_is_not_changed(part: bytes) -> None:
    failure = failure_of(lambda: scan(io.BytesIO(PREFIXED % part), "Sheet", lambda: None))
    assert "Save the file in Excel" in failure.text


def test_a_date_gets_one_format_and_old_dates_are_shown_as_they_are(tmp_path: Path) -> None:
    """Excel counts 29 February 1900; a time is a fraction of the day 0."""
    path = book(tmp_path, [["d"]])
    d = TestColumn("d", DATE)
    days = [dt.datetime(1900, 1, 1, 12), dt.datetime(1900, 3, 1, 12), dt.datetime(9999, 12, 31, 23, 59)]
    write(path, d, d=days)
    size = len(parts(path)["xl/styles.xml"])
    write(path, d, d=[dt.datetime(1899, 12, 30, 6)])
    assert [row[0] for row in cells(path)[1:4]] == days
    assert cells(path)[4][0] == dt.time(6)
    assert len(parts(path)["xl/styles.xml"]) == size


def test_a_workbook_that_counts_from_1904_gets_no_earlier_dates(tmp_path: Path) -> None:
    path, d = tmp_path / "book.xlsx", TestColumn("d", DATE)
    with xlsxwriter.Workbook(path, {"date_1904": True}) as made:
        made.add_worksheet("Sheet1").write(0, 0, "d")
    write(path, d, d=[DAY])
    assert "counts dates from 1904" in failure_of(lambda: write(path, d, d=[dt.datetime(1903, 12, 31)])).chain[0].text
    assert cells(path) == [["d"], [DAY]]


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/styles.xml", "docProps/app.xml"])
def test_a_damaged_part_fails_and_changes_nothing(tmp_path: Path, part: str) -> None:
    path = book(tmp_path)
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(part)
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len(part)
    data[start : start + 20] = bytes([0xFF] * 20)
    path.write_bytes(data)
    rows = ([1.0], ["a"])
    failure = failure_of(lambda: add_rows(path, Place("Sheet1"), [(1, 22), (2, 0)], Rows(rows), CancelToken()))
    assert f"The Excel file {path} cannot be" in failure.text
    assert path.read_bytes() == data
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        (N, float("inf"), 0xC020907A),
        (TestColumn("d", DATE), dt.datetime(1850, 1, 1), 0xC020907A),
        (TestColumn("m", MEMO), "x" * 32768, 0xC0209078),
    ],
)
def test_a_value_that_no_cell_can_have_is_an_error_of_its_row(
    tmp_path: Path, column: TestColumn, value: Any, code: int
) -> None:
    """Fail, redirect and ignore; a failure leaves the file as it was."""
    path = book(tmp_path, [[column.name]])
    before = path.read_bytes()
    values: dict[str, Any] = {column.name: [None, value]}
    assert failure_of(lambda: write(path, column, **values)).code in (0xC0209029, 0xC020902A)
    assert path.read_bytes() == before
    found = write(path, column, disposition="RedirectRow", **values)
    assert [row[-2:] for row in found["E"]] == [(code - 2**32, 11)]
    assert write(path, column, disposition="IgnoreFailure", **values) == {}


def test_text_that_exceeds_the_column_of_the_driver_is_a_truncation(tmp_path: Path) -> None:
    """Facts 2.1: text is wstr(255), also if the flow has longer text."""
    path = book(tmp_path)
    long = TestColumn("t", ColumnType(_T.DT_WSTR, 300))
    plan = destination("ExcelDestination", [long], {"AccessMode": "0", "OpenRowset": "Sheet1$"}, "Book")
    plan.stored.inputs[0].external_columns[0].element.set("length", "255")
    root = plan.stored.element.getroottree().getroot()
    plan = replace(plan, stored=read_pipeline(root, "p.dtsx").components[0])
    batch = batch_of(plan.inputs["I"], t=["x" * 256])
    failure = failure_of(lambda: write_all(ExcelDestination(plan), flow_context(connection(path)), batch))
    assert failure.code == 0xC020902A


def test_the_sheet_takes_rows_until_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel_destination, "MOST_ROWS", 3)
    path = book(tmp_path)
    found = write(path, N, disposition="RedirectRow", n=[1, 2, 3])
    assert found == {"E": [(3.0, 0xC020907B - 2**32, 0)]}
    assert [row[0] for row in cells(path)] == ["n", 1, 2]
    failure = failure_of(lambda: write(path, N, n=[4]))
    assert "1,048,576" in failure.chain[0].text


def test_columns_without_a_header_are_numbered(tmp_path: Path) -> None:
    path = book(tmp_path, [[1, "a"]])
    columns = (TestColumn("t", TEXT, external="F2"), TestColumn("n", R8, external="F1"))
    write(path, *columns, options="EXCEL 12.0 XML;HDR=NO", n=[2], t=["b"])
    assert cells(path) == [[1, "a"], [2, "b"]]
    empty = book(tmp_path, [], name="empty.xlsx")
    write(empty, TestColumn("n", R8, external="F1"), options="EXCEL 12.0 XML;HDR=NO", n=[2])
    assert cells(empty) == [[2]]


def test_a_missing_sheet_or_column_and_other_formats_fail(tmp_path: Path) -> None:
    path = book(tmp_path)
    before = path.read_bytes()
    failure = failure_of(lambda: write(path, N, table="Other$", n=[1]))
    assert failure.code == 0xC02020E8
    assert "Other" in failure.chain[0].text
    assert failure_of(lambda: write(path, TestColumn("m", R8), m=[1])).code == 0xC004706B
    assert "IMEX=1" in failure_of(lambda: write(path, N, options="EXCEL 12.0 XML;IMEX=1", n=[1])).text
    assert path.read_bytes() == before
    for name in ("book.xls", "book.xlsb"):
        other = path.rename(tmp_path / name)
        assert ".xlsx" in failure_of(partial(write, other, N, n=[1])).text
        path = other
    path.write_bytes(b"\xd0\xcf\x11\xe0 with a password")
    path = path.rename(tmp_path / "secret.xlsx")
    assert failure_of(lambda: write(path, N, n=[1])).code == 0xC02020E8


@pytest.mark.parametrize(
    "columns",
    [(TestColumn("g", ColumnType(_T.DT_GUID)),), (TestColumn("b", ColumnType(_T.DT_BYTES, 10)),)],
)
def test_types_that_excel_does_not_have_are_refused(columns: tuple[TestColumn, ...]) -> None:
    plan = destination("ExcelDestination", columns, {"AccessMode": "0", "OpenRowset": "Sheet1$"}, "Book")
    (refusal,) = ExcelDestination.refusals(plan)
    assert columns[0].name in refusal.what


@pytest.mark.parametrize("table", ["Sheet1$A1:B5", "a!b"])
def test_ranges_without_a_name_are_refused(table: str) -> None:
    plan = destination("ExcelDestination", [N], {"AccessMode": "0", "OpenRowset": table}, "Book")
    assert len(list(ExcelDestination.refusals(plan))) == 1


def test_a_cancelled_or_failed_run_leaves_the_file(tmp_path: Path) -> None:
    path = book(tmp_path)
    before = path.read_bytes()
    plan = destination("ExcelDestination", [N], {"AccessMode": "0", "OpenRowset": "Sheet1$"}, "Book")
    context = flow_context(connection(path))
    part = ExcelDestination(plan)
    with pytest.raises(Cancelled), opened(part, context):  # noqa: PT012 the cancelling belongs to the run
        list(part.process("I", batch_of(plan.inputs["I"], n=[1])))
        context.cancel.cancel()
        list(part.finish())
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_two_destinations_write_to_one_workbook(tmp_path: Path) -> None:
    """Each opens the file before the other has written: no row is lost."""
    path = book(tmp_path)
    found = []
    for table, column in (("Sheet1$", N), ("'It''s other$'", TestColumn("k", TEXT, external="kept")), ("Sheet1$", N)):
        plan = destination("ExcelDestination", [column], {"AccessMode": "0", "OpenRowset": table}, "Book")
        part = ExcelDestination(plan)
        part.open(flow_context(connection(path)))
        list(part.process("I", batch_of(plan.inputs["I"], **{column.name: ["a" if column.type == TEXT else 1.0]})))
        found.append(part)
    for part in found:
        list(part.finish())
        part.close(failed=False)
    assert [row[0] for row in cells(path)] == ["n", 1, 1]
    assert [row[0] for row in cells(path, "It's other")] == ["kept", "a"]


def sql(path: Path, statement: str, options: str = "EXCEL 12.0 XML;HDR=YES") -> None:
    package = ProjectBuilder("P").add_package("P")
    manager = package.connection_managers.add_excel("Book", str(path))
    package.add_execute_sql("Table", manager, statement)
    run_task(task_context(package.read(), replacements=connection(path, options)))


CREATE = "CREATE TABLE `Excel Destination` (`n` DOUBLE, `t` NVARCHAR(255))"


@pytest.mark.parametrize(
    "table", ["Excel Destination", "Excel_Destination", "Excel_Destination$", "`Excel Destination$`"]
)
@pytest.mark.parametrize("exists", [True, False])
def test_a_package_creates_a_table_and_fills_it(tmp_path: Path, table: str, exists: bool) -> None:
    """The drivers write underscores for blanks, and make a sheet and a named range."""
    path = book(tmp_path) if exists else tmp_path / "new.xlsx"
    sql(path, CREATE)
    write(path, N, T, table=table, n=[1], t=["a"])
    assert cells(path, "Excel_Destination") == [["n", "t"], [1, "a"]]
    assert b"'Excel_Destination'!$A$1:$B$%d<" % (1 if "$" in table else 2) in parts(path)["xl/workbook.xml"]
    sql(path, f"DROP TABLE `Excel Destination`\nGO\n{CREATE}")
    write(path, N, T, table=table, n=[2], t=["b"])
    assert cells(path, "Excel_Destination") == [["n", "t"], [2, "b"]]
    assert not exists or cells(path) == [["n", "t"]]


@pytest.mark.parametrize("links", [True, False])
def test_a_workbook_that_another_task_creates_meanwhile_gets_both_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """Also where the file system has no links, as some network file systems."""
    path, link = tmp_path / "new.xlsx", os.link

    def linked(source: Path, target: Path) -> None:
        if not links:
            raise OSError(errno.EPERM, "Operation not permitted")
        link(source, target)

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", linked)
        sql(path, "CREATE TABLE Other (a INT)")
        linked(source, target)

    monkeypatch.setattr(os, "link", late)
    sql(path, CREATE)
    assert cells(path, "Other") == [["a"]]
    assert cells(path, "Excel_Destination") == [["n", "t"]]
    assert [each.name for each in tmp_path.iterdir()] == ["new.xlsx"]


def test_a_named_range_is_not_expanded_over_other_cells(tmp_path: Path) -> None:
    path = tmp_path / "new.xlsx"
    sql(path, CREATE)
    write(path, N, table="Excel_Destination$", n=[1])
    assert "cannot be expanded" in failure_of(lambda: write(path, N, table="Excel_Destination", n=[2])).chain[0].text


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELECT * FROM [Sheet1$]", "CREATE TABLE"),
        ("INSERT INTO [Sheet1$] VALUES (1)", "CREATE TABLE"),
        ("CREATE TABLE x (a GEOGRAPHY)", "GEOGRAPHY"),
        ("CREATE TABLE x (a INT, A INT)", "two columns"),
        ("CREATE TABLE `a/b` (a INT)", "is not a sheet name"),
        ("CREATE TABLE x (a INT PRIMARY KEY)", "CREATE TABLE"),
        ("DROP TABLE Missing", "no table"),
        ("CREATE TABLE Sheet1 (a INT)", "not empty"),
        (f"CREATE TABLE x ({', '.join(f'c{n} INT' for n in range(256))})", "255"),
    ],
)
def test_other_statements_fail_and_change_nothing(tmp_path: Path, statement: str, reason: str) -> None:
    path = book(tmp_path)
    before = path.read_bytes()
    assert reason in failure_of(lambda: sql(path, statement)).text
    assert path.read_bytes() == before


def test_statements_of_the_designer_are_read() -> None:
    text = 'CREATE TABLE [A b] (\r\n `x y` LongText,"z" Decimal(18,2), w VARCHAR (10) );\r\nDROP TABLE `A b`'
    assert workbook_statements(text) == [CreateTable("A b", ("x y", "z", "w")), DropTable("A b")]


def test_a_package_of_the_builder_copies_a_file_into_a_new_workbook(tmp_path: Path) -> None:
    """The end of a named table: from a flat file through the data flow, with the sheet's name in a variable."""
    (tmp_path / "rows.csv").write_text("n,t\r\n1,a\r\n2,b\r\n")
    project = ProjectBuilder("P")
    package = project.add_package("P")
    managers = package.connection_managers
    file = managers.add_flat_file(
        "Rows", str(tmp_path / "rows.csv"), [FlatFileColumn("n", "DT_R8"), FlatFileColumn("t", "DT_WSTR", length=255)]
    )
    target = managers.add_excel("Book", str(tmp_path / "new.xlsx"))
    name = package.add_variable("Sheet", "Out$")
    create = package.add_execute_sql("Create", target, "CREATE TABLE Out (n DOUBLE, t LONGTEXT)")
    flow = package.add_data_flow("Copy")
    flow.task.options.delay_validation = True
    rows = flow.add_flat_file_source("Read", file)
    flow.add_excel_destination("Write", rows.output, target, table_variable=name)
    package.add_constraint(create, flow.task)
    project.save(tmp_path)
    result = run_package(next(tmp_path.glob("**/P.dtsx")))
    assert result.succeeded, result.messages
    assert cells(tmp_path / "new.xlsx", "Out") == [["n", "t"], [1, "a"], [2, "b"]]
