"""Import Column and Export Column in whole data flows. Facts: data flow, sections 1.13 and 3.23."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_ssis.project.builder.flow_columns import Column
from tests.support.flow_runs import FlowResult, FlowTest, integer, text


@pytest.fixture
def flow(tmp_path: Path) -> FlowTest:
    return FlowTest(tmp_path)


def _import(
    flow: FlowTest, paths: str, type_: str, disposition: str = "", *, bom: bool = False, columns: str = "path content"
) -> FlowResult:
    code_page = 1252 if type_ == "DT_TEXT" else 0
    source = flow.source("In", paths, [integer("n"), text("path", 200)])
    new = Column("content", type_, code_page=code_page)
    column = flow.flow.add_import_column("Import", source.output, {new: "path"}, expect_bom=bom)
    flow.rows_of("Out", column.output)
    if disposition:
        for name in columns.split():
            column.set_dispositions(error=disposition, column=name)
        flow.rows_of("Errors", column.error_output)
    return flow.run()


@pytest.mark.parametrize(
    ("type_", "stored", "bom", "value"),
    [
        ("DT_IMAGE", b"\x00\xff", False, b"\x00\xff"),
        ("DT_TEXT", "Grüße".encode("cp1252"), False, "Grüße"),
        ("DT_NTEXT", "Grüße".encode("utf-16-le"), False, "Grüße"),
        ("DT_NTEXT", b"\xff\xfe" + "Grüße".encode("utf-16-le"), True, "Grüße"),
    ],
)
def test_files_become_values(flow: FlowTest, type_: str, stored: bytes, bom: bool, value: object) -> None:
    (flow.folder / "a.bin").write_bytes(stored)
    path = str(flow.folder / "a.bin")
    result = _import(flow, f"1,{path}\n2,\n", type_, bom=bom)
    assert result.failure is None
    assert result.rows["Out"] == [(1, path, value), (2, None, None)]


def test_files_that_cannot_be_read_are_redirected_with_their_codes(flow: FlowTest) -> None:
    (flow.folder / "no bom").write_bytes(b"ab")
    paths = [str(flow.folder / name) for name in ("missing", "no bom", "folder/missing", ".")]
    result = _import(
        flow, "".join(f"{number},{path}\n" for number, path in enumerate(paths)), "DT_NTEXT", "RedirectRow", bom=True
    )
    assert result.rows["Out"] == []
    codes = [row[-2] + 2**32 for row in result.rows["Errors"]]
    assert codes == [0xC02090BC, 0xC02090C4, 0xC02090BE, 0xC02090C2]


@pytest.mark.parametrize(
    ("columns", "bom", "code"), [("path", True, 0xC02090C3), ("path", False, 0), ("content", False, 0xC02090BB)]
)
def test_the_column_of_the_content_decides_about_files_that_are_open(
    flow: FlowTest, columns: str, bom: bool, code: int
) -> None:
    (flow.folder / "no bom").write_bytes(b"ab")
    path = flow.folder / ("no bom" if bom else "missing")
    result = _import(flow, f"1,{path}\n", "DT_NTEXT", "RedirectRow", bom=bom, columns=columns)
    assert (result.errors[0].code if result.errors else 0) == code
    assert len(result.rows["Errors"]) == (not code)


def test_a_file_that_cannot_be_read_fails_the_component(flow: FlowTest) -> None:
    result = _import(flow, f"1,{flow.folder / 'missing'}\n", "DT_IMAGE")
    assert [said.code for said in result.errors][:2] == [0xC02090BB, 0xC0209029]


def test_ignored_files_give_null(flow: FlowTest) -> None:
    path = str(flow.folder / "missing")
    assert _import(flow, f"1,{path}\n", "DT_IMAGE", "IgnoreFailure").rows["Out"] == [(1, path, None)]


def _export(flow: FlowTest, rows: str, **options: bool) -> FlowResult:
    source = flow.source("In", rows, [text("path", 200), text("content")])
    converted = flow.flow.add_data_conversion("Convert", source.output, {Column("long", "DT_NTEXT"): "content"})
    column = flow.flow.add_export_column("Export", converted.output, {"long": "path"}, **options)
    flow.rows_of("Out", column.output)
    return flow.run()


@pytest.mark.parametrize("none", ["0", r"#{Package\Data Flow\0:invalid}"])
@pytest.mark.parametrize("refers_to_input", [False, True])
def test_values_become_files(flow: FlowTest, none: str, refers_to_input: bool) -> None:
    def changed(stored: str) -> str:
        text = re.sub(r'(name="FileDataColumnID"[^>]*>)0<', lambda found: f"{found[1]}{none}<", stored)
        # Visual Studio refers to the input column, not to the column of the flow.
        own = r"#{Package\Load\Export.Inputs[Export Column Input].Columns[long]}"
        lineage = r'(name="FileDataColumnID"[^>]*>)#\{[^}]*Convert[^}]*\}'
        return re.sub(lineage, lambda found: found[1] + own, text) if refers_to_input else text

    flow.change = changed
    path = flow.folder / "a.txt"
    result = _export(flow, f"{path},Grüße\n", write_bom=True)
    assert result.failure is None
    assert path.read_bytes() == b"\xff\xfe" + "Grüße".encode("utf-16-le")
    assert result.rows["Out"][0][:2] == (str(path), "Grüße")


@pytest.mark.parametrize(
    ("options", "content"), [({"append": True}, "old1st2nd"), ({"truncate": True}, "2nd")], ids=str
)
def test_an_existing_file_is_appended_to_or_replaced(flow: FlowTest, options: dict[str, bool], content: str) -> None:
    path = flow.folder / "a.txt"
    path.write_bytes("old".encode("utf-16-le"))
    assert _export(flow, f"{path},1st\n{path},2nd\n", **options).failure is None
    assert path.read_bytes().decode("utf-16-le") == content


@pytest.mark.parametrize(("name", "code"), [("old.txt", 0xC02090A6), ("missing/a.txt", 0xC02090A0)])
def test_a_file_that_cannot_be_written_fails_the_component(flow: FlowTest, name: str, code: int) -> None:
    (flow.folder / "old.txt").write_bytes(b"old")
    result = _export(flow, f"{flow.folder / name},new\n")
    assert [said.code for said in result.errors][:2] == [code, 0xC0209029]
    assert (flow.folder / "old.txt").read_bytes() == b"old"
