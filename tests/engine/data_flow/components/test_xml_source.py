"""XML sources: facts in data_flow.md, 3.23; Microsoft Learn, "XML Source"."""

from __future__ import annotations

import datetime as dt
import io
import tracemalloc
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.engine.data_flow.xml_documents.reading import read_rows
from airflow_provider_ssis.engine.data_flow.xml_documents.schema import tables_of_schema
from airflow_provider_ssis.engine.errors import Cancelled
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.package.document import read_dts_package
from airflow_provider_ssis.project.safe_xml import parse_xml
from tests.support.engine import failure_of, run_task, task_context, task_of

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
ORDERS_SCHEMA = f"""<xs:schema {XS} attributeFormDefault="unqualified" elementFormDefault="qualified">
  <xs:element name="orders"><xs:complexType><xs:sequence>
    <xs:element minOccurs="0" maxOccurs="unbounded" name="order"><xs:complexType>
      <xs:sequence>
        <xs:element name="customer" type="xs:string" minOccurs="0"/>
        <xs:element name="total" type="money" minOccurs="0"/>
        <xs:element maxOccurs="unbounded" name="item" type="item"/>
        <xs:element minOccurs="0" maxOccurs="unbounded" name="tag" type="xs:string"/>
      </xs:sequence>
      <xs:attribute name="id" type="xs:int" use="required"/>
    </xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
  <xs:simpleType name="money"><xs:restriction base="xs:decimal"/></xs:simpleType>
  <xs:complexType name="item"><xs:simpleContent><xs:extension base="xs:string">
    <xs:attribute name="count" type="xs:unsignedByte"/>
  </xs:extension></xs:simpleContent></xs:complexType>
</xs:schema>"""
ORDERS = """<?xml version="1.0" encoding="utf-8"?>
<orders>
  <order id="7"><customer>Ann &amp; Bob</customer><total>12.50</total><unknown><item>no</item></unknown>
    <item count="2">pen</item><item>ink<!-- blue --> pad</item><tag>a</tag><tag>b</tag></order>
  <order id="8"><customer/><item count="1"><![CDATA[<cup>]]></item></order>
</orders>"""
KEY = Column("order_Id", "DT_UI8")
OUTPUTS = {
    "order": [Column("id", "DT_I4"), Column("customer"), Column("total", "DT_DECIMAL", scale=2), KEY],
    "item": [Column("count", "DT_UI1"), Column("text"), KEY, Column("item_Id", "DT_UI8")],
    "tag": [Column("tag"), KEY],
}
ROWS = {
    "order": [(7, "Ann & Bob", Decimal("12.50"), 1), (8, None, None, 2)],
    "item": [(2, "pen", 1, 1), (None, "ink pad", 1, 2), (1, "<cup>", 2, 3)],
    "tag": [("a", 1), ("b", 1)],
}


def read(
    folder: Path,
    document: Any,
    schema: str,
    outputs: Mapping[str, Sequence[Column]],
    *,
    mode: int = 0,
    changes: Mapping[str, str] | None = None,
    with_errors: bool = False,
) -> dict[str, list[tuple[Any, ...]]]:
    """Run a package with an XML Source; returns the rows of each output. Changes are made in its text."""
    path = folder / "rows.xml"
    path.write_bytes(document.encode() if isinstance(document, str) else document)
    if schema:
        (folder / "rows.xsd").write_text(schema)
    package = ProjectBuilder("P").add_package("P")
    variable = package.add_variable("Xml", document if mode == 2 else str(path))
    flow = package.add_data_flow("Load")
    found = flow.add_xml_source(
        "Xml",
        outputs,
        path=str(path) if mode == 0 else "",
        path_variable=variable if mode == 1 else None,
        data_variable=variable if mode == 2 else None,
        schema=str(folder / "rows.xsd") if schema else "",
    )
    names = [name for name in found.outputs if with_errors or not name.endswith("Error Output")]
    for number, name in enumerate(names):
        flow.add_recordset_destination(name, found.outputs[name], package.add_variable(f"Rows{number}", None))
    stored = package.to_bytes().decode()
    for old, new in (changes or {}).items():
        assert old in stored, old
        stored = stored.replace(old, new)
    context = task_context(read_dts_package(stored.encode(), "P.dtsx"))
    run_task(context)
    return {name: list(context.variables[f"User::Rows{number}"]) for number, name in enumerate(names)}


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_each_element_with_children_or_repeats_is_an_output(tmp_path: Path, mode: int) -> None:
    """Children have the key of their parent; unknown elements are ignored, missing and empty ones are NULL."""
    assert read(tmp_path, ORDERS, ORDERS_SCHEMA, OUTPUTS, mode=mode) == ROWS


def test_an_output_that_is_deleted_is_not_read(tmp_path: Path) -> None:
    assert read(tmp_path, ORDERS, ORDERS_SCHEMA, {"tag": OUTPUTS["tag"]}) == {"tag": ROWS["tag"]}


def test_the_schema_can_be_in_the_document(tmp_path: Path) -> None:
    document = ORDERS.replace("<orders>", f"<orders>{ORDERS_SCHEMA}")
    assert read(tmp_path, document, "", OUTPUTS) == ROWS
    failure = failure_of(lambda: read(tmp_path, ORDERS, "", OUTPUTS))
    assert failure.code == 0xC02092A3
    late = ORDERS.replace("</orders>", f"{ORDERS_SCHEMA}</orders>")
    assert failure_of(lambda: read(tmp_path, late, "", OUTPUTS)).code == 0xC02092A3
    assert failure_of(lambda: read(tmp_path, document, ORDERS_SCHEMA, OUTPUTS)).code == 0xC02092A2
    twice = document.replace("</orders>", f"{ORDERS_SCHEMA}</orders>")
    assert failure_of(lambda: read(tmp_path, twice, "", OUTPUTS)).code == 0xC020929E


def values_schema(fields: Mapping[str, str]) -> str:
    elements = "".join(f'<xs:element name="{name}" type="{kind}"/>' for name, kind in fields.items())
    return (
        f'<xs:schema {XS}><xs:element name="d"><xs:complexType><xs:sequence><xs:element name="r" maxOccurs="unbounded">'
        f"<xs:complexType><xs:sequence>{elements}</xs:sequence></xs:complexType></xs:element></xs:sequence>"
        "</xs:complexType></xs:element></xs:schema>"
    )


VALUES: list[tuple[str, Column, str, Any]] = [
    ("xs:int", Column("v", "DT_I4"), " -12 ", -12),
    ("xs:unsignedShort", Column("v", "DT_UI2"), "65535", 65535),
    ("xs:boolean", Column("v", "DT_BOOL"), "true", True),
    ("xs:boolean", Column("v", "DT_BOOL"), "0", False),
    ("xs:double", Column("v", "DT_R8"), "1.5E3", 1500.0),
    ("xs:decimal", Column("v", "DT_DECIMAL", scale=3), "-.125", Decimal("-0.125")),
    ("xs:decimal", Column("v", "DT_NUMERIC"), "-.0", Decimal(0)),
    ("xs:date", Column("v", "DT_DBDATE"), "2024-02-29", dt.date(2024, 2, 29)),
    (
        "xs:dateTime",
        Column("v", "DT_DBTIMESTAMP"),
        "2024-02-29T13:14:15.5",
        dt.datetime(2024, 2, 29, 13, 14, 15, 500000),
    ),
    ("xs:time", Column("v", "DT_DBTIME"), "13:14:15", dt.time(13, 14, 15)),
    ("xs:base64Binary", Column("v", "DT_BYTES"), "AQ\nI=", b"\x01\x02"),
    ("xs:hexBinary", Column("v", "DT_IMAGE"), "01fF", b"\x01\xff"),
    ("xs:string", Column("v", "DT_NTEXT"), " a  b ", " a  b "),
    ("xs:duration", Column("v"), "P1D", "P1D"),
]


@pytest.mark.parametrize(("kind", "column", "text", "value"), VALUES)
def test_values_are_read_by_the_forms_of_xml(tmp_path: Path, kind: str, column: Column, text: str, value: Any) -> None:
    document = f"<d><r><v>{text}</v></r></d>"
    (row,) = read(tmp_path, document, values_schema({"v": kind}), {"r": [column]})["r"]
    assert row == (value,)


BAD: list[tuple[Column, str, int]] = [
    (Column("v", "DT_I4"), "1,000", 0xC02092B0),
    (Column("v", "DT_I4"), "", 0),
    (Column("v", "DT_I4"), "99999999999", 0xC0208385),
    (Column("v", "DT_UI1"), "-1", 0xC0208385),
    (Column("v", "DT_R8"), "1,5", 0xC02092B0),
    (Column("v", "DT_R8"), "NaN", 0xC02092B0),
    (Column("v", "DT_BOOL"), "TRUE", 0xC02092B0),
    (Column("v", "DT_DBDATE"), "29.02.2024", 0xC02092B0),
    (Column("v", "DT_DBDATE"), "2023-02-29", 0xC02092B0),
    (Column("v", "DT_DBTIMESTAMP"), "2024-02-29T13:14:15Z", 0xC02092B0),
    (Column("v", "DT_BYTES"), "%", 0xC02092B0),
    (Column("v", length=3), "abcd", 0xC020401F),
    (Column("v", "DT_DECIMAL", scale=1), "1.25", 0xC020401F),
]


@pytest.mark.parametrize(("column", "text", "code"), BAD)
def test_a_value_that_does_not_convert_goes_to_the_error_output_as_text(
    tmp_path: Path, column: Column, text: str, code: int
) -> None:
    """Facts 1.12 and 1.13: all columns as text, ErrorCode and ErrorColumn."""
    document, schema = f"<d><r><v>{text}</v></r></d>", values_schema({"v": "xs:string"})
    redirect = {'RowDisposition="FailComponent"': 'RowDisposition="RedirectRow"'}
    found = read(tmp_path, document, schema, {"r": [column]}, changes=redirect, with_errors=True)
    if not code:
        assert found == {"r": [(None,)], "r Error Output": []}
        return
    (row,) = found["r Error Output"]
    assert found["r"] == []
    assert (row[0], row[1]) == (text, code - 2**32)
    failure = failure_of(lambda: read(tmp_path, document, schema, {"r": [column]}))
    assert failure.code == (0xC02090FA if code == 0xC020401F else 0xC02090FB)


def test_ignored_errors_become_null(tmp_path: Path) -> None:
    ignore = {'RowDisposition="FailComponent"': 'RowDisposition="IgnoreFailure"'}
    columns = [Column("n", "DT_I4"), Column("t", length=2)]
    document = "<d><r><n>x</n><t>abc</t></r></d>"
    schema = values_schema({"n": "xs:int", "t": "xs:string"})
    assert read(tmp_path, document, schema, {"r": columns}, changes=ignore) == {"r": [(None, "ab")]}


def test_namespaces_are_those_of_the_schema(tmp_path: Path) -> None:
    schema = values_schema({"v": "xs:string"}).replace("<xs:schema ", '<xs:schema targetNamespace="urn:x" ')
    document = '<x:d xmlns:x="urn:x"><r><v>local</v></r><x:r><v>other</v></x:r></x:d>'
    assert read(tmp_path, document, schema, {"r": [Column("v")]}) == {"r": [("local",)]}
    qualified = schema.replace("<xs:schema ", '<xs:schema elementFormDefault="qualified" ')
    document = '<d xmlns="urn:x"><r><v>all</v></r></d>'
    assert read(tmp_path, document, qualified, {"r": [Column("v")]}) == {"r": [("all",)]}
    assert "begins with" in failure_of(lambda: read(tmp_path, "<d/>", qualified, {"r": [Column("v")]})).text


REFERENCES = f"""<xs:schema {XS}>
  <xs:element name="d"><xs:complexType><xs:choice maxOccurs="unbounded">
    <xs:element ref="r"/><xs:element name="s"><xs:complexType><xs:sequence><xs:element ref="r"/></xs:sequence>
    </xs:complexType></xs:element></xs:choice></xs:complexType></xs:element>
  <xs:element name="r"><xs:complexType><xs:attribute ref="a"/><xs:attributeGroup ref="g"/></xs:complexType></xs:element>
  <xs:attribute name="a" type="xs:int"/>
  <xs:attributeGroup name="g"><xs:attribute name="b" type="xs:string"/></xs:attributeGroup>
</xs:schema>"""


def test_elements_of_one_name_differ_by_their_paths(tmp_path: Path) -> None:
    document = '<d><r a="1" b="x"/><s><r a="2"/></s></d>'
    columns = [Column("a", "DT_I4"), Column("b")]
    paths = {">first</property>": ">d:r</property>", ">second</property>": ">s:r</property>"}
    found = read(tmp_path, document, REFERENCES, {"first": columns, "second": columns[:1]}, changes=paths)
    assert found == {"first": [(1, "x")], "second": [(2,)]}
    assert "several" in failure_of(lambda: read(tmp_path, document, REFERENCES, {"r": columns})).text


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ("<xs:any/>", "xs:any"),
        ('<xs:group ref="g"/>', "group"),
        ('<xs:element name="x"/>', "without a type"),
        ('<xs:element name="x" type="xs:anyType"/>', "anyType"),
        ('<xs:element ref="missing"/>', "missing"),
        ('<xs:element ref="d"/>', "contains itself"),
        ('<xs:element name="x"><xs:complexType mixed="true"/></xs:element>', "mixed"),
    ],
)
def test_schemas_that_are_not_documented_are_refused(part: str, why: str) -> None:
    content = f"<xs:complexType><xs:sequence>{part}</xs:sequence></xs:complexType>"
    text = f'<xs:schema {XS}><xs:element name="d">{content}</xs:element></xs:schema>'
    assert why in failure_of(lambda: tables_of_schema(parse_xml(text.encode(), "x.xsd"))).text


def test_what_does_not_fit_the_schema_fails_at_validation(tmp_path: Path) -> None:
    schema = values_schema({"v": "xs:string"})
    failure = failure_of(lambda: read(tmp_path, "<d/>", schema, {"r": [Column("w")]}))
    assert failure.code == 0xC020838B
    assert "no element" in failure_of(lambda: read(tmp_path, "<d/>", schema, {"q": [Column("v")]})).text
    default = schema.replace('type="xs:string"', 'type="xs:string" default="x"')
    assert "default" in failure_of(lambda: read(tmp_path, "<d/>", default, {"r": [Column("v")]})).text


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("<d><r><v>1</r></d>", "well-formed"),
        ('<!DOCTYPE d [<!ENTITY e "x">]><d><r><v>&e;</v></r></d>', "document type"),
        ("<d><r><v>1</v><v>2</v></r></d>", "repeats"),
        ("<d><r><v/><v>2</v></r></d>", "repeats"),
        ("", "well-formed"),
    ],
)
def test_documents_that_cannot_be_read_fail(tmp_path: Path, document: str, why: str) -> None:
    schema = values_schema({"v": "xs:string"})
    assert why in failure_of(lambda: read(tmp_path, document, schema, {"r": [Column("v")]})).text


def test_other_encodings_are_read(tmp_path: Path) -> None:
    document = '<?xml version="1.0" encoding="{}"?><d><r><v>äß</v></r></d>'
    schema = values_schema({"v": "xs:string"})
    for encoding in ("iso-8859-1", "utf-16"):
        data = document.format(encoding).encode(encoding)
        assert read(tmp_path, data, schema, {"r": [Column("v")]}) == {"r": [("äß",)]}
    text = document.format("utf-16")  # the variable has text, not bytes
    assert read(tmp_path, text, schema, {"r": [Column("v")]}, mode=2) == {"r": [("äß",)]}


def test_documents_of_the_web_and_other_types_are_refused() -> None:
    package = ProjectBuilder("P").add_package("P")
    flow = package.add_data_flow("Load")
    outputs = {"r": [Column("v", "DT_DBTIMESTAMP2", scale=7), Column("w")]}
    source = flow.add_xml_source("Xml", outputs, path="https://example.com/a.xml", schema="a.xsd")
    flow.add_recordset_destination("Keep", source.outputs["r"], package.add_variable("Rows", None))
    context = task_context(package.read())
    found = [refusal.what for refusal in task_of(context).refusals(context.options)]
    assert any("XMLData" in what for what in found)
    assert any("DT_DBTIMESTAMP2" in what for what in found)


def test_cancelling_ends_the_reading_of_a_document_without_rows() -> None:
    def check() -> None:
        raise Cancelled

    tables = tables_of_schema(parse_xml(values_schema({"v": "xs:string"}).encode(), "x.xsd"))
    with pytest.raises(Cancelled):
        list(read_rows(io.BytesIO(b"<d>" + b"<x/>" * 20_000 + b"</d>"), "x", tables, None, check))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_document() -> None:
    tables = tables_of_schema(parse_xml(values_schema({"v": "xs:string"}).encode(), "x.xsd"))

    def peak(count: int) -> int:
        source = io.BytesIO(b"<d>" + b"<r><v>0123456789</v></r>" * count + b"</d>")
        tracemalloc.start()
        rows = sum(1 for _ in read_rows(source, "x", tables))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert rows == count + 1
        return found

    peak(10)
    assert peak(20_000) < 2 * peak(2_000) + 100_000
