"""Flat File Source and Destination. Facts: data flow, sections 2.4 and 3.4."""

from __future__ import annotations

import io
import re
import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.engine.data_flow.flat_files.file_format import FileColumn, FileFormat
from airflow_provider_ssis.engine.data_flow.flat_files.texts import FlatFileTexts
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from tests.support.flow_runs import FlowTest, Rows, integer, text


def _format(
    *delimiters: str,
    qualifier: str = "",
    code_page: int = 65001,
    is_unicode: bool = False,
    header_rows: int = 0,
    header_delimiter: str = "\n",
    has_names: bool = False,
    rows_to_skip: int = 0,
    checks_rows: bool = True,
    widths: tuple[int, ...] = (),
) -> FileFormat:
    widths = widths or (0,) * len(delimiters)
    columns = tuple(
        FileColumn(f"c{index}", delimiter, width, True)
        for index, (delimiter, width) in enumerate(zip(delimiters, widths, strict=True))
    )
    return FileFormat(
        columns,
        code_page,
        is_unicode,
        header_rows,
        header_delimiter,
        has_names,
        rows_to_skip,
        qualifier,
        checks_rows,
        1033,
    )


def _read(
    found: FileFormat, data: bytes, *, exact: bool = False, batch_rows: int = 100, read_bytes: int | None = None
) -> list[list[str]]:
    texts = FlatFileTexts(found, io.BytesIO(data), batch_rows, exact=exact, read_bytes=read_bytes)
    texts.start()
    rows: list[list[str]] = []
    for part in texts.rows():
        rows += [list(row) for row in zip(*(column.to_pylist() for column in part.columns), strict=True)]
    return rows


def _both(found: FileFormat, data: bytes) -> list[list[str]]:
    """The rows, after a check that both readers agree."""
    rows = _read(found, data)
    assert rows == _read(found, data, exact=True)
    return rows


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"1,a\n2,b\n", [["1", "a"], ["2", "b"]]),
        (b"1,a\n2,b", [["1", "a"], ["2", "b"]]),
        (b"", []),
        (b",\n", [["", ""]]),
        (b"1\n2,b\n", [["1", ""], ["2", "b"]]),  # the row ends early
        (b"1,a,x\n", [["1", "a,x"]]),  # the surplus stays in the last column
        (b"\n1,a\n", [["", ""], ["1", "a"]]),
        (b"1,a\r\n", [["1", "a\r"]]),
        (b"1,a\n2", [["1", "a"]]),  # a partial row at the end is not read
        (b'1,"a"\n', [["1", '"a"']]),  # there is no qualifier
    ],
)
def test_delimited_rows(data: bytes, rows: list[list[str]]) -> None:
    assert _both(_format(",", "\n"), data) == rows


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b'"1","a"\n', [["1", "a"]]),
        (b'"1","a,b"\n', [["1", "a,b"]]),
        (b'"1","a\nb"\n"2","c"\n', [["1", "a\nb"], ["2", "c"]]),
        (b'"1","a ""b"""\n', [["1", 'a "b"']]),
        (b'"",""\n', [["", ""]]),
        (b'"""",""\n', [['"', ""]]),
        (b'1,a"b\n', [["1", 'a"b']]),
        (b'1, "a"\n', [["1", ' "a"']]),
        (b'"1"\n"2","b"\n', [["1", ""], ["2", "b"]]),
    ],
)
def test_qualified_rows(data: bytes, rows: list[list[str]]) -> None:
    assert _both(_format(",", "\n", qualifier='"'), data) == rows


@pytest.mark.parametrize(
    ("data", "code"), [(b'"1","a\n', 0xC0202011), (b'"1"x,"a"\n', 0xC0202055), (b'"1","a"x\n', 0xC0202055)]
)
def test_wrong_qualifiers_fail(data: bytes, code: int) -> None:
    with pytest.raises(TaskFailure) as raised:
        _read(_format(",", "\n", qualifier='"'), data)
    assert raised.value.code == code


def test_without_the_check_the_next_line_belongs_to_the_row() -> None:
    assert _both(_format(",", "\n", checks_rows=False), b"1\n2,b\n") == [["1\n2", "b"]]


def test_each_column_can_have_another_delimiter_of_several_characters() -> None:
    assert _both(_format("::", "|", "\r\n"), b"1::a|x\r\n2::b::c|y\r\n") == [["1", "a", "x"], ["2", "b::c", "y"]]


def test_the_header_has_its_own_delimiter() -> None:
    found = _format(",", "\n", header_rows=1, header_delimiter="\r\n", has_names=True, rows_to_skip=1)
    assert _both(found, b"Title\r\nId,Name\r\n0,skipped\n1,a\n") == [["1", "a"]]


def test_a_file_that_ends_in_its_header_has_no_rows() -> None:
    texts = FlatFileTexts(_format(",", "\n", header_rows=3), io.BytesIO(b"one\ntwo"), 10)
    texts.start()
    assert texts.ends_in_header
    assert not list(texts.rows())


@pytest.mark.parametrize(
    ("code_page", "encoded"),
    [
        (1252, "é€".encode("cp1252")),
        (65001, "é€".encode()),
        (1251, "жя".encode("cp1251")),
        (932, "表|表".encode("cp932")),
    ],
)
def test_code_pages(code_page: int, encoded: bytes) -> None:
    name = {1252: "cp1252", 65001: "utf-8", 1251: "cp1251", 932: "cp932"}[code_page]
    rows = _both(_format("|", "\n", code_page=code_page), b"1|" + encoded.replace(b"|", b"") + b"\n")
    assert rows == [["1", encoded.replace(b"|", b"").decode(name)]]


def test_a_code_page_of_ebcdic_is_read_and_written(flow: FlowTest) -> None:
    data = "  ,a\n-.,ä\n".encode("cp500")
    columns = [text("a"), text("b")]
    source = flow.source("Mainframe", data, columns, code_page=500)
    flow.rows_of("Rows", source.output)
    assert _written(flow, "  ,a\n-.,ä\n", columns, code_page=500, row_delimiter="\n") == data
    assert flow.run().rows["Rows"] == [("  ", "a"), ("-.", "ä")]


def test_a_byte_of_a_character_is_not_a_delimiter() -> None:
    # The second byte of this character in code page 932 is that of the vertical bar.
    character = b"\x83\x7c".decode("cp932")
    assert _both(_format("|", "\n", code_page=932), b"\x83\x7c|x\n") == [[character, "x"]]


def test_unicode_files() -> None:
    data = "\ufeff1,日本\n2,😀\n".encode("utf-16-le")
    assert _both(_format(",", "\n", is_unicode=True), data) == [["1", "日本"], ["2", "😀"]]
    for wrong, code in (("\ufeff1".encode("utf-16-be"), 0xC020902D), (b"\xef\xbb\xbf1", 0xC020902E)):
        with pytest.raises(TaskFailure) as raised:
            _read(_format(",", "\n", is_unicode=True), wrong)
        assert raised.value.code == code


def test_the_byte_order_mark_of_utf_8_is_not_text() -> None:
    assert _both(_format(",", "\n"), b"\xef\xbb\xbf1,a\n") == [["1", "a"]]


def test_fixed_widths_count_bytes_and_have_no_row_delimiter() -> None:
    found = _format("", "", "", widths=(2, 3, 2))
    assert _both(found, b"1 abc\r\n2 d  \r\n") == [["1 ", "abc", "\r\n"], ["2 ", "d  ", "\r\n"]]
    found = _format("", "", widths=(3, 1), code_page=65001)
    assert _both(found, "é1x".encode()) == [["é1", "x"]]
    found = _format("", "", widths=(2, 1), is_unicode=True)
    assert _both(found, "😀x".encode("utf-16-le")) == [["😀", "x"]]


def test_ragged_right_rows_end_at_the_row_delimiter() -> None:
    found = _format("", "", "\n", widths=(2, 2, 0))
    assert _both(found, b"aabbccc\naab\naabb\n") == [["aa", "bb", "ccc"], ["aa", "b", ""], ["aa", "bb", ""]]


_FIELDS = st.text(st.sampled_from('a1,"\r\n é|\0'), max_size=4)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(_FIELDS, min_size=1, max_size=3), max_size=8),
    qualifier=st.sampled_from(["", '"']),
    row_delimiter=st.sampled_from(["\n", "\r\n"]),
    quotes=st.booleans(),
    batch_rows=st.integers(1, 4),
    ends=st.booleans(),
    checks=st.booleans(),
    read_bytes=st.integers(1, 9),
)
def test_both_readers_agree_on_any_text(
    rows: list[list[str]],
    qualifier: str,
    row_delimiter: str,
    quotes: bool,
    batch_rows: int,
    ends: bool,
    checks: bool,
    read_bytes: int,
) -> None:
    """Well-formed rows and others: the same rows, or the same error."""

    def written(field: str) -> str:
        return f'"{field.replace(chr(34), chr(34) * 2)}"' if quotes else field

    content = row_delimiter.join(",".join(map(written, row)) for row in rows) + (row_delimiter if ends else "")
    found = _format(",", row_delimiter, qualifier=qualifier, checks_rows=checks)
    outcomes: list[Any] = []
    for exact, size in ((False, None), (True, None), (False, read_bytes), (True, read_bytes)):
        try:
            outcomes.append(_read(found, content.encode(), exact=exact, batch_rows=batch_rows, read_bytes=size))
        except TaskFailure as failure:
            outcomes.append(failure.code)
    assert outcomes == [outcomes[0]] * len(outcomes)


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=60),
    widths=st.lists(st.integers(0, 3), min_size=1, max_size=3),
    code_page=st.sampled_from([65001, 1252, 932]),
)
def test_any_bytes_give_rows_or_a_failure_of_the_task(data: bytes, widths: list[int], code_page: int) -> None:
    delimiters = ["" if width else "," for width in widths[:-1]] + ["\n"]
    found = _format(*delimiters, widths=(*widths[:-1], 0), code_page=code_page, qualifier='"')
    try:
        rows = _read(found, data)
    except (TaskFailure, UnicodeDecodeError):
        return
    assert all(len(row) == len(widths) for row in rows)
    assert _read(found, data, read_bytes=1) == rows


# -- the components ----------------------------------------------------------------------------------------------------


@pytest.fixture
def flow(tmp_path: Path) -> FlowTest:
    return FlowTest(tmp_path)


def _rows(flow: FlowTest, content: str | bytes, columns: list[FlatFileColumn], **options: Any) -> Rows:
    source = flow.source("In", content, columns, **options)
    flow.rows_of("Out", source.output)
    result = flow.run()
    assert result.failure is None, result.errors
    return result.rows["Out"]


def test_empty_fields_are_null_or_the_zero_of_their_type(tmp_path: Path) -> None:
    types = ["DT_I4", "DT_R8", "DT_NUMERIC", "DT_BOOL", "DT_WSTR", "DT_DBTIMESTAMP"]
    columns = [FlatFileColumn(name, name) for name in types]
    content = "," * (len(types) - 1) + "\n"
    kept = FlowTest(tmp_path)
    assert _rows(kept, content, columns, retain_nulls=True) == [(None,) * len(types)]
    zero = FlowTest(tmp_path)
    row = _rows(zero, content, columns, retain_nulls=False)[0]
    assert [str(value) for value in row] == ["0", "0.0", "0", "False", "", "1753-01-01 00:00:00"]


def test_an_early_row_end_leaves_the_rest_empty(flow: FlowTest) -> None:
    assert _rows(flow, "1,a\n2\n", [integer("n"), text("s")]) == [(1, "a"), (2, None)]


@pytest.mark.parametrize(
    ("disposition", "rows"), [("IgnoreFailure", [("abc",), ("abc",)]), ("RedirectRow", [("abc",)])]
)
def test_text_that_is_too_long_follows_the_truncation_disposition(flow: FlowTest, disposition: str, rows: Rows) -> None:
    source = flow.source("In", "abc\nabcd\n", [text("s", 3)])
    source.set_dispositions("FailComponent", disposition)
    flow.rows_of("Out", source.output)
    flow.rows_of("Bad", source.error_output)
    result = flow.run()
    assert result.failure is None
    assert result.rows["Out"] == rows
    redirected = [row[:2] for row in result.rows["Bad"]]
    assert redirected == ([("abcd", 0xC0209085 - 2**32)] if disposition == "RedirectRow" else [])


def test_redirected_rows_have_the_text_of_the_file_and_the_first_error(flow: FlowTest) -> None:
    source = flow.source("In", '1,a\nx,"b"\n3,c\n', [integer("n"), text("s")], text_qualifier='"')
    source.set_dispositions("RedirectRow")
    flow.rows_of("Out", source.output)
    flow.rows_of("Bad", source.error_output)
    result = flow.run()
    assert result.rows["Out"] == [(1, "a"), (3, "c")]
    [(raw, code, column)] = result.rows["Bad"]
    assert (raw, code) == ('x,"b"', 0xC0209084 - 2**32)
    assert isinstance(column, int)
    assert column > 0


def test_ignored_errors_are_null(flow: FlowTest) -> None:
    source = flow.source("In", "1\nx\n99999999999\n", [integer("n")])
    source.set_dispositions("IgnoreFailure")
    flow.rows_of("Out", source.output)
    assert flow.run().rows["Out"] == [(1,), (None,), (None,)]


def test_a_missing_file_fails_the_pre_execute_phase(flow: FlowTest) -> None:
    source = flow.flow.add_flat_file_source("In", flow.file("None", [text("s")]))
    flow.rows_of("Out", source.output)
    result = flow.run()
    assert result.failure is not None
    assert [said.code for said in result.errors] == [0xC020200E, 0xC004701A]


def test_the_name_of_the_file_is_a_column(flow: FlowTest) -> None:
    (flow.folder / "In.txt").write_text("1\n")
    source = flow.flow.add_flat_file_source("In", flow.file("In", [integer("n")]), file_name_column="File")
    flow.rows_of("Out", source.output)
    assert flow.run().rows["Out"] == [(1, str(flow.folder / "In.txt"))]


def test_several_files_by_name_and_by_wildcard(flow: FlowTest) -> None:
    for name, content in (("one", "1\n"), ("two", "2\n"), ("three", "3\n")):
        (flow.folder / f"{name}.txt").write_text(content)
    connection = flow.file("In", [integer("n")])
    flow.rows_of("Out", flow.flow.add_flat_file_source("In", connection, file_name_column="File").output)
    paths = f"{flow.folder}/one.txt|{flow.folder}/t*.txt"
    flow.change = lambda xml: xml.replace('CreationName="FLATFILE"', 'CreationName="MULTIFLATFILE"').replace(
        f"{flow.folder}/In.txt", paths
    )
    rows = flow.run().rows["Out"]
    assert [(number, Path(path).name) for number, path in rows] == [(1, "one.txt"), (3, "three.txt"), (2, "two.txt")]


def test_columns_with_the_fast_parse(flow: FlowTest) -> None:
    source = flow.source("In", "  7,20010203\n", [integer("n"), FlatFileColumn("d", "DT_DBDATE")])
    flow.rows_of("Out", source.output)
    flow.change = lambda xml: xml.replace('name="FastParse">false<', 'name="FastParse">true<')
    assert flow.run().rows["Out"] == [(7, date(2001, 2, 3))]


def test_the_binary_format_is_refused(flow: FlowTest) -> None:
    flow.rows_of("Out", flow.source("In", "1\n", [integer("n")]).output)
    flow.change = lambda xml: xml.replace('name="UseBinaryFormat">false<', 'name="UseBinaryFormat">true<')
    assert "the property UseBinaryFormat of the column 'n'" in flow.refusals()[0]


def test_a_doubled_qualifier_is_written_if_it_is_escaped(flow: FlowTest) -> None:
    columns = [FlatFileColumn("s", "DT_WSTR")]
    flow.change = lambda xml: xml.replace(
        '<property dataType="System.Boolean" name="Overwrite">',
        '<property dataType="System.Boolean" name="EscapeQualifier">true</property>'
        '<property dataType="System.Boolean" name="Overwrite">',
    )
    assert _written(flow, 'a"b\n', columns, text_qualifier='"') == b'"a""b"\r\n'


def test_columns_without_a_column_in_the_file_are_refused_at_validation(flow: FlowTest) -> None:
    source = flow.source("In", "1\n", [integer("n"), text("s")])
    flow.rows_of("Out", source.output)
    flow.change = lambda xml: re.sub(r'<DTS:FlatFileColumn [^>]*DTS:ObjectName="s"[^>]*/>', "", xml)
    result = flow.run()
    assert [said.code for said in result.errors] == [0xC020820A, 0xC004706B, 0xC004700C]


def test_the_number_of_rows_counts_a_row_of_names(flow: FlowTest) -> None:
    source = flow.source("In", "n\n1\n2\n", [integer("n")], header=True)
    flow.rows_of("Out", source.output)
    said = flow.run().context.said
    assert [each.text.rpartition(" is ")[2] for each in said if each.code == 0x402090DE] == ["3."]


def test_a_partial_row_is_a_warning(flow: FlowTest) -> None:
    source = flow.source("In", "1,a\n2", [integer("n"), text("s")])
    flow.rows_of("Out", source.output)
    result = flow.run()
    assert result.rows["Out"] == [(1, "a")]
    assert 0x8020200F in result.context.codes("warning")


def test_a_wrong_code_page_is_a_truncation_of_the_column(flow: FlowTest) -> None:
    source = flow.source("In", b"1,\xff\n", [integer("n"), text("s")])
    flow.rows_of("Out", source.output)
    assert [said.code for said in flow.run().errors] == [0xC02020A1, 0xC020902A, 0xC0202092, 0xC0047038]


def _written(flow: FlowTest, content: str, columns: list[FlatFileColumn], **options: Any) -> bytes:
    source = flow.source("In", content, columns)
    destination = {"row_delimiter": "\r\n", **options}
    flow.flow.add_flat_file_destination("Out", source.output, flow.file("Target", columns, **destination))
    result = flow.run()
    assert result.failure is None, result.errors
    return (flow.folder / "Target.txt").read_bytes()


def test_a_destination_writes_names_qualifiers_and_null_as_empty(flow: FlowTest) -> None:
    columns = [integer("n"), FlatFileColumn("s", "DT_WSTR")]
    assert _written(flow, "1,a\n,b\n", columns, header=True, text_qualifier='"') == (
        b'"n","s"\r\n"1","a"\r\n"","b"\r\n'
    )


def test_a_destination_ends_the_row_of_names_with_the_delimiter_of_the_header(flow: FlowTest) -> None:
    def change(found: str) -> str:
        return found.replace('HeaderRowDelimiter="_x000A_"', 'HeaderRowDelimiter="_x000D__x000A_"')

    flow.change = change
    columns = [integer("n"), text("s")]
    assert _written(flow, "1,a\n2,b\n", columns, header=True, row_delimiter="\n") == b"n,s\r\n1,a\n2,b\n"


def test_a_destination_pads_fixed_widths(flow: FlowTest) -> None:
    columns = [FlatFileColumn("n", "DT_I4", width=4), FlatFileColumn("s", "DT_WSTR", width=3)]
    assert _written(flow, "1,a\n22,é\n", columns, file_format="FixedWidth", code_page=1252) == b"1   a  22  \xe9  "


def test_a_destination_writes_unicode(flow: FlowTest) -> None:
    assert _written(flow, "1,日\n", [integer("n"), text("s")], unicode=True) == "\ufeff1,日\r\n".encode("utf-16-le")


def test_a_character_that_the_code_page_lacks_fails_with_its_row(flow: FlowTest) -> None:
    source = flow.source("In", "1,a\n2,日\n", [integer("n"), text("s")])
    target = flow.file("Target", [integer("n"), text("s")], code_page=1252)
    flow.flow.add_flat_file_destination("Out", source.output, target)
    result = flow.run()
    assert [said.code for said in result.errors] == [0xC02020A1, 0xC0047022]
    assert "In row 2, the code page 1252 lacks a character" in result.errors[0].text


@pytest.mark.parametrize("part", ["header", "names", "fixed names"])
def test_a_header_that_the_code_page_lacks_is_named(flow: FlowTest, part: str) -> None:
    source = flow.source("In", "x\n", [text("日")])
    column = FlatFileColumn("日", "DT_WSTR", width=3) if part == "fixed names" else text("日")
    options = {"file_format": "FixedWidth"} if part == "fixed names" else {}
    target = flow.file("Target", [column], code_page=1252, header=part != "header", **options)
    flow.flow.add_flat_file_destination("Out", source.output, target, header="日" if part == "header" else "")
    failure = flow.run().failure
    assert failure is not None
    assert "code page 1252 lacks a character of the header" in failure.text


def test_a_destination_appends(flow: FlowTest) -> None:
    (flow.folder / "Target.txt").write_text("0\n")
    source = flow.source("In", "1\n", [integer("n")])
    flow.flow.add_flat_file_destination("Out", source.output, flow.file("Target", [integer("n")]), overwrite=False)
    flow.run()
    assert (flow.folder / "Target.txt").read_text() == "0\n1\n"


def test_a_full_disk_is_reported_with_its_code(flow: FlowTest) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    source = flow.source("In", "1\n", [integer("n")])
    target = flow.file("Target", [integer("n")])
    flow.flow.add_flat_file_destination("Out", source.output, target)
    (flow.folder / "Target.txt").symlink_to("/dev/full")
    result = flow.run()
    assert result.failure is not None
    assert result.failure.code == 0xC02090AD


def test_text_forms_of_all_types(flow: FlowTest) -> None:
    types = {
        "DT_I4": "-5",
        "DT_R8": "1.5",
        "DT_CY": "1.5000",
        "DT_NUMERIC": "12",
        "DT_BOOL": "True",
        "DT_DBDATE": "2001-02-03",
        "DT_DBTIME": "04:05:06",
        "DT_DBTIMESTAMP": "2001-02-03 04:05:06",
        "DT_GUID": "{00112233-4455-6677-8899-AABBCCDDEEFF}",
    }
    content = ",".join(types.values())
    columns = [FlatFileColumn(name, name) for name in types]
    assert _written(flow, content + "\n", columns) == content.encode() + b"\r\n"


def test_memory_stays_flat(flow: FlowTest) -> None:
    source = flow.source("In", "1234567,abcdefgh\n" * 200_000, [integer("n"), text("s")])
    target = flow.file("Target", [integer("n"), text("s")])
    flow.flow.add_flat_file_destination("Out", source.output, target)
    tracemalloc.start()
    try:
        assert flow.run().failure is None
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 10_000_000
    assert (flow.folder / "Target.txt").stat().st_size == (flow.folder / "In.txt").stat().st_size


def test_a_missing_file_names_the_one_in_other_case(tmp_path: Path) -> None:
    flow = FlowTest(tmp_path)
    read = flow.source("Read", "1\n", [integer("n")])
    flow.flow.add_recordset_destination("Keep", read.output, flow.package.add_variable("Rows", None))
    (tmp_path / "Read.txt").rename(tmp_path / "READ.TXT")
    failure = flow.run().failure
    assert failure is not None
    assert any(f"Did you mean {tmp_path / 'READ.TXT'}?" in said.text for said in flow.run().errors)


def test_a_source_without_a_connection_manager_fails_the_validation(tmp_path: Path) -> None:
    """Also if nothing uses its rows: Integration Services validates all components."""
    flow = FlowTest(tmp_path)
    flow.source("Read", "1\n", [integer("n")])
    flow.change = lambda xml: re.sub(r'connectionManager(ID|RefId)="[^"]*"', "", xml)
    failure = flow.run().failure
    assert failure is not None
    assert failure.code == 0xC020801B


_FIRST, _SECOND = "DTS:ObjectName=", "DTS:ObjectName ="


def _renamed(**names: str) -> Callable[[str], str]:
    """Give columns of the connection managers other names than the components have."""

    def change(xml: str) -> str:
        for old, new in names.items():
            xml = xml.replace(f'{_FIRST}"{old}"', f'{_SECOND}"{new}"')
        return xml.replace(_SECOND, _FIRST)

    return change


def test_a_source_reads_the_columns_of_the_file_by_name(flow: FlowTest) -> None:
    flow.rows_of("Out", flow.source("In", "x,7,y\nz,8,\n", [integer("n"), text("s"), text("t")]).output)
    flow.change = _renamed(n="S", s="n")
    assert flow.run().rows["Out"] == [(7, "x", "y"), (8, "z", None)]


def test_a_destination_writes_the_columns_of_the_file_by_name(flow: FlowTest) -> None:
    source = flow.source("In", "7,x\n", [integer("a"), text("b")])
    target = flow.file("Target", [integer("n"), text("s")], header=True)
    flow.flow.add_flat_file_destination("Out", source.output, target, mappings={"a": "n", "b": "s"})
    flow.change = _renamed(n="s", s="n")
    assert flow.run().failure is None
    assert (flow.folder / "Target.txt").read_bytes() == b"s,n\nx,7\n"


@pytest.mark.parametrize("is_target", [False, True])
def test_a_column_that_the_connection_manager_does_not_have_fails_the_validation(
    flow: FlowTest, is_target: bool
) -> None:
    source = flow.source("In", "7,x\n", [integer("a"), text("b")])
    flow.flow.add_flat_file_destination(
        "Out", source.output, flow.file("Target", [integer("n"), text("s")]), mappings={"a": "n", "b": "s"}
    )
    flow.change = _renamed(s="other") if is_target else _renamed(b="other")
    failure = flow.run().failure
    assert failure is not None
    assert failure.code == 0xC020820B
    name, column = ("Out", "s") if is_target else ("In", "b")
    assert f'The connection manager of {name} has no column "{column}", but "other" at its place.' in str(failure)


def _without_validation(change: Callable[[str], str]) -> Callable[[str], str]:
    flag = 'componentClassID="Microsoft.FlatFileSource"'
    return lambda xml: change(xml.replace(flag, flag + ' validateExternalMetadata="False"'))


def test_a_source_without_validation_reads_columns_of_other_names_by_their_place(flow: FlowTest) -> None:
    flow.rows_of("Out", flow.source("In", "7,x\n", [integer("n"), text("s")]).output)
    flow.change = _without_validation(_renamed(s="other"))
    assert flow.run().rows["Out"] == [(7, "x")]


def test_a_source_without_validation_refuses_a_column_at_another_place(flow: FlowTest) -> None:
    flow.rows_of("Out", flow.source("In", "7,8\n", [integer("n"), integer("m")]).output)
    flow.change = _without_validation(_renamed(n="m", m="n"))
    failure = flow.run().failure
    assert failure is not None
    assert failure.code == 0xC020820B
    assert 'The connection manager of In has "n" as column 2, but "m" at its place.' in str(failure)


@pytest.mark.parametrize(("column", "of_file"), [("Amount", "AMOUNT"), ("Straße", "STRASSE")])
def test_names_of_columns_are_compared_without_their_case(flow: FlowTest, column: str, of_file: str) -> None:
    flow.rows_of("Out", flow.source("In", "x,7\n", [text(column), integer("n")]).output)
    flow.change = _renamed(**{column: of_file})
    assert flow.run().rows["Out"] == [("x", 7)]
