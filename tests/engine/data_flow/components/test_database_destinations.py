"""ADO.NET, ODBC and SQL Server destinations, and the paths of fast loads: facts in data_flow.md, 3.2, 3.21 to 3.23."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.data_flow.components.ado_net_destination import AdoNetDestination
from airflow_provider_ssis.engine.data_flow.components.odbc_destination import OdbcDestination
from airflow_provider_ssis.engine.data_flow.components.ole_db_destination import OleDbDestination
from airflow_provider_ssis.engine.data_flow.components.sql_server_destination import SqlServerDestination
from airflow_provider_ssis.engine.data_flow.databases.bulk_loading import BulkWriter
from airflow_provider_ssis.engine.data_flow.databases.table_destination import TableDestination
from airflow_provider_ssis.engine.errors import Cancelled
from tests.support.database_components import TestColumn, batch_of, destination, flow_context, write_all
from tests.support.databases import TestDatabase, sql_server_database
from tests.support.engine import failure_of

_T = DataTypeCode
I4 = ColumnType(_T.DT_I4)
TEXT = ColumnType(_T.DT_WSTR, 10)
COLUMNS = (TestColumn("id", I4), TestColumn("name", TEXT))
KINDS: dict[str, tuple[type[TableDestination], str, dict[str, str]]] = {
    "ado.net": (AdoNetDestination, "TableOrViewName", {"UseBulkInsertWhenPossible": "true"}),
    "ado.net inserts": (AdoNetDestination, "TableOrViewName", {}),
    "odbc batch": (OdbcDestination, "TableName", {"InsertMethod": "1"}),
    "odbc rows": (OdbcDestination, "TableName", {"InsertMethod": "0"}),
    "sql server": (SqlServerDestination, "BulkInsertTableName", {"MaxInsertCommitSize": "0"}),
}
WITH_ERRORS = [kind for kind in KINDS if kind != "sql server"]


@pytest.fixture
def sql_server(ssisdb_emulator_server: SsisdbEmulator) -> TestDatabase:
    return sql_server_database(ssisdb_emulator_server)


def part_of(kind: str, table: str, disposition: str = "FailComponent") -> TableDestination:
    made, name, properties = KINDS[kind]
    return made(destination(made.classes[0], COLUMNS, {name: table} | properties, disposition=disposition))


def write(database: TestDatabase, part: TableDestination, *ids: int, **others: Any) -> dict[str, list[tuple[Any, ...]]]:
    schema = part.plan.inputs["I"]
    batch = batch_of(schema, **({"id": ids, "name": [f"n{each}" for each in ids]} | others))
    return write_all(part, flow_context({"DB": database.manager}), batch)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_written(database: TestDatabase, kind: str) -> None:
    table = database.create("t_kinds", "id int", "name nvarchar(10)")
    part = part_of(kind, table)
    assert write(database, part, 1, 2) == {}
    assert part.counts.rows == 2
    assert database.rows(f"SELECT * FROM {table} ORDER BY id") == [(1, "n1"), (2, "n2")]


def test_rows_of_one_transaction_are_committed_together(database: TestDatabase) -> None:
    """Also if an ODBC Destination inserts them one by one."""
    table = database.create("t_size", "id int CHECK (id < 100)", "name nvarchar(10)")
    properties = {"TableName": table, "InsertMethod": "0", "TransactionSize": "2"}
    part = OdbcDestination(destination("ODBCDestination", COLUMNS, properties))
    failure_of(lambda: write(database, part, 1, 2, 3, 400, 5))
    assert database.rows(f"SELECT id FROM {table} ORDER BY id") == [(1,), (2,)]


@pytest.mark.parametrize("kind", WITH_ERRORS)
def test_bad_rows_are_redirected_alone(database: TestDatabase, kind: str) -> None:
    """Facts 3.21: another disposition than Fail writes row by row (0x802092AA); 0xC020844F for a row of ADO.NET."""
    table = database.create("t_bad", "id int CHECK (id < 100)", "name nvarchar(10)")
    part = part_of(kind, table, "RedirectRow")
    found = write(database, part, 1, 400, 2)
    code = 0xC020844F if kind.startswith("ado") else 0xC020907D
    assert found == {"E": [(400, "n400", code - 2**32, 0)]}
    assert database.rows(f"SELECT id FROM {table} ORDER BY id") == [(1,), (2,)]


def test_an_ado_net_destination_warns_that_it_writes_rows_one_by_one(sql_server: TestDatabase) -> None:
    table = sql_server.create("t_warn", "id int", "name nvarchar(10)")
    context = flow_context({"DB": sql_server.manager})
    part_of("ado.net", table, "RedirectRow").validate(context)
    assert context.codes("warning") == [0x802092AA]


@pytest.mark.parametrize("kind", KINDS)
def test_a_destination_without_a_table_fails(sql_server: TestDatabase, kind: str) -> None:
    context = flow_context({"DB": sql_server.manager})
    assert failure_of(lambda: part_of(kind, " ").validate(context)).code == 0xC0202042


def test_a_sql_server_destination_refuses_a_part_of_the_rows() -> None:
    plan = destination("SQLServerDestination", COLUMNS, {"BulkInsertTableName": "t", "BulkInsertFirstRow": "5"})
    (refused,) = SqlServerDestination.refusals(plan)
    assert "BulkInsertFirstRow" in str(refused)


def fast(table: str, options: str, *columns: TestColumn, **properties: str) -> OleDbDestination:
    given = {"AccessMode": "3", "OpenRowset": table, "FastLoadOptions": options}
    given |= {"FastLoadMaxInsertCommitSize": "2147483647"} | properties
    return OleDbDestination(destination("OLEDBDestination", columns or COLUMNS, given))


def test_a_bulk_load_without_the_option_checks_no_constraints(sql_server: TestDatabase) -> None:
    """Facts 3.2: without CHECK_CONSTRAINTS, check constraints are not checked."""
    table = sql_server.create("t_unchecked", "id int CHECK (id < 100)", "name nvarchar(10)")
    write(sql_server, fast(table, "TABLOCK"), 400)
    assert sql_server.rows(f"SELECT id FROM {table}") == [(400,)]
    failure = failure_of(lambda: write(sql_server, fast(table, "TABLOCK, check_constraints"), 401))
    assert failure.code == 0xC0209029
    assert "0xC020907B" in failure.text


def test_types_that_a_bulk_load_does_not_take_are_inserted(sql_server: TestDatabase) -> None:
    """A time with its zone, numbers beyond 63 bits, text for a date, and a NULL for a default of a NOT NULL column."""
    table = sql_server.create(
        "t_others", "z datetimeoffset(7)", "u decimal(20,0)", "d date", "n nvarchar(5) NOT NULL DEFAULT 'none'"
    )  # fmt: skip
    columns = (
        TestColumn("u", ColumnType(_T.DT_UI8)),
        TestColumn("d", TEXT),
        TestColumn("n", ColumnType(_T.DT_WSTR, 5)),
    )
    part = fast(table, "", *columns)
    rows: dict[str, list[Any]] = {"u": [2**64 - 1, None], "d": ["2024-02-03", None], "n": [None, "x"]}
    write_all(part, flow_context({"DB": sql_server.manager}), batch_of(part.plan.inputs["I"], **rows))
    found = sql_server.rows(f"SELECT u, d, n FROM {table} ORDER BY n")
    assert found == [(Decimal(2**64 - 1), dt.date(2024, 2, 3), "none"), (None, None, "x")]
    zoned = fast(table, "", TestColumn("z", ColumnType(_T.DT_DBTIMESTAMPOFFSET, scale=7)))
    at = (dt.datetime(2024, 1, 2, 3) - dt.datetime(1, 1, 1)) // dt.timedelta(microseconds=1) * 10
    batch = batch_of(zoned.plan.inputs["I"], z=[{"ticks": at, "minutes": -90}])
    write_all(zoned, flow_context({"DB": sql_server.manager}), batch)
    (text,) = sql_server.rows(f"SELECT CONVERT(varchar(40), z) FROM {table} WHERE z IS NOT NULL")
    assert text[0].startswith("2024-01-02 01:30:00.0000000 -01:30")


def test_a_null_in_a_column_without_null_is_an_error(sql_server: TestDatabase) -> None:
    table = sql_server.create("t_null", "id int NOT NULL", "name nvarchar(10)")
    failure = failure_of(lambda: write(sql_server, fast(table, ""), 1, 2, id=[1, None]))
    assert failure.code == 0xC0209029
    assert sql_server.rows(f"SELECT id FROM {table}") == []


def test_a_temporary_table_of_a_retained_connection_is_loaded(sql_server: TestDatabase) -> None:
    context = flow_context({"DB": sql_server.manager}, retain=True)
    with context.connections.odbc("DB") as connection:
        connection.execute("CREATE TABLE #kept (id int, name nvarchar(10))")
        part = fast("#kept", "TABLOCK")
        write_all(part, context, batch_of(part.plan.inputs["I"], id=[1], name=["a"]))
        assert [tuple(row) for row in connection.execute("SELECT * FROM #kept").fetchall()] == [(1, "a")]
    context.opened.close()


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("mode", ["3", "0"])
def test_rows_belong_to_a_transaction_that_a_statement_began(sql_server: TestDatabase, mode: str, end: str) -> None:
    """BEGIN TRANSACTION on a retained connection: the rows are written on this connection, also by a fast load."""
    table = sql_server.create("t_tran", "id int CHECK (id < 100)", "name nvarchar(10)")
    context = flow_context({"DB": sql_server.manager}, retain=True)
    given = {"AccessMode": mode, "OpenRowset": table, "FastLoadOptions": "CHECK_CONSTRAINTS"}
    given |= {"FastLoadMaxInsertCommitSize": "2"}
    part = OleDbDestination(destination("OLEDBDestination", COLUMNS, given, disposition="RedirectRow"))
    with context.connections.odbc("DB") as connection:
        connection.execute("BEGIN TRANSACTION")
        batch = batch_of(part.plan.inputs["I"], id=[1, 2, 3, 400], name=["a", "b", "c", "d"])
        found = write_all(part, context, batch)
        connection.execute(f"{end} TRANSACTION")
    context.opened.close()
    good = [1, 2] if mode == "3" else [1, 2, 3]
    assert [row[0] for row in found["E"]] == [each for each in (1, 2, 3, 400) if each not in good]
    written = [row[0] for row in sql_server.rows(f"SELECT id FROM {table} ORDER BY id")]
    assert written == (good if end == "COMMIT" else [])


@pytest.mark.parametrize("commit_rows", ["0", "2147483647"])
def test_a_load_that_is_cancelled_leaves_only_committed_batches(
    sql_server: TestDatabase, monkeypatch: pytest.MonkeyPatch, commit_rows: str
) -> None:
    """The rows of the second batch have arrived at the server when the run is cancelled."""
    table = sql_server.create("t_cancelled", "id int", "name nvarchar(10)")
    properties = {"AccessMode": "3", "OpenRowset": table, "FastLoadMaxInsertCommitSize": commit_rows}
    part = OleDbDestination(destination("OLEDBDestination", COLUMNS, properties))
    context = flow_context({"DB": sql_server.manager})
    batches = [batch_of(part.plan.inputs["I"], id=[number], name=["n"]) for number in (1, 2)]
    loads, arrived, go_on = [0], threading.Event(), threading.Event()
    load = BulkWriter._load

    def slow_load(writer: BulkWriter, rows: pa.RecordBatch) -> None:
        load(writer, rows)
        loads[0] += 1
        if loads[0] == 2:
            arrived.set()
            go_on.wait(30)

    def cancel() -> None:
        arrived.wait(30)
        context.cancel.cancel()

    monkeypatch.setattr(BulkWriter, "_load", slow_load)
    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(Cancelled):
        write_all(part, context, *batches)
    canceller.join()
    assert arrived.is_set()
    loaders = [thread for thread in threading.enumerate() if thread.name == "ssis-bulk-load"]
    assert loaders
    go_on.set()
    for thread in loaders:
        thread.join(30)
    kept = [] if commit_rows == "0" else [(1,)]
    assert sql_server.rows(f"SELECT id FROM {table}") == kept
    sql_server.run(f"DROP TABLE {table}")
