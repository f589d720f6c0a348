"""The enumerators of Foreach loops: the values of their turns, and their faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.connections.paths import PathMap
from airflow_provider_ssis.engine.control_flow.enumerators.file import file_pattern
from airflow_provider_ssis.engine.control_flow.enumerators.table import enumerator_class
from airflow_provider_ssis.engine.recordset import RecordColumn, RecordSet
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.package.loops import (
    AdoEnumerator,
    Enumerator,
    FileEnumerator,
    NodeListEnumerator,
    OtherEnumerator,
    SchemaRowsetEnumerator,
    SmoEnumerator,
)
from tests.support.engine import Context, failure_of, task_context


def context(folder: Path | None = None, connection: str = "", **objects: Any) -> Context:
    package = PackageBuilder("P")
    for name in objects:
        package.add_variable(name, data_type="Object")
    package.add_variable("Text", "", data_type="String")
    package.connection_managers.add_odbc("Database", "Dsn=x")
    if folder is not None:
        package.connection_managers.add_file("Document", str(folder / "document.xml"))
    package.add_expression("Loop", '@[User::Text] = "x"')
    made = task_context(
        package.read(), paths=PathMap((("C:\\data", str(folder)),)), replacements={"Database": connection or "Dsn=x"}
    )
    for name, value in objects.items():
        made.variables[f"User::{name}"] = value
    return made


def turns(data: Enumerator, found: Context) -> list[Sequence[Any]]:
    kind = enumerator_class(data)
    assert kind is not None
    enumerator = kind(data, "\\Package\\Loop")
    assert not list(enumerator.refusals())
    enumerator.validate(found)
    return [tuple(values) for values in enumerator.turns(found)]


def refusals(data: Enumerator) -> list[str]:
    kind = enumerator_class(data)
    assert kind is not None
    return [str(each) for each in kind(data, "\\Package\\Loop").refusals()]


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*.xls", ["a.xls", "b.XLSX", ".xls"], ["a.xl", "a.xls.bak"]),
        ("*.xlsx", ["a.xlsx"], ["a.xls", "a.xlsxx"]),
        ("*.x", ["a.x"], ["a.xx"]),
        ("*.*", ["a", "a.b", ".hidden"], []),
        ("", ["a", "a.b"], []),
        ("data?.csv", ["data1.csv", "data.csv"], ["data12.csv"]),
        ("d?ta*", ["data.csv", "DETA"], ["dta.csv"]),
        ("a??.txt", ["a.txt", "ab.txt", "abc.txt"], ["abcd.txt"]),
        ("a+b(1).txt", ["A+B(1).txt"], ["aab1.txt"]),
    ],
)
def test_patterns_match_as_on_windows(pattern: str, matching: list[str], other: list[str]) -> None:
    found = file_pattern(pattern)
    assert [name for name in matching + other if found.fullmatch(name)] == matching


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "A.csv", "c.txt", "sub/d.csv", "Sub2/e.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "retrieval", "recurses", "expected"),
    [
        ("C:\\data", 0, False, ["C:\\data\\A.csv", "C:\\data\\b.csv"]),
        (
            "C:\\data\\",
            0,
            True,
            ["C:\\data\\A.csv", "C:\\data\\b.csv", "C:\\data\\sub\\d.csv", "C:\\data\\Sub2\\e.csv"],
        ),
        ("C:\\data", 1, True, ["A.csv", "b.csv", "d.csv", "e.csv"]),
        ("C:\\data", 2, False, ["A", "b"]),
    ],
)
def test_files_have_the_form_that_the_package_uses(
    folder: Path, path: str, retrieval: int, recurses: bool, expected: list[str]
) -> None:
    data = FileEnumerator(path, "*.csv", retrieval, recurses)
    assert turns(data, context(folder)) == [(name,) for name in expected]


def test_files_of_a_folder_of_this_machine(folder: Path) -> None:
    found = turns(FileEnumerator(str(folder), "*.txt", 0, False), context(folder))
    assert found == [(str(folder / "c.txt"),)]


def test_no_file_is_a_warning_and_no_folder_a_failure(folder: Path) -> None:
    found = context(folder)
    assert turns(FileEnumerator("C:\\data", "*.none", 0, False), found) == []
    assert found.codes("warning") == [0x8001C004]
    missing = FileEnumerator("C:\\data\\missing", "*", 0, False)
    assert failure_of(lambda: turns(missing, found)).code == 0xC0014023


def test_file_enumerators_that_are_refused() -> None:
    assert len(refusals(FileEnumerator("C:\\data", "sub\\*.csv", 3, False))) == 2


TABLE = RecordSet((RecordColumn("a"), RecordColumn("b")), [(1, "x"), (2, None)])
SECOND = RecordSet((RecordColumn("c"),), [(3,)])


@pytest.mark.parametrize(
    ("enumeration", "value", "expected"),
    [
        ("EnumerateRowsInFirstTable", TABLE, [(1, "x"), (2, None)]),
        ("EnumerateRowsInFirstTable", [TABLE, SECOND], [(1, "x"), (2, None)]),
        ("EnumerateAllRows", [TABLE, SECOND], [(1, "x"), (2, None), (3,)]),
        ("EnumerateTables", [TABLE, SECOND], [(TABLE,), (SECOND,)]),
        ("EnumerateRowsInFirstTable", [(1, 2), [3, 4]], [(1, 2), (3, 4)]),
        ("EnumerateRowsInFirstTable", [], []),
    ],
)
def test_rows_and_tables_of_a_variable(enumeration: str, value: object, expected: list[Any]) -> None:
    found = context(Rows=value)
    assert turns(AdoEnumerator(enumeration, "User::Rows"), found) == expected
    assert turns(AdoEnumerator(enumeration, "User::Rows"), found) == expected


def test_variables_without_rows_fail() -> None:
    for value in (None, "text", [1]):
        found = context(R=value)
        data = AdoEnumerator("EnumerateTables", "User::R")
        assert failure_of(partial(turns, data, found)).code == 0xC0014023
    assert failure_of(lambda: turns(AdoEnumerator("EnumerateTables", "User::Text"), context())).code == 0xC0014023
    assert refusals(AdoEnumerator("Other", "User::R"))


XML = "<r><i k='1'><v>a</v><v>b<b>c</b></v></i><i k='2'/></r>"


def node_list(enumeration: str, outer: str, inner: str = "", kind: str = "DirectInput", document: str = XML) -> Any:
    return NodeListEnumerator(enumeration, kind, document, "DirectInput", outer, "NodeText", "DirectInput", inner, {})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (node_list("NodeText", "/r/i/v"), [("a",), ("bc",)]),
        (node_list("NodeText", "//i/@k"), [("1",), ("2",)]),
        (node_list("NodeText", "r/i[@k='1']/v[1]"), [("a",)]),
        (node_list("ElementCollection", "//i", "@k | v"), [("1", "a", "bc"), ("2",)]),
        (node_list("NodeText", "//none"), []),
    ],
)
def test_nodes_that_an_expression_selects(data: NodeListEnumerator, expected: list[Any]) -> None:
    assert turns(data, context()) == expected


def test_nodes_themselves_are_values() -> None:
    found = turns(node_list("Node", "/r/i"), context())
    assert [node.get("k") for (node,) in found] == ["1", "2"]


def test_documents_come_from_files_and_variables(tmp_path: Path) -> None:
    (tmp_path / "document.xml").write_bytes(XML.encode())
    expected = [("a",), ("bc",)]
    assert (
        turns(node_list("NodeText", "//v", kind="FileConnection", document="Document"), context(tmp_path)) == expected
    )
    for value in (XML, etree.fromstring(XML)):
        data = node_list("NodeText", "//v", kind="Variable", document="User::X")
        assert turns(data, context(X=value)) == expected


@pytest.mark.parametrize(
    "data",
    [
        node_list("NodeText", "//v["),
        node_list("NodeText", "count(//v)"),
        node_list("NodeText", "r/i | /r/i"),
        node_list("NodeText", "//v", document="<r>"),
        node_list("NodeText", "//v", document='<!DOCTYPE r [<!ENTITY e SYSTEM "/etc/hostname">]><r><v>&e;'),
        node_list("ElementCollection", "//v/text()", "x"),
        node_list("NodeText", "//v", kind="Variable", document="User::X"),
    ],
)
def test_faults_of_documents_and_expressions(data: NodeListEnumerator) -> None:
    assert failure_of(lambda: turns(data, context(X=5))).code == 0xC0014023


def test_entities_inside_the_document_are_read_and_files_are_not() -> None:
    inside = '<!DOCTYPE r [<!ENTITY e "text">]><r><v>&e;</v></r>'
    assert turns(node_list("NodeText", "//v", document=inside), context()) == [("text",)]
    outside = '<!DOCTYPE r [<!ENTITY e SYSTEM "/etc/hostname">]><r><v>&e;</v></r>'
    assert failure_of(lambda: turns(node_list("NodeText", "//v", document=outside), context())).code == 0xC0014023


def test_other_rowsets_restrictions_and_enumerators_are_refused() -> None:
    assert "Indexes" in refusals(SchemaRowsetEnumerator("Database", "Indexes", {}))[0]
    restricted = {"Connection": "x", "Schema": "Tables", "Restriction0": "Sales"}
    assert "Restriction0" in refusals(SchemaRowsetEnumerator("Database", "Tables", restricted))[0]
    assert enumerator_class(SmoEnumerator("x")) is None
    assert enumerator_class(OtherEnumerator({})) is None


class TestSchemaRowset:
    """Tables of PostgreSQL."""

    def test_tables_are_listed_through_the_driver(self, postgresql_odbc: str) -> None:
        import pyodbc

        with pyodbc.connect(postgresql_odbc, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA mart")
            connection.execute("CREATE TABLE mart.sales (a int)")
            connection.execute("CREATE VIEW mart.totals AS SELECT 1 AS a")
        data = SchemaRowsetEnumerator("Database", "{C8B52229-5CF3-11CE-ADE5-00AA0044773D}", {})
        found = [row for row in turns(data, context(connection=postgresql_odbc)) if row[1] == "mart"]
        assert [row[1:4] for row in found] == [("mart", "sales", "TABLE"), ("mart", "totals", "VIEW")]
        assert all(len(row) == 9 for row in found)


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """A database of the embedded server with a table, a view and a procedure."""
    import pyodbc

    with SsisdbEmulator() as server:
        with pyodbc.connect(server.odbc_connection_string, autocommit=True) as connection:
            connection.execute("CREATE DATABASE Shop")
            connection.execute("USE Shop")
            connection.execute("CREATE SCHEMA mart")
            connection.execute("CREATE TABLE mart.sales (id int NOT NULL, name nvarchar(20) DEFAULT 'x', price money)")
            connection.execute("CREATE VIEW mart.totals AS SELECT id FROM mart.sales")
            connection.execute("CREATE PROCEDURE mart.fill @n int AS SELECT @n")
        yield server.odbc(database="Shop")


@pytest.mark.parametrize(
    ("rowset", "count", "expected"),
    [
        ("Tables", 9, [("Shop", "mart", "sales", "TABLE"), ("Shop", "mart", "totals", "VIEW")]),
        ("{c8b5222d-5cf3-11ce-ade5-00aa0044773d}", 9, [("Shop", "mart", "totals")]),
        ("schemata", 6, [("Shop", "mart", None)]),
        ("Procedures", 8, [("Shop", "mart", "fill;1", 3)]),
    ],
)
def test_a_schema_rowset_has_the_columns_of_ole_db(shop: str, rowset: str, count: int, expected: list[Any]) -> None:
    found = turns(SchemaRowsetEnumerator("Database", rowset, {}), context(connection=shop))
    assert {len(row) for row in found} == {count}
    assert [row[: len(expected[0])] for row in found if row[1] == "mart"] == expected


def test_columns_have_the_types_of_ole_db(shop: str) -> None:
    """Name, position, default, NULL, type, characters and bytes, precision and scale."""
    found = turns(SchemaRowsetEnumerator("Database", "Columns", {}), context(connection=shop))
    rows = [row for row in found if row[2] == "sales"]
    assert [row[3] for row in rows] == ["id", "name", "price"]
    assert [row[6:9] for row in rows] == [(1, False, None), (2, True, "('x')"), (3, False, None)]
    assert [row[10:12] for row in rows] == [(False, 3), (True, 130), (True, 6)]
    assert [row[13:17] for row in rows] == [(None, None, 10, None), (20, 40, None, None), (None, None, 19, 4)]
    catalogs = turns(SchemaRowsetEnumerator("Database", "Catalogs", {}), context(connection=shop))
    assert ("Shop", None) in catalogs
