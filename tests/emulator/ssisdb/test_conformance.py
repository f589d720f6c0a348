"""Every procedure's signature and every view's columns, compared with the facts about a SQL Server 2019 SSISDB.

The facts are read from their page; where the page corrects itself further down, the correction is repeated here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.emulator.ssisdb.declare import PROCEDURES
from airflow_provider_ssis.emulator.tsql.metadata.signatures import REQUIRED
from tests.support.places import SHARED

PAGE = SHARED / "ssisdb" / "catalog.md"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="the facts are not here (expected in ../shared/ssisdb)")

MISSING_PROCEDURES: frozenset[str] = frozenset()
MISSING_VIEWS: frozenset[str] = frozenset()
MISSING_FUNCTIONS: frozenset[str] = frozenset()

CORRECTED_COLUMNS = {
    ("catalog_properties", "property_value"): ("nvarchar(max)", False),
    ("event_messages", "event_message_id"): ("bigint", True),
    ("event_messages", "threadID"): ("int", True),
    ("event_message_context", "event_message_id"): ("bigint", True),
    ("executions", "total_physical_memory_kb"): ("bigint", True),
    ("executions", "available_page_file_kb"): ("bigint", True),
    ("executions", "cpu_count"): ("int", True),
}
"""Type and whether NULL is allowed, by view and column."""

NULL = "NULL"
_PARAMETER = re.compile(
    r"(?P<name>@\w+)\s+(?P<type>\w+(?:\(\w+\))?)(?:\s*=\s*(?P<default>'[^']*'|[\w.]+))?(?P<flags>(?:\s+\w+)*)$"
)


def procedures() -> dict[str, tuple[tuple[Any, ...], ...]]:
    """The parameters of each procedure: name, type, default, whether it is OUTPUT."""
    found = {}
    for line in section("## 2."):
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 6 and re.fullmatch(r"[a-z_]+", cells[0]) and cells[0] != "procedure":
            signature = [] if cells[1] == "(none)" else re.split(r",\s*(?=@)", cells[1])
            found[cells[0]] = tuple(parameter(text) for text in signature)
    return found


def granted() -> dict[str, frozenset[str]]:
    """The database roles that may execute each procedure."""
    found = {}
    for line in section("## 2."):
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 6 and cells[0] in procedures():
            found[cells[0]] = frozenset(cells[4].lower().split(","))
    return found


def windows_only() -> frozenset[str]:
    """The procedures that refuse SQL logins."""
    rows = (line.split("|") for line in section("## 2."))
    return frozenset(cells[1].strip() for cells in rows if len(cells) == 8 and cells[4].strip() == "Y")


def parameter(text: str) -> tuple[Any, ...]:
    match = _PARAMETER.fullmatch(text.strip())
    assert match is not None, text
    default = match["default"]
    return (
        match["name"].lower(),
        same_name(match["type"]),
        None if default is None else default.upper(),
        "output" in match["flags"].lower(),
    )


def views() -> dict[str, list[tuple[str, str, bool]]]:
    """The columns of each view: name, type, whether NULL is allowed."""
    found = {}
    for line in section("## 3."):
        match = re.match(r"- \*\*(\w+)\*\*: (.*)", line)
        if match is not None:
            found[match[1]] = [column(match[1], text) for text in match[2].split("; ")]
    return found


def column(view: str, text: str) -> tuple[str, str, bool]:
    # Remarks are in brackets: "(CASE)", "(own effective grants only, …)".
    bare = re.sub(r"\s+\(.*\)$", "", text)
    name, kind, *rest = bare.split()
    corrected = CORRECTED_COLUMNS.get((view, name))
    if corrected is not None:
        return (name, *corrected)
    return name, same_name(kind).replace("dto7", "datetimeoffset(7)"), rest != ["NN"]


def same_name(kind: str) -> str:
    """A type under one of its names."""
    return {"sysname": "nvarchar(128)", "integer": "int"}.get(kind.lower(), kind.lower())


def section(heading: str) -> list[str]:
    lines = PAGE.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(heading))
    end = next(number for number, line in enumerate(lines[start + 1 :], start + 1) if line.startswith("## "))
    return lines[start:end]


def names(read: Any) -> list[str]:
    return sorted(read()) if PAGE.is_file() else []


@pytest.fixture(scope="module")
def connection(ssisdb_emulator_server: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(pyodbc.connect(ssisdb_emulator_server.odbc_connection_string, autocommit=True)) as connection:
        yield connection


@pytest.fixture(scope="module")
def served_parameters(connection: pyodbc.Connection) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for procedure, name, *kind, is_output in connection.execute(
        "SELECT o.name, p.name, TYPE_NAME(p.user_type_id), p.max_length, p.precision, p.scale, p.is_output"
        " FROM sys.procedures o LEFT JOIN sys.parameters p ON p.object_id = o.object_id"
        " WHERE SCHEMA_NAME(o.schema_id) = 'catalog' ORDER BY o.name, p.parameter_id"
    ).fetchall():
        rows = found.setdefault(procedure, [])
        if name is not None:
            rows.append((name.lower(), type_text(*kind).lower(), is_output))
    return found


@pytest.fixture(scope="module")
def served_columns(connection: pyodbc.Connection) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for view, name, *kind, nullable in connection.execute(
        "SELECT o.name, c.name, TYPE_NAME(c.user_type_id), c.max_length, c.precision, c.scale, c.is_nullable"
        " FROM sys.views o JOIN sys.columns c ON c.object_id = o.object_id"
        " WHERE SCHEMA_NAME(o.schema_id) = 'catalog' ORDER BY o.name, c.column_id"
    ).fetchall():
        found.setdefault(view, []).append((name, type_text(*kind), nullable))
    return found


def type_text(name: str, max_length: int, precision: int, scale: int) -> str:
    match name:
        case "nvarchar" | "nchar":
            return f"{name}({'max' if max_length == -1 else max_length // 2})"
        case "varchar" | "char" | "varbinary" | "binary":
            return f"{name}({'max' if max_length == -1 else max_length})"
        case "datetimeoffset":
            return f"{name}({scale})"
        case "float":
            return f"{name}({precision})"
        case _:
            return name


def test_the_page_has_as_many_as_it_says() -> None:
    assert (len(procedures()), len(views())) == (56, 30)


def test_nothing_is_missing_but_what_is_listed(
    served_parameters: dict[str, Any], served_columns: dict[str, Any], connection: pyodbc.Connection
) -> None:
    assert frozenset(procedures()) - frozenset(served_parameters) <= MISSING_PROCEDURES
    assert frozenset(views()) - frozenset(served_columns) <= MISSING_VIEWS
    functions = connection.execute(
        "SELECT name FROM sys.objects WHERE type IN ('FN', 'IF', 'TF') AND SCHEMA_NAME(schema_id) = 'catalog'"
    ).fetchall()
    wanted = {"dm_execution_performance_counters", "get_operation_log_size", "get_version_log_size"}
    assert wanted - {name for (name,) in functions} <= MISSING_FUNCTIONS


def test_nothing_is_served_that_the_page_does_not_name(
    served_parameters: dict[str, Any], served_columns: dict[str, Any]
) -> None:
    assert set(served_parameters) <= set(procedures())
    assert set(served_columns) <= set(views())


@pytest.mark.parametrize("name", names(procedures))
def test_a_procedure_has_the_parameters_of_a_real_one(
    name: str, served_parameters: dict[str, list[tuple[Any, ...]]]
) -> None:
    if name in MISSING_PROCEDURES - frozenset(served_parameters):
        pytest.skip("missing so far")
    wanted = [(parameter, kind, is_output) for parameter, kind, _, is_output in procedures()[name]]
    assert served_parameters[name] == wanted


@pytest.mark.parametrize("name", names(procedures))
def test_a_procedure_has_the_defaults_and_the_grants_of_a_real_one(name: str) -> None:
    if name in MISSING_PROCEDURES - frozenset(PROCEDURES):
        pytest.skip("missing so far")
    declared = PROCEDURES[name]
    defaults = {each.name.lower(): literal(each.default) for each in declared.parameters}
    assert defaults == {parameter: default for parameter, _, default, _ in procedures()[name]}
    roles = granted()[name]
    if roles != {"-"}:
        assert declared.granted_to in ({"public"} if "public" in roles else roles)
    if name != "stop_operation":  # It checks the argument first.
        assert declared.windows_only is (name in windows_only())


def literal(default: Any) -> str | None:
    if default is REQUIRED:
        return None
    if default is None:
        return NULL
    return f"'{default}'" if isinstance(default, str) else str(default)


@pytest.mark.parametrize("name", names(views))
def test_a_view_has_the_columns_of_a_real_one(name: str, served_columns: dict[str, list[tuple[Any, ...]]]) -> None:
    assert served_columns[name] == views()[name]


def test_the_table_type_has_the_columns_of_a_real_one(connection: pyodbc.Connection) -> None:
    rows = connection.execute(
        "SELECT c.name, TYPE_NAME(c.user_type_id), c.max_length, c.precision, c.scale, c.is_nullable"
        " FROM sys.table_types t JOIN sys.columns c ON c.object_id = t.type_table_object_id"
        " WHERE t.name = 'Package_Table_Type' AND SCHEMA_NAME(t.schema_id) = 'catalog' ORDER BY c.column_id"
    ).fetchall()
    found = [(name, type_text(*kind), nullable) for name, *kind, nullable in rows]
    assert found == [("name", "nvarchar(260)", False), ("package_data", "varbinary(max)", True)]
