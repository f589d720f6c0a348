"""Views that a query reads only some columns of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from airflow_provider_ssis.emulator.ssisdb import declare, views
from airflow_provider_ssis.emulator.tsql.metadata.view_columns import view_columns

assert views.__all__, "importing them declares them"
NAMES = ("id", "label", "total")


@pytest.fixture
def data() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect()) as connection:
        connection.execute(
            "CREATE TABLE items AS SELECT * FROM (VALUES (1, 'a, b', 2.5), (2, 'FROM (c)', NULL), (2, NULL, 1))"
            " AS t(id, label, total)"
        )
        yield connection


@pytest.mark.parametrize(
    "select",
    [
        "SELECT id, label, total FROM items WHERE id > 0",
        "SELECT id AS id, CAST(total AS VARCHAR), total AS x FROM items i WHERE label IS NULL",
        "SELECT -i.id, i.label, i.id FROM items i WHERE id > 1 AND total IS NOT NULL",
        "SELECT i.id, concat(i.label, ', FROM ', '('), CASE WHEN i.total IS NULL THEN 0 ELSE i.total END FROM items i",
        "SELECT a.id, b.label, (SELECT count(*) FROM items WHERE id = a.id) FROM items a JOIN items b ON a.id = b.id",
        "SELECT max(id), min(label), sum(total) FROM items",
    ],
)
def test_each_column_alone_is_that_of_the_whole_view(data: duckdb.DuckDBPyConnection, select: str) -> None:
    whole = data.execute(f"SELECT * FROM ({select}) AS v ORDER BY ALL").fetchall()
    columns = view_columns(select, NAMES)
    assert columns is not None
    for place, name in enumerate(NAMES):
        rows = data.execute(f'SELECT v."{name}" FROM {columns.source("v", NAMES, [name])} ORDER BY ALL').fetchall()
        assert rows == sorted(((row[place],) for row in whole), key=lambda row: (row[0] is None, row[0]))
    [(count,)] = data.execute(f"SELECT count(*) FROM {columns.source('v', NAMES, [])}").fetchall()
    assert count == len(whole)


@pytest.mark.parametrize(
    "select",
    [
        "SELECT DISTINCT id, label, total FROM items",
        "SELECT id, label, sum(total) FROM items GROUP BY id, label",
        "SELECT id, label, total FROM items UNION SELECT id, label, total FROM items",
        "SELECT id, label, total FROM items ORDER BY id LIMIT 1",
        "SELECT id, label, sum(total) OVER () FROM items QUALIFY row_number() OVER () = 1",
        "SELECT unnest([1, 2]), label, total FROM items",
        "SELECT a.*, 1 FROM items a",
        "SELECT * FROM items a JOIN items b USING (id)",
        "WITH t AS (SELECT * FROM items) SELECT id, label, total FROM t",
        "SELECT 1, 2, 3",
        "SELECT * FROM items",
        "SELECT * FROM (SELECT id, label, total FROM items)",
        "SELECT id AS number, label, total FROM items WHERE number > 1",
        "SELECT id, label FROM items",
    ],
)
def test_a_view_whose_columns_depend_on_each_other_is_read_as_a_whole(select: str) -> None:
    assert view_columns(select, NAMES) is None


def test_the_views_of_executions_are_taken_apart() -> None:
    view = declare.VIEWS["executions"]
    text = view.source("s1", {"status"}, sees_all=True)
    assert "o.status" in text
    assert "caller_name" not in text


@pytest.mark.parametrize("sees_all", [True, False])
def test_a_join_whose_columns_are_not_read_is_left_out(sees_all: bool) -> None:
    view = declare.VIEWS["executions"]
    assert "internal.operations" not in view.source("s1", {"package_name"}, sees_all=sees_all)
    assert "internal.operations" in view.source("s1", {"package_name", "status"}, sees_all=sees_all)
