"""Execute SQL on the embedded server, through OLE DB, ADO.NET and ODBC strings."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.connections.transactions import TransactionConnections
from airflow_provider_ssis.engine.errors import Cancelled
from airflow_provider_ssis.engine.recordset import RecordSet, record_sets
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.builder.sql_parameters import SqlParameter
from airflow_provider_ssis.project.package.tasks import ExecuteSqlTask
from tests.support.engine import Context, causes, failure_of, run_task, task_context, task_of

KINDS = ("OLEDB", "ADO.NET", "ODBC")
Make = Callable[..., Context]
VALUES: Mapping[str, tuple[str, Any]] = {
    "Int": ("Int32", 7),
    "Big": ("Int64", 2**40),
    "Flag": ("Boolean", True),
    "Text": ("String", "O'Brien äß"),
    "When": ("DateTime", datetime(2024, 2, 3, 4, 5, 6)),
    "Real": ("Double", 1.5),
    "Money": ("Decimal", Decimal("12.34")),
    "Any": ("Object", None),
}


@dataclass(frozen=True)
class Mapped:
    """A parameter mapping of a task."""

    name: str
    variable: str
    data_type: int
    direction: str = "Input"
    size: int = -1


def strings(server: SsisdbEmulator) -> dict[str, str]:
    """The same server for each kind of connection."""
    login = f"User ID={server.user};Password='{server.password}'"
    address = f"Data Source={server.host},{server.port};Initial Catalog=SSISDB;{login}"
    return {"OLEDB": f"Provider=SQLNCLI11.1;{address}", "ADO.NET": address, "ODBC": server.odbc_connection_string}


@pytest.fixture
def make(ssisdb_emulator_server: SsisdbEmulator) -> Make:
    given = strings(ssisdb_emulator_server)

    def make_context(
        statement: str,
        kind: str = "OLEDB",
        *,
        parameters: tuple[Mapped, ...] = (),
        results: Mapping[str, str] | None = None,
        connection: str = "",
        **arguments: Any,
    ) -> Context:
        package = ProjectBuilder("P").add_package("Test")
        variables = {name: package.add_variable(name, value, data_type=kind) for name, (kind, value) in VALUES.items()}
        add = {
            "OLEDB": package.connection_managers.add_oledb,
            "ADO.NET": package.connection_managers.add_ado_net,
            "ODBC": package.connection_managers.add_odbc,
        }[kind]
        found = {column: variables[name] for column, name in (results or {}).items()}
        mapped = [
            SqlParameter(variables[each.variable], each.direction, each.name, each.data_type, each.size)
            for each in parameters
        ]
        package.add_execute_sql(
            "Query", add("Sales", "Data Source=x"), statement, parameters=mapped, results=found, **arguments
        )
        return task_context(package.read(), replacements={"Sales": connection or given[kind]})

    return make_context


TYPES = [
    ("Int", {"OLEDB": 3, "ADO.NET": 11, "ODBC": 4}, "int", "7"),
    ("Big", {"OLEDB": 20, "ADO.NET": 12, "ODBC": -5}, "bigint", str(2**40)),
    ("Flag", {"OLEDB": 11, "ADO.NET": 3, "ODBC": -7}, "bit", "1"),
    ("Text", {"OLEDB": 130, "ADO.NET": 16, "ODBC": -9}, "nvarchar", "O'Brien äß"),
    ("When", {"OLEDB": 7, "ADO.NET": 6, "ODBC": 93}, "datetime", "2024-02-03"),
    ("When", {"OLEDB": 133, "ADO.NET": 5, "ODBC": 91}, "date", "2024-02-03"),
    ("Real", {"OLEDB": 5, "ADO.NET": 8, "ODBC": 8}, "float", "1.5"),
    ("Money", {"OLEDB": 131, "ADO.NET": 7, "ODBC": 3}, "decimal", "12.34"),
    ("Money", {"OLEDB": 6, "ADO.NET": 4, "ODBC": 2}, "money", "12.34"),
    ("Int", {"OLEDB": 130, "ADO.NET": 16, "ODBC": 12}, "nvarchar", "7"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("variable", "codes", "type_name", "text"), TYPES)
def test_input_parameters_have_the_types_of_the_connection(
    make: Make, kind: str, variable: str, codes: Mapping[str, int], type_name: str, text: str
) -> None:
    name, marker = {"OLEDB": ("0", "?"), "ADO.NET": ("@value", "@value"), "ODBC": ("1", "?")}[kind]
    context = make(
        f"SELECT CONVERT(nvarchar(40), {marker}{', 120' if variable == 'When' else ''}) AS found",
        kind,
        parameters=(Mapped(name, variable, codes[kind]),),
        results={"found": "Text"},
        result_type="SingleRow",
    )
    run_task(context)
    assert context.read("Text").startswith(text)


@pytest.mark.parametrize(
    ("kind", "data_type", "given", "shown"),
    [
        ("OLEDB", 145, "04:05:06.1234567", "04:05:06.1234567"),
        ("ADO.NET", 17, "04:05:06.123456", "04:05:06.1234560"),
        ("OLEDB", 146, "2024-02-03 04:05:06.1234567 +02:00", "2024-02-03 04:05:06.1234567 +02:00"),
        ("ADO.NET", 27, "2024-02-03 04:05:06.123456 +02:00", "2024-02-03 04:05:06.1234560 +02:00"),
        ("OLEDB", 72, "{0E984725-C51C-4BF4-9960-E1C80E27ABA0}", "0E984725-C51C-4BF4-9960-E1C80E27ABA0"),
        ("OLEDB", 3, None, None),
        ("ADO.NET", 16, None, None),
    ],
)
def test_parameters_from_objects_keep_all_digits(make: Make, kind: str, data_type: int, given: Any, shown: Any) -> None:
    name, marker = ("0", "?") if kind == "OLEDB" else ("@value", "@value")
    context = make(
        f"SELECT CONVERT(nvarchar(40), {marker}) AS found",
        kind,
        parameters=(Mapped(name, "Any", data_type),),
        results={"found": "Any"},
        result_type="SingleRow",
    )
    context.variables["User::Any"] = given
    run_task(context)
    assert context.read("Any") == shown


def test_parameters_are_used_by_number_and_in_each_batch(make: Make) -> None:
    context = make(
        "SELECT ? - ? AS a\nGO\nDECLARE @x int = ? - ?",
        parameters=(Mapped("1", "Big", 3), Mapped("0", "Int", 3)),
        results={"a": "Int"},
        result_type="SingleRow",
    )
    context.variables["User::Big"] = 5
    run_task(context)
    assert context.read("Int") == 2


def create_folder(kind: str) -> tuple[str, tuple[Mapped, ...]]:
    """A call with a return value, an input and an output parameter, as each kind of connection writes it."""
    if kind == "ADO.NET":
        return "catalog.create_folder", (
            Mapped("@result", "Int", 11, "ReturnValue"),
            Mapped("@folder_name", "Text", 16),
            Mapped("folder_id", "Big", 12, "Output"),
        )
    codes, first = ((3, 130, 20), 0) if kind == "OLEDB" else ((4, -9, -5), 1)
    statement = (
        "EXEC ? = catalog.create_folder ?, ? OUTPUT" if kind == "OLEDB" else "{? = call catalog.create_folder(?, ?)}"
    )
    return statement, (
        Mapped(str(first), "Int", codes[0], "ReturnValue"),
        Mapped(str(first + 1), "Text", codes[1]),
        Mapped(str(first + 2), "Big", codes[2], "Output"),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_procedures_have_output_parameters_and_return_values(
    make: Make, kind: str, ssisdb_emulator: SsisdbEmulator
) -> None:
    statement, parameters = create_folder(kind)
    context = make(statement, kind, parameters=parameters, is_stored_procedure=kind == "ADO.NET")
    context.variables["User::Big"] = -1
    run_task(context)
    assert context.read("Int") == 0
    created = context.read("Big")
    assert created > 0
    check = make(
        f"SELECT name FROM catalog.folders WHERE folder_id = {created}", results={"0": "Text"}, result_type="SingleRow"
    )
    run_task(check)
    assert check.read("Text") == "O'Brien äß"


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("EXEC [sys].[sp_executesql] ?", "@stmt"),
        ("EXEC sp_executesql @STMT = ?", "stmt"),
        ("\n{call sys.sp_executesql(?)}", "@stmt"),
    ],
)
def test_the_only_parameter_of_a_procedure_over_ole_db_may_have_its_name(make: Make, statement: str, name: str) -> None:
    context = make(statement, parameters=(Mapped(name, "Text", 130),), results={"n": "Int"}, result_type="SingleRow")
    context.variables["User::Text"] = "SELECT 42 AS n"
    task_of(context).validate(context)
    run_task(context)
    assert context.read("Int") == 42


@pytest.mark.parametrize("kind", ["OLEDB", "ADO.NET"])
@pytest.mark.parametrize("size", [50, -1])
def test_output_parameters_of_a_statement(make: Make, kind: str, size: int) -> None:
    """A size of -1, the default, is any length."""
    if kind == "OLEDB":
        statement, names, codes = "SET ? = ? + N'!'", ("0", "1"), (130, 130)
    else:
        statement, names, codes = "SET @out = @in + N'!'", ("@out", "@in"), (16, 16)
    context = make(
        statement,
        kind,
        parameters=(Mapped(names[0], "Text", codes[0], "Output", size), Mapped(names[1], "Text", codes[1])),
    )
    run_task(context)
    assert context.read("Text") == "O'Brien äß!"


def test_an_output_parameter_follows_a_result_set(make: Make) -> None:
    context = make(
        "SELECT 5 AS a; SET ? = 6",
        parameters=(Mapped("0", "Big", 20, "Output"),),
        results={"a": "Int"},
        result_type="SingleRow",
    )
    run_task(context)
    assert (context.read("Int"), context.read("Big")) == (5, 6)


def test_a_single_row_is_assigned_by_name_and_number(make: Make) -> None:
    context = make(
        "SELECT 1 AS A, 'x' AS B UNION ALL SELECT 2, 'y' ORDER BY 1",
        results={"a": "Int", "1": "Text"},
        result_type="SingleRow",
    )
    run_task(context)
    assert (context.read("Int"), context.read("Text")) == (1, "x")


RESULTS = [
    ("CAST(3 AS decimal(9, 2))", "Int", 3),
    ("CAST(1 AS bit)", "Flag", True),
    ("CAST('2024-02-03 04:05:06.007' AS datetime2(3))", "When", datetime(2024, 2, 3, 4, 5, 6, 7000)),
    ("CAST('2024-02-03' AS date)", "When", datetime(2024, 2, 3)),
    ("CAST('2024-02-03' AS date)", "Text", "2024-02-03"),
    ("CAST(12.50 AS decimal(9, 2))", "Money", Decimal("12.50")),
    ("CAST(12.50 AS decimal(9, 2))", "Text", "12.50"),
    ("2", "Real", 2.0),
    ("'41'", "Int", 41),
    (
        "CAST('0E984725-C51C-4BF4-9960-E1C80E27ABA0' AS uniqueidentifier)",
        "Text",
        "{0E984725-C51C-4BF4-9960-E1C80E27ABA0}",
    ),
    (
        "CAST('0E984725-C51C-4BF4-9960-E1C80E27ABA0' AS uniqueidentifier)",
        "Any",
        uuid.UUID("0E984725-C51C-4BF4-9960-E1C80E27ABA0"),
    ),
    ("CAST(NULL AS int)", "Any", None),
]


@pytest.mark.parametrize(("expression", "variable", "expected"), RESULTS)
def test_results_convert_to_the_type_of_the_variable(make: Make, expression: str, variable: str, expected: Any) -> None:
    context = make(f"SELECT {expression} AS a", results={"a": variable}, result_type="SingleRow")
    run_task(context)
    assert context.read(variable) == expected
    assert type(context.read(variable)) is type(expected)


@pytest.mark.parametrize(
    ("expression", "variable"),
    [("NULL", "Int"), ("'x'", "Int"), ("2.5", "Int"), ("3000000000", "Int"), ("'x'", "When"), ("0x01", "Text")],
)
def test_a_value_that_does_not_fit_its_variable_fails(make: Make, expression: str, variable: str) -> None:
    failure = failure_of(
        lambda: run_task(make(f"SELECT {expression} AS a", results={"a": variable}, result_type="SingleRow"))
    )
    assert failure.code == 0xC002F309
    assert variable in failure.text


def test_a_rowset_is_kept_with_its_columns(make: Make) -> None:
    context = make(
        "SELECT 1 AS a, N'x' AS b UNION ALL SELECT 2, NULL ORDER BY a", results={"0": "Any"}, result_type="Rowset"
    )
    run_task(context)
    found = context.read("Any")
    assert isinstance(found, RecordSet)
    assert [column.name for column in found.columns] == ["a", "b"]
    assert list(found) == [(1, "x"), (2, None)]
    assert record_sets(found) == (found,)
    assert record_sets([found, found]) == (found, found)
    assert record_sets([1]) is record_sets([]) is record_sets(None) is None


def test_xml_is_a_document_with_a_root(make: Make) -> None:
    query = 'SELECT N\'<row a="1"/><row a="2"/>\''
    as_text = make(query, results={"0": "Text"}, result_type="XML")
    run_task(as_text)
    assert as_text.read("Text") == '<ROOT><row a="1"/><row a="2"/></ROOT>'
    as_object = make(query, results={"0": "Any"}, result_type="XML")
    run_task(as_object)
    assert etree.tostring(as_object.read("Any")) == b'<ROOT><row a="1"/><row a="2"/></ROOT>'
    malformed = failure_of(lambda: run_task(make("SELECT '<a>'", results={"0": "Any"}, result_type="XML")))
    assert malformed.code == 0xC00291FC


def test_the_execution_value_is_the_number_of_changed_rows(make: Make) -> None:
    assert run_task(make("CREATE TABLE #t (a int); INSERT INTO #t VALUES (1), (2); UPDATE #t SET a = 3;")) == 4


LATE = "SELECT 1 AS a; RAISERROR('late', 16, 1)"


def test_ole_db_does_not_see_an_error_after_the_first_result_set(make: Make) -> None:
    context = make(LATE, results={"a": "Int"}, result_type="SingleRow")
    run_task(context)
    assert context.read("Int") == 1
    assert ["late" in said.text for said in context.said] == [True]


@pytest.mark.parametrize("kind", ["ADO.NET", "ODBC"])
def test_other_connections_see_an_error_after_the_first_result_set(make: Make, kind: str) -> None:
    failure = failure_of(lambda: run_task(make(LATE, kind, results={"a": "Int"}, result_type="SingleRow")))
    assert (failure.code, "late" in failure.text) == (0xC002F210, True)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_without_a_result_set_before_it_fails(make: Make, kind: str) -> None:
    text = "CREATE TABLE #t (a int); INSERT INTO #t VALUES (1); RAISERROR('wrong', 16, 1)"
    assert "wrong" in failure_of(lambda: run_task(make(text, kind))).text


def test_a_failed_query_names_the_error_but_no_literals(make: Make) -> None:
    failure = failure_of(lambda: run_task(make("SELECT 's3cret' FROM no_such_table")))
    assert failure.code == 0xC002F210
    assert "no_such_table" in failure.text
    assert "s3cret" not in failure.text
    assert "[" not in failure.text


FAILURES: list[tuple[str, dict[str, Any], int]] = [
    ("SELECT 1 AS a WHERE 1 = 0", {"results": {"a": "Int"}, "result_type": "SingleRow"}, 0xC00291EE),
    ("SELECT 1 AS a", {"results": {"b": "Int"}, "result_type": "SingleRow"}, 0xC00291F7),
    ("SELECT 1 AS a", {"results": {"1": "Int"}, "result_type": "SingleRow"}, 0xC00291F6),
    ("DECLARE @a int", {"results": {"a": "Int"}, "result_type": "SingleRow"}, 0xC00291F9),
    (" ", {}, 0xC00291D4),
    ("GO\nGO", {}, 0xC00291D4),
    ("SELECT 1\nGO 3", {}, 0xC002F210),
    ("SELECT ?, ?", {"parameters": (Mapped("0", "Int", 3),)}, 0xC002F210),
    ("SELECT ?", {"parameters": (Mapped("1", "Int", 3),)}, 0xC00291DA),
    ("SELECT ?", {"parameters": (Mapped("@a", "Int", 3),)}, 0xC00291DA),
    ("SELECT ?", {"parameters": (Mapped("@a", "Int", 3), Mapped("0", "Int", 3))}, 0xC00291F3),
    ("EXEC p ?, ?", {"parameters": (Mapped("@b", "Int", 3), Mapped("@a", "Int", 3))}, 0xC00291DA),
    ("EXEC (?)", {"parameters": (Mapped("@a", "Int", 3),)}, 0xC00291DA),
    ("EXEC p ?", {"parameters": (Mapped("@a = 1; --", "Int", 3),)}, 0xC00291DA),
    ("EXEC catalog.create_folder ?", {"parameters": (Mapped("NewParameterName", "Text", 130),)}, 0xC002F210),
    ("EXEC p @b = ?", {"parameters": (Mapped("@a", "Int", 3),)}, 0xC00291DA),
    ("EXEC ? = p", {"parameters": (Mapped("@a", "Int", 3, "ReturnValue"),)}, 0xC00291DA),
    ("SELECT ?", {"parameters": (Mapped("0", "Int", 13),)}, 0xC00291F2),
    ("SELECT ?", {"parameters": (Mapped("0", "Text", 3),)}, 0xC002F210),
    ("SELECT ?", {"parameters": (Mapped("0", "Text", 130, size=3),)}, 0xC002F210),
    ("SET ? = 1", {"parameters": (Mapped("0", "Text", 130, "Output", 0),)}, 0xC002F429),
    ("SET ? = 1", {"parameters": (Mapped("0", "Text", 130, "Output", -2),)}, 0xC002F429),
    (
        "SELECT ?",
        {"parameters": (Mapped("0", "Int", 3), Mapped("1", "Int", 3, "ReturnValue"))},
        0xC00291E6,
    ),
]


@pytest.mark.parametrize(("statement", "arguments", "code"), FAILURES)
def test_faults_have_the_codes_of_integration_services(
    make: Make, statement: str, arguments: dict[str, Any], code: int
) -> None:
    assert failure_of(lambda: run_task(make(statement, **arguments))).code == code


def test_a_return_value_over_ado_net_needs_a_procedure(make: Make) -> None:
    context = make("catalog.p", "ADO.NET", parameters=(Mapped("@r", "Int", 11, "ReturnValue"),))
    assert failure_of(lambda: run_task(context)).code == 0xC00291E6


def test_ado_net_cuts_a_text_to_the_size_of_the_parameter(make: Make) -> None:
    context = make(
        "SELECT @a AS a",
        "ADO.NET",
        parameters=(Mapped("@a", "Text", 16, size=3),),
        results={"a": "Text"},
        result_type="SingleRow",
    )
    run_task(context)
    assert context.read("Text") == "O'B"


def test_the_statement_comes_from_a_variable_or_a_file(make: Make, tmp_path: Path) -> None:
    package = ProjectBuilder("P").add_package("Test")
    database = package.connection_managers.add_oledb("Sales", "Data Source=x")
    answer = package.add_variable("Answer", "", data_type="String")
    query = package.add_variable("Query", "SELECT 'variable' AS a", data_type="String")
    path = tmp_path / "query.sql"
    file = package.connection_managers.add_file("File", str(path))
    common: dict[str, Any] = {"results": {"a": answer}, "result_type": "SingleRow"}
    package.add_execute_sql("Variable", database, query, source_type="Variable", **common)
    package.add_execute_sql("File", database, file, source_type="FileConnection", code_page=1252, **common)
    built = package.read()
    server = make("x").opened.get("Sales").connection_string
    from_variable = task_context(built, name="Variable", replacements={"Sales": server})
    run_task(from_variable)
    assert from_variable.read("Answer") == "variable"
    from_file = task_context(built, name="File", replacements={"Sales": server})
    assert failure_of(lambda: run_task(from_file)).code == 0xC00291E8
    path.write_bytes("SELECT N'fiché' AS a".encode("cp1252"))
    run_task(from_file)
    assert from_file.read("Answer") == "fiché"
    path.write_bytes("\ufeffSELECT N'fiché' AS a".encode("utf-16-le"))
    run_task(from_file)
    assert from_file.read("Answer") == "fiché"


def test_a_connection_that_fails_is_the_cause(make: Make, ssisdb_emulator_server: SsisdbEmulator) -> None:
    server = f"{ssisdb_emulator_server.host},{ssisdb_emulator_server.port}"
    wrong = f"Provider=SQLNCLI11;Data Source={server};User ID=u;Password=c4nary"
    failure = failure_of(lambda: run_task(make("SELECT 1", connection=wrong)))
    assert list(causes(failure)) == [0xC0202009, 0xC00291EC]
    assert all("c4nary" not in each.text for each in failure.chain)


def test_missing_connections_and_variables_are_found_before_the_run(make: Make) -> None:
    context = make("SELECT 1", parameters=(Mapped("0", "Int", 3),))
    del context.types["User::Int"]
    assert list(causes(failure_of(lambda: run_task(context)))) == [0xC0010001, 0xC00291EA]
    data = context.container.data()
    assert isinstance(data, ExecuteSqlTask)
    data.element.set("{www.microsoft.com/sqlserver/dts/tasks/sqltask}Connection", "{none}")
    assert list(causes(failure_of(lambda: run_task(context)))) == [0xC001000E, 0xC00291EB]


def test_a_query_that_takes_too_long_fails(make: Make) -> None:
    failure = failure_of(lambda: run_task(make("WAITFOR DELAY '00:01:00'", timeout=1)))
    assert (failure.code, "1 seconds" in failure.text) == (0xC002F210, True)


@pytest.mark.parametrize("statement", ["WAITFOR DELAY '00:01:00'", "SELECT 1 AS a; WAITFOR DELAY '00:01:00'"])
def test_cancelling_ends_a_running_query(make: Make, statement: str) -> None:
    context = make(statement)
    timer = threading.Timer(0.3, context.cancel.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        run_task(context)
    timer.join()


def test_a_cancelled_run_starts_no_query(make: Make) -> None:
    context = make("SELECT 1")
    context.cancel.cancel()
    with pytest.raises(Cancelled):
        run_task(context)


def test_odbc_cannot_take_part_in_a_transaction(make: Make) -> None:
    for kind, code in (("ODBC", 0xC002F308), ("OLEDB", None)):
        context = make("SELECT 1", kind)
        transaction = TransactionConnections(context.opened)
        context.connections = transaction
        if code is None:
            run_task(context)
        else:
            assert failure_of(partial(run_task, context)).code == code
        transaction.rollback()


class TestPostgresql:
    """Execute SQL on PostgreSQL, a database other than SQL Server."""

    def test_parameters_and_results(self, make: Make, postgresql_odbc: str) -> None:
        context = make(
            "SELECT CAST(? AS integer) + 1 AS n, upper(CAST(? AS text)) AS t",
            "ODBC",
            connection=postgresql_odbc,
            parameters=(Mapped("1", "Int", 4), Mapped("2", "Text", -9)),
            results={"n": "Int", "t": "Text"},
            result_type="SingleRow",
        )
        run_task(context)
        assert (context.read("Int"), context.read("Text")) == (8, "O'BRIEN ÄSS".replace("SS", "ß"))

    def test_named_parameters_of_ado_net(self, make: Make, postgresql_odbc: str) -> None:
        context = make(
            "SELECT CAST(@b AS text) || CAST(:a AS text) AS t",
            "ADO.NET",
            connection=postgresql_odbc,
            parameters=(Mapped("@a", "Int", 11), Mapped("b", "Text", 16)),
            results={"t": "Text"},
            result_type="SingleRow",
        )
        run_task(context)
        assert context.read("Text") == "O'Brien äß7"

    def test_output_parameters_are_refused(self, make: Make, postgresql_odbc: str) -> None:
        context = make("SELECT ?", "ODBC", connection=postgresql_odbc, parameters=(Mapped("1", "Int", 4, "Output"),))
        assert failure_of(lambda: run_task(context)).code == 0xC00291E4

    def test_cancelling(self, make: Make, postgresql_odbc: str) -> None:
        context = make("SELECT pg_sleep(60)", "ODBC", connection=postgresql_odbc)
        timer = threading.Timer(0.2, context.cancel.cancel)
        timer.start()
        with pytest.raises(Cancelled):
            run_task(context)
        timer.join()


def test_parameters_without_a_marker_fail(make: Make) -> None:
    found = make("SELECT 1", parameters=(Mapped("0", "Int", 3),))
    assert failure_of(lambda: run_task(found)).code == 0xC002F210
    run_task(make("SELECT 1\nGO\nSELECT ?", parameters=(Mapped("0", "Int", 3),)))
