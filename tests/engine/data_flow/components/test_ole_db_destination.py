"""OLE DB destinations, on the embedded server and on PostgreSQL: facts in data_flow.md, 3.2, 1.11 and 1.13."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.components.ole_db_destination import OleDbDestination
from airflow_provider_ssis.project.package.data_flow import read_pipeline
from tests.support.database_components import TestColumn, batch_of, destination, flow_context, opened, write_all
from tests.support.databases import TestDatabase
from tests.support.engine import failure_of

_T = DataTypeCode
I4, R8 = ColumnType(_T.DT_I4), ColumnType(_T.DT_R8)
TEXT = ColumnType(_T.DT_WSTR, 10)
ID, NAME = TestColumn("id", I4), TestColumn("name", TEXT)
FAST, SLOW = "3", "0"
EACH = pytest.mark.parametrize("mode", [FAST, SLOW])
CHECK = "CHECK (id < 100)"
INTEGRITY, UNKNOWN = 0xC020907D - 2**32, 0xC020907B - 2**32


def plan(
    table: str, mode: str, *columns: TestColumn, disposition: str = "FailComponent", **others: Any
) -> ComponentPlan:
    properties = {"AccessMode": mode, "OpenRowset": table, "FastLoadOptions": "TABLOCK,CHECK_CONSTRAINTS"}
    properties |= {"FastLoadMaxInsertCommitSize": "2147483647"} | others.pop("properties", {})
    return destination("OLEDBDestination", columns or (ID, NAME), properties, disposition=disposition, **others)


def write(database: TestDatabase, part_plan: ComponentPlan, *batches: pa.RecordBatch, **variables: Any) -> Any:
    part = OleDbDestination(part_plan)
    found = write_all(part, flow_context({"DB": database.manager}, **variables), *batches)
    return part.counts.rows, found


def needs_description(database: TestDatabase, table: str) -> None:
    if not database.describes(table):
        pytest.skip("the catalog views of the embedded server do not list tables that clients create")


def numbers(part_plan: ComponentPlan, *ids: int | None, **others: Any) -> pa.RecordBatch:
    schema = part_plan.inputs["I"]
    given = {"id": ids, "name": [f"n{each}" for each in ids]} | others
    return batch_of(schema, **given)


@EACH
def test_rows_are_written(database: TestDatabase, mode: str) -> None:
    table = database.create("t_rows", "id int", "name nvarchar(10)")
    made = plan(table, mode)
    assert write(database, made, numbers(made, 1, 2), numbers(made, 3)) == (3, {})
    assert database.rows(f"SELECT * FROM {table} ORDER BY id") == [(1, "n1"), (2, "n2"), (3, "n3")]


@EACH
def test_only_mapped_columns_are_written(database: TestDatabase, mode: str) -> None:
    """Facts 1.10: unmapped destination columns are not in the INSERT."""
    table = database.create("t_mapped", "id int", "name nvarchar(10)", "more int DEFAULT 7")
    made = plan(table, mode, ID, TestColumn("label", TEXT, external="name"), unmapped=[TestColumn("other", I4)])
    batch = batch_of(made.inputs["I"], id=[1], label=["a"], other=[5])
    assert write(database, made, batch) == (1, {})
    assert database.rows(f"SELECT id, name, more FROM {table}") == [(1, "a", 7)]


@EACH
def test_a_row_that_the_database_rejects_fails_the_component(database: TestDatabase, mode: str) -> None:
    """Facts 1.14: what was committed stays; a fast load loses its whole batch, row by row only the rest."""
    table = database.create("t_fails", f"id int {CHECK}", "name nvarchar(10)")
    made = plan(table, mode)
    failure = failure_of(lambda: write(database, made, numbers(made, 1, 2), numbers(made, 3, 400, 5)))
    assert failure.code == 0xC0209029
    assert [cause.code for cause in failure.causes] == [0xC0202009]
    committed = [1, 2] if mode == FAST else [1, 2, 3]
    assert f"Committed before: {len(committed)} rows" in failure.causes[0].text
    assert ("rows 3 to 5" if mode == FAST else "row 4") in failure.causes[0].text
    assert [row[0] for row in database.rows(f"SELECT id FROM {table} ORDER BY id")] == committed


@EACH
def test_a_row_that_the_database_rejects_is_redirected(database: TestDatabase, mode: str) -> None:
    """Facts 3.2: in a fast load the whole batch goes to the error output, row by row only the bad row."""
    table = database.create("t_redirect", f"id int {CHECK}", "name nvarchar(10)")
    made = plan(table, mode, disposition="RedirectRow")
    rows, found = write(database, made, numbers(made, 1, 2), numbers(made, 3, 400, 5))
    kept = [1, 2] if mode == FAST else [1, 2, 3, 5]
    assert rows == len(kept)
    assert [row[0] for row in database.rows(f"SELECT id FROM {table} ORDER BY id")] == kept
    assert [(row[0], row[3]) for row in found["E"]] == ([(3, 0), (400, 0), (5, 0)] if mode == FAST else [(400, 0)])
    assert {row[2] for row in found["E"]} <= {INTEGRITY, UNKNOWN}


@EACH
def test_rejected_rows_are_dropped_if_errors_are_ignored(database: TestDatabase, mode: str) -> None:
    """Facts 1.11, inferred: a destination row is dropped silently."""
    table = database.create("t_ignore", f"id int {CHECK}", "name nvarchar(10)")
    made = plan(table, mode, disposition="IgnoreFailure")
    rows, found = write(database, made, numbers(made, 400), numbers(made, 3))
    assert (rows, found) == (1, {})
    assert database.rows(f"SELECT id FROM {table}") == [(3,)]


def test_a_commit_size_divides_a_batch(database: TestDatabase) -> None:
    """Facts 3.2: a commit after that many rows or at the end of a buffer."""
    table = database.create("t_commits", f"id int {CHECK}", "name nvarchar(10)")
    made = plan(table, FAST, disposition="RedirectRow", properties={"FastLoadMaxInsertCommitSize": "2"})
    rows, found = write(database, made, numbers(made, 1, 2, 3, 400, 5))
    assert rows == 3
    assert [row[0] for row in found["E"]] == [3, 400]
    assert [row[0] for row in database.rows(f"SELECT id FROM {table} ORDER BY id")] == [1, 2, 5]


def test_a_commit_size_of_zero_commits_at_the_end(database: TestDatabase) -> None:
    """Facts 3.2: one commit at the end, with the information 0x4020F42C; nothing stays after an error."""
    table = database.create("t_zero", f"id int {CHECK}", "name nvarchar(10)")
    made = plan(table, FAST, properties={"FastLoadMaxInsertCommitSize": "0"})
    failure = failure_of(lambda: write(database, made, numbers(made, 1, 2), numbers(made, 400)))
    assert "no rows" in f"{failure.text} {[cause.text for cause in failure.chain]}".lower()
    assert database.rows(f"SELECT id FROM {table}") == []
    part = OleDbDestination(made)
    context = flow_context({"DB": database.manager})
    write_all(part, context, numbers(made, 1, 2), numbers(made, 3))
    assert (part.counts.rows, len(database.rows(f"SELECT id FROM {table}"))) == (3, 3)
    assert context.codes("information") == [0x4020F42C, 0x402090DF, 0x402090E0]


def test_rows_cannot_be_redirected_with_one_commit(database: TestDatabase) -> None:
    """Facts 3.2: 0xC00470C7."""
    made = plan("t_rows", FAST, disposition="RedirectRow", properties={"FastLoadMaxInsertCommitSize": "0"})
    assert failure_of(lambda: write(database, made)).code == 0xC00470C7


def test_an_interrupted_load_with_one_commit_leaves_nothing(database: TestDatabase) -> None:
    table = database.create("t_rollback", "id int", "name nvarchar(10)")
    made = plan(table, FAST, properties={"FastLoadMaxInsertCommitSize": "0"})
    part = OleDbDestination(made)

    def run() -> None:
        with opened(part, flow_context({"DB": database.manager})):
            list(part.process("I", numbers(made, 1)))
            raise RuntimeError("another component failed")

    with pytest.raises(RuntimeError):
        run()
    assert database.rows(f"SELECT id FROM {table}") == []


def test_a_null_becomes_the_default_in_a_fast_load(database: TestDatabase) -> None:
    """Facts 3.2: KeepNulls false takes the column's DEFAULT, true keeps NULL; row by row inserts an explicit NULL."""
    for mode, keep, expected in ((FAST, "false", "none"), (FAST, "true", None), (SLOW, "false", None)):
        table = database.create("t_nulls", "id int", "name nvarchar(10) DEFAULT 'none'")
        needs_description(database, table)
        made = plan(table, mode, properties={"FastLoadKeepNulls": keep})
        assert write(database, made, numbers(made, 1, 2, name=["a", None])) == (2, {})
        assert database.rows(f"SELECT id, name FROM {table} ORDER BY id") == [(1, "a"), (2, expected)]


def test_identity_values_are_ignored_unless_they_are_kept(database: TestDatabase) -> None:
    """Facts 3.2: KeepIdentity."""
    for keep, expected in (("false", [1, 2]), ("true", [40, 50])):
        table = database.create("t_identity", "id identity", "name nvarchar(10)")
        needs_description(database, table)
        made = plan(table, FAST, properties={"FastLoadKeepIdentity": keep})
        assert write(database, made, numbers(made, 40, 50)) == (2, {})
        assert [row[0] for row in database.rows(f"SELECT id FROM {table} ORDER BY id")] == expected


@EACH
@pytest.mark.parametrize("disposition", ["FailComponent", "RedirectRow", "IgnoreFailure"])
def test_text_that_is_too_long_is_an_error_of_its_row(database: TestDatabase, mode: str, disposition: str) -> None:
    """Facts 1.13: 0xC0209078; the input has one disposition for all errors."""
    table = database.create("t_long", "id int", "name nvarchar(3)")
    columns = (ID, TestColumn("name", TEXT))
    made = plan(table, mode, *columns, disposition=disposition)
    made = with_external_length(made, 3)
    batch = numbers(made, 1, 2, 3, name=["abc", "abcd", "x"])
    if disposition == "FailComponent":
        failure = failure_of(lambda: write(database, made, batch))
        assert failure.code == 0xC020902A
        assert "0xC0209078" in failure.text
        assert len(database.rows(f"SELECT id FROM {table}")) == (0 if mode == FAST else 1)
        return
    rows, found = write(database, made, batch)
    assert rows == 2
    assert [row[0] for row in database.rows(f"SELECT id FROM {table} ORDER BY id")] == [1, 3]
    expected = {"E": [(2, "abcd", 0xC0209078 - 2**32, 12)]}
    assert found == (expected if disposition == "RedirectRow" else {})


def test_text_that_the_table_cuts_is_a_truncation(database: TestDatabase) -> None:
    """Facts 1.13: 0xC0209078, also where only the database knows the length."""
    table = database.create("t_short", "id int", "name nvarchar(3)")
    made = plan(table, SLOW, disposition="RedirectRow")
    rows, found = write(database, made, numbers(made, 1, 2, name=["abcd", "x"]))
    assert (rows, [row[:3] for row in found["E"]]) == (1, [(1, "abcd", 0xC0209078 - 2**32)])


def with_external_length(made: ComponentPlan, length: int) -> ComponentPlan:
    """The plan with an external column ``name`` that is shorter than the column of the flow."""
    for column in made.stored.inputs[0].external_columns:
        if column.name == "name":
            column.element.set("length", str(length))
    pipeline = made.stored.element.getroottree().getroot()
    return replace(made, stored=read_pipeline(pipeline, "p.dtsx").components[0])


def test_a_real_is_cut_to_the_scale_of_its_column(database: TestDatabase) -> None:
    """Facts 2.3: 12.3456789 is stored as 12.34."""
    table = database.create("t_cut", "amount decimal(19,2)")
    made = plan(table, FAST, TestColumn("amount", R8))
    made.stored.inputs[0].external_columns[0].element.attrib.update(
        {"dataType": "numeric", "precision": "19", "scale": "2"}
    )
    made = with_external_length(made, 0)
    assert write(database, made, batch_of(made.inputs["I"], amount=[12.3456789, None])) == (2, {})
    assert database.rows(f"SELECT amount FROM {table} WHERE amount IS NOT NULL") == [(Decimal("12.34"),)]


def test_unicode_text_cannot_be_written_to_a_column_with_a_code_page(database: TestDatabase) -> None:
    """Facts 2.3: str and wstr are never converted implicitly, 0xC02020F6."""
    made = plan("t_rows", FAST)
    made.stored.inputs[0].external_columns[1].element.attrib.update({"dataType": "str", "codePage": "1252"})
    made = with_external_length(made, 10)
    assert failure_of(lambda: write(database, made)).code == 0xC02020F6


@EACH
def test_each_type_is_written(database: TestDatabase, mode: str) -> None:
    table = database.create(
        "t_types", "a bit", "b smallint", "c bigint", "d float", "e decimal(9,3)", "f nvarchar(20)", "g date",
        "h datetime2", "i real"
    )  # fmt: skip
    columns = (
        TestColumn("a", ColumnType(_T.DT_BOOL)),
        TestColumn("b", ColumnType(_T.DT_I2)),
        TestColumn("c", ColumnType(_T.DT_I8)),
        TestColumn("d", R8),
        TestColumn("e", ColumnType(_T.DT_NUMERIC, precision=9, scale=3)),
        TestColumn("f", ColumnType(_T.DT_WSTR, 20)),
        TestColumn("g", ColumnType(_T.DT_DBDATE)),
        TestColumn("h", ColumnType(_T.DT_DBTIMESTAMP2, scale=6)),
        TestColumn("i", ColumnType(_T.DT_R4)),
    )
    made = plan(table, mode, *columns)
    row = (
        True,
        -3,
        2**40,
        0.1,
        Decimal("-1.250"),
        "日本 ß",
        dt.date(1, 2, 3),
        dt.datetime(9999, 1, 2, 3, 4, 5, 678901),
        1.5,
    )
    values = {column.name: [value, None] for column, value in zip(columns, row, strict=True)}
    assert write(database, made, batch_of(made.inputs["I"], **values)) == (2, {})
    found = database.rows(f"SELECT * FROM {table} WHERE c IS NOT NULL")
    assert [(each[0] in (True, "1"), *each[1:]) for each in found] == [row]
    assert database.rows(f"SELECT COUNT(*) FROM {table} WHERE a IS NULL AND f IS NULL AND h IS NULL") == [(1,)]


@pytest.mark.parametrize("mode", ["1", "4"])
def test_the_table_comes_from_a_variable(database: TestDatabase, mode: str) -> None:
    table = database.create("t_variable", "id int", "name nvarchar(10)")
    made = plan("", mode, properties={"OpenRowsetVariable": "User::Table"})
    assert write(database, made, numbers(made, 1), Table=table) == (1, {})
    assert database.rows(f"SELECT id FROM {table}") == [(1,)]


def test_a_select_names_the_table(database: TestDatabase) -> None:
    table = database.create("t_select", "id int", "name nvarchar(10)")
    made = plan("", "2", properties={"SqlCommand": f"select id, name from {table}"})
    assert not list(OleDbDestination.refusals(made))
    assert write(database, made, numbers(made, 1)) == (1, {})
    (refused,) = OleDbDestination.refusals(plan("", "2", properties={"SqlCommand": "select a from b join c on 1=1"}))
    assert "SQL command" in str(refused)


def test_missing_tables_columns_and_mappings_fail(database: TestDatabase) -> None:
    """Facts 1.10 and 3.2."""
    table = database.create("t_check", "id int")
    assert failure_of(lambda: write(database, plan("", FAST))).code == 0xC0202042
    assert failure_of(lambda: write(database, plan("t_nowhere", FAST))).code == 0xC0202009
    assert failure_of(lambda: write(database, plan(table, FAST))).code == 0xC004706B
    unmapped = destination("OLEDBDestination", (), {"AccessMode": FAST, "OpenRowset": table})
    assert failure_of(lambda: write(database, unmapped)).code == 0xC0202025


def test_a_column_of_another_code_page_is_warned_of(database: TestDatabase) -> None:
    """The server writes a question mark for each character that its code page lacks, without an error."""
    table = database.create("t_pages", "id int", "name varchar(10)", "city varchar(10)", "note nvarchar(10)")
    needs_description(database, table)
    cyrillic, western = (ColumnType(_T.DT_STR, 10, code_page=page) for page in (1251, 1252))
    made = plan(table, FAST, ID, TestColumn("name", cyrillic), TestColumn("city", western), TestColumn("note", TEXT))
    context = flow_context({"DB": database.manager})
    OleDbDestination(made).validate(context)
    found = [said.text.split(" of ")[0] for said in context.said if said.code == 0x800470CA]
    assert found == (["The column name"] if database.is_sql_server else [])


def test_a_retained_connection_is_used(database: TestDatabase) -> None:
    table = database.create("t_retained", "id int", "name nvarchar(10)")
    made = plan(table, SLOW)
    context = flow_context({"DB": database.manager}, retain=True)
    write_all(OleDbDestination(made), context, numbers(made, 1))
    context.opened.close()
    assert database.rows(f"SELECT id FROM {table}") == [(1,)]
