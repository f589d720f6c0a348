"""What drivers raise becomes one exception class per meaning."""

from __future__ import annotations

import csv

import pymssql
import pyodbc
import pytds
import pytest

from airflow_provider_ssis.catalog import errors
from airflow_provider_ssis.catalog.errors.driver_errors import (
    DriverReport,
    connect_error,
    read_report,
    server_error,
    statement_error,
)
from airflow_provider_ssis.catalog.errors.error_numbers import MEANINGS
from tests.support.places import SHARED

INFORMATIONAL = 10


def test_the_tree_in_the_documentation_is_that_of_the_classes() -> None:
    def tree(kind: type[Exception], prefix: str = "") -> list[str]:
        lines = []
        below = [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
        for position, each in enumerate(below, start=1):
            is_last = position == len(below)
            lines.append(f"{prefix}{'└── ' if is_last else '├── '}{each.__name__}")
            lines += tree(each, prefix + ("    " if is_last else "│   "))
        return lines

    text = errors.__doc__ or ""
    drawn = [line.removeprefix("    ") for line in text[text.index("    CatalogError\n") :].splitlines()]
    assert drawn == ["CatalogError", *tree(errors.CatalogError)]


ERROR_NUMBERS = SHARED / "ssisdb" / "error_numbers.csv"


def test_a_number_of_sql_server_is_read_from_the_text_that_odbc_makes() -> None:
    raised = pyodbc.ProgrammingError(
        "42000",
        "[42000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]No folder 'X' (2). (27104) (SQLExecDirectW); "
        "[42000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Ended. (3621)",
    )
    assert read_report(raised) == DriverReport(text="No folder 'X' (2).", sqlstate="42000", number=27104)
    error = statement_error(raised)
    assert isinstance(error, errors.FolderNotFound)
    assert str(error).startswith("No folder 'X' (2). (SQL Server error 27104)")


def test_brackets_inside_the_servers_text_stay() -> None:
    raised = pyodbc.Error("42000", "[42000] [FreeTDS][SQL Server][a] is not a folder (27104) (SQLExecute)")
    assert read_report(raised).text.endswith("is not a folder")


def test_pymssql_gives_number_and_bytes() -> None:
    raised = pymssql.OperationalError(
        27146, b"There is no such package.DB-Lib error message 20018, severity 16:\nGeneral SQL Server error"
    )
    assert read_report(raised) == DriverReport(text="There is no such package.", number=27146)
    assert isinstance(statement_error(raised), errors.PackageNotFound)


def test_pymssql_nests_the_pair_when_connecting() -> None:
    raised = pymssql.OperationalError((18456, b"Login failed for user 'x'.DB-Lib error message 20002"))
    assert isinstance(connect_error(raised, target="sql01"), errors.LoginFailed)


def test_python_tds_gives_procedure_and_line() -> None:
    raised = pytds.DatabaseError("There is no such package.")
    raised.msg_no = raised.number = 27146
    raised.severity, raised.state, raised.procname, raised.line = 16, 1, "create_execution", 120
    error = statement_error(raised)
    assert isinstance(error, errors.PackageNotFound)
    assert (error.severity, error.state, error.procedure, error.line) == (16, 1, "create_execution", 120)


@pytest.mark.parametrize(
    "raised",
    [
        pyodbc.OperationalError(
            "08S01", "[08S01] [Microsoft][ODBC Driver 18]Communication link failure (0) (SQLExecute)"
        ),
        pyodbc.Error(
            "HY000", "[HY000] [Microsoft][ODBC Driver 18]TCP Provider: Error code 0x2746 (10054) (SQLExecute)"
        ),
        pyodbc.Error(
            "HY000", "[HY000] [Microsoft][ODBC Driver 18]The session is in the kill state. (596) (SQLExecute)"
        ),
        pymssql.OperationalError(20003, b"Adaptive Server connection timed out"),
        pymssql.OperationalError(20017, b"DB-Lib error message 20017, severity 9:\nUnexpected EOF from the server"),
        pytds.ClosedConnectionError(),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
)
def test_a_broken_connection_has_its_own_error(raised: Exception) -> None:
    error = statement_error(raised)
    assert isinstance(error, errors.ConnectionLost)
    assert not error.message.endswith(": ")


def test_a_query_timeout_has_its_own_error() -> None:
    raised = pyodbc.OperationalError(
        "HYT00", "[HYT00] [Microsoft][ODBC Driver 18]Query timeout expired (0) (SQLExecute)"
    )
    assert isinstance(statement_error(raised), errors.StatementTimeout)


@pytest.mark.parametrize(
    ("sqlstate", "text", "expected"),
    [
        ("08001", "TCP Provider: Error code 0x2749 (10061) (SQLDriverConnect)", errors.ServerUnreachable),
        ("HYT00", "Login timeout expired (0) (SQLDriverConnect)", errors.ServerUnreachable),
        ("08001", "SSL Provider: [error:0A000086:SSL routines::certificate verify failed] (-1)", errors.TlsRefused),
        ("28000", "[SQL Server]Login failed for user 'x'. (18456) (SQLDriverConnect)", errors.LoginFailed),
        ("42000", '[SQL Server]Cannot open database "SSISDB" requested by the login. (4060)', errors.CatalogMissing),
        ("01000", "Can't open lib '/opt/x.so' : file not found (0) (SQLDriverConnect)", errors.DriverMissing),
        ("IM002", "Data source name not found and no default driver specified (0)", errors.DriverMissing),
        ("42000", "[SQL Server]Database is not currently available. (40613)", errors.TransientError),
    ],
)
def test_what_prevents_a_connection_has_its_own_error(sqlstate: str, text: str, expected: type[Exception]) -> None:
    raised = pyodbc.Error(sqlstate, f"[{sqlstate}] [Microsoft][ODBC Driver 18 for SQL Server]{text}")
    error = connect_error(raised, target="sql01, port 1433")
    assert type(error) is expected
    assert error.advice


@pytest.mark.parametrize(
    ("raised", "client_code"),
    [
        (pyodbc.Error("08001", "[08001] [Microsoft][ODBC Driver 18]TCP Provider: Error code 0x2749 (10061)"), 10061),
        (pyodbc.Error("HY000", "[HY000] [Microsoft][ODBC Driver 18]SSPI Provider: No credentials (851968)"), 851968),
        (pyodbc.Error("08S01", "[08S01] [FreeTDS][SQL Server]Unable to connect: no answer (20009)"), 20009),
        (pymssql.OperationalError(20017, b"Unexpected EOF from the server"), 20017),
    ],
)
def test_a_code_of_the_driver_or_the_network_is_not_called_an_error_of_sql_server(
    raised: Exception, client_code: int
) -> None:
    report = read_report(raised)
    assert (report.number, report.client_code) == (None, client_code)
    for error in (statement_error(raised), connect_error(raised, target="sql01", uses_kerberos=True)):
        assert "SQL Server error" not in str(error)


@pytest.mark.parametrize("database", ["catalog", "dbo", "DBO"])
def test_a_schema_instead_of_the_database_is_explained(database: str) -> None:
    raised = pyodbc.Error(
        "42000", f"[42000] [FreeTDS][SQL Server]Cannot open database '{database}'. (4060) (SQLConnect)"
    )
    error = connect_error(raised, target="sql01", database=database)
    assert isinstance(error, errors.CatalogMissing)
    assert "is a schema inside it" in error.advice
    assert "in the database SSISDB" in error.advice


def test_another_database_does_not_lead_to_the_advice_to_create_the_catalog() -> None:
    raised = pyodbc.Error("42000", "[42000] [FreeTDS][SQL Server]Cannot open database 'Sales'. (4060) (SQLConnect)")
    assert "'Sales'" in connect_error(raised, target="sql01", database="Sales").advice
    assert "Create the catalog" not in connect_error(raised, target="sql01", database="Sales").advice
    assert "Create the catalog" in connect_error(raised, target="sql01", database="SSISDB").advice


def test_a_wrong_password_of_a_windows_account_is_not_a_kerberos_error() -> None:
    for number in (18452, 18456):
        raised = pyodbc.Error("28000", f"[28000] [FreeTDS][SQL Server]Login failed. ({number}) (SQLDriverConnect)")
        error = connect_error(raised, target="sql01", uses_ntlm=True)
        assert isinstance(error, errors.LoginFailed)
        assert "account and password" in error.advice
        assert "Kerberos" not in error.advice


def test_what_no_driver_is_known_to_raise_keeps_its_text() -> None:
    error = statement_error(ValueError("something\n  odd"))
    assert type(error) is errors.CatalogError
    assert str(error) == "something odd"


def test_an_error_says_where_it_arose_and_what_to_do() -> None:
    error = server_error(
        DriverReport(text="SQL logins are refused.", number=27123, severity=16, state=1, procedure="start", line=9)
    )
    assert isinstance(error, errors.WindowsAuthenticationRequired)
    assert isinstance(error, errors.PermissionDenied)
    text = str(error)
    assert "SQL Server error 27123, procedure start, line 9" in text
    assert "Kerberos" in text


def test_every_error_of_the_catalog_that_a_client_can_get_has_a_meaning() -> None:
    if not ERROR_NUMBERS.exists():
        pytest.skip("the list of the catalog's error numbers is not available")
    with ERROR_NUMBERS.open(newline="") as file:
        numbers = {int(row["number"]) for row in csv.DictReader(file) if int(row["severity"]) > INFORMATIONAL}
    assert numbers <= set(MEANINGS)


@pytest.mark.parametrize(
    ("number", "advice"),
    [(15581, "OPEN MASTER KEY"), (6522, "clr enabled"), (6263, "clr enabled"), (10314, "TRUSTWORTHY")],
)
def test_errors_after_a_restore_or_failover_have_advice(number: int, advice: str) -> None:
    assert advice in server_error(DriverReport(text="No.", number=number)).advice


@pytest.mark.parametrize("number", sorted(number for number in MEANINGS if number in range(27100, 27300)))
def test_every_error_of_the_catalog_says_what_to_do(number: int) -> None:
    assert server_error(DriverReport(text="No.", number=number)).advice


@pytest.mark.parametrize(
    "number",
    [
        *(596, 701, 802, 845, 921, 922, 924, 927, 945, 952, 954, 976, 978, 979, 982, 983),
        *(1105, 3906, 6005, 8645, 8651, 9001, 9002, 42108, 42109),
    ],
)
def test_what_a_server_says_that_is_down_or_short_of_something_may_pass(number: int) -> None:
    error = server_error(DriverReport(text="No.", number=number))
    assert type(error) is errors.TransientError
    assert error.advice


def test_a_missing_password_is_named() -> None:
    raised = pyodbc.Error("28000", "[28000] [FreeTDS][SQL Server]Login failed. (18456) (SQLDriverConnect)")
    error = connect_error(raised, target="sql01", lacks_password=True)
    assert error.advice.startswith("The connection has a login and no password. Check login and password")


def test_a_keytab_that_gets_no_ticket_is_not_asked_for() -> None:
    raised = pyodbc.Error(
        "HY000", "[HY000] [FreeTDS]SSPI Provider: No Kerberos credentials available (SQLDriverConnect)"
    )
    advice = connect_error(raised, target="sql01", uses_kerberos=True, has_keytab=True).advice
    assert "although the connection has a keytab" in advice
    assert "Set kerberos_keytab" not in advice
    assert "Set kerberos_keytab" in connect_error(raised, target="sql01", uses_kerberos=True).advice
