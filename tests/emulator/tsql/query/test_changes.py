"""INSERT, UPDATE and DELETE on table variables and temporary tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from airflow_provider_ssis.emulator.datatypes import INT, SqlType, Variant
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from tests.support.query_engine import QueryEngine


@pytest.fixture
def engine() -> Iterator[QueryEngine]:
    engine = QueryEngine()
    engine.declare("@id", "int", 5)
    yield engine
    engine.close()


def test_insert_values_with_and_without_names(engine: QueryEngine) -> None:
    assert engine.rows("INSERT INTO @rows (id, name) VALUES (@id, N'a'), (2, 'b')") == [(2,)]
    assert engine.rows("INSERT @rows VALUES (3, NULL, '2026-01-01 10:00 +02:00', 7)") == [(1,)]
    zone = dt.timezone(dt.timedelta(hours=2))
    assert engine.rows("SELECT * FROM @rows ORDER BY id") == [
        (2, "b", None, None),
        (3, None, dt.datetime(2026, 1, 1, 10, tzinfo=zone), Variant(INT, 7)),
        (5, "a", None, None),
    ]


def test_insert_from_a_query(engine: QueryEngine) -> None:
    assert engine.rows(
        "INSERT INTO @rows (id, name) SELECT folder_id, LEFT(name, 5) FROM catalog.folders WHERE folder_id < 3"
    ) == [(2,)]
    assert engine.rows("INSERT INTO @rows (id) SELECT id + 10 FROM @rows UNION ALL SELECT 99") == [(3,)]
    assert engine.rows("SELECT id, name FROM @rows ORDER BY id") == [
        (1, "Alpha"),
        (2, "beta "),
        (11, None),
        (12, None),
        (99, None),
    ]


def test_a_write_returns_its_row_count_and_no_columns(engine: QueryEngine) -> None:
    query = engine.compiler.compile(
        QueryText.parse("DELETE FROM @rows"),
        variables={},
        database="SSISDB",
        connection=engine.connection,
        local_tables=engine.local_tables,
    )
    assert query.writes
    assert query.columns == ()
    assert engine.compiler.run(query, engine.connection, {}) == [(0,)]


def test_update_with_compound_assignment_and_condition(engine: QueryEngine) -> None:
    engine.rows("INSERT INTO @rows (id, name) VALUES (1, 'a'), (2, 'b')")
    assert engine.rows("UPDATE @rows SET id += 10, name = name + '!' WHERE name = 'B'") == [(1,)]
    assert engine.rows("SELECT id, name FROM @rows ORDER BY id") == [(1, "a"), (12, "b!")]


def test_update_from_a_join(engine: QueryEngine) -> None:
    engine.rows("INSERT INTO @rows (id) VALUES (1), (2), (9)")
    joined = "@rows AS r INNER JOIN catalog.folders f ON f.folder_id = r.id"
    assert engine.rows(f"UPDATE r SET name = LEFT(f.name, 3), r.mark = f.value FROM {joined}") == [(2,)]
    assert engine.rows("SELECT name, mark FROM @rows ORDER BY id") == [
        ("Alp", Variant(INT, 5)),
        ("bet", Variant(SqlType("nvarchar", length=10), "Hello")),
        (None, None),
    ]


def test_delete_all_some_and_by_a_join(engine: QueryEngine) -> None:
    engine.rows("INSERT INTO @rows (id) VALUES (1), (2), (8), (9)")
    assert engine.rows("DELETE FROM @rows WHERE id = 9") == [(1,)]
    assert engine.rows("DELETE r FROM @rows r JOIN catalog.folders f ON f.folder_id = r.id WHERE f.name <> 'beta'") == [
        (1,)
    ]
    assert engine.rows("SELECT id FROM @rows ORDER BY id") == [(2,), (8,)]
    assert engine.rows("DELETE @rows") == [(2,)]


ERRORS = [
    ("INSERT INTO @rows (id, name) VALUES (1, 'too long')", 2628),
    (
        (
            "INSERT INTO @rows (id, name) SELECT folder_id, description + 'abcdef' FROM catalog.folders "
            "WHERE folder_id = 1"
        ),
        2628,
    ),
    ("INSERT INTO @rows (id) VALUES (NULL)", 515),
    ("INSERT INTO @rows (name) VALUES ('a')", 515),
    ("INSERT INTO @rows (id) VALUES ('x')", 245),
    ("INSERT INTO @rows (id, nothing) VALUES (1, 2)", 207),
    ("INSERT INTO @rows (id) VALUES (1, 2)", 110),
    ("INSERT INTO @rows (id) SELECT 1, 2", 121),
    ("INSERT INTO @rows (id, name) SELECT 1", 120),
    ("INSERT INTO @rows VALUES (1)", 213),
    ("INSERT INTO @rows (id, name) VALUES (1)", 109),
    ("INSERT INTO @rows (at) VALUES (NEWID())", 206),
    ("INSERT INTO @missing VALUES (1)", 1087),
    ("UPDATE @rows SET nothing = 1", 207),
    ("UPDATE @rows SET id = NULL WHERE id = 1", 515),
]


@pytest.mark.parametrize(("text", "number"), ERRORS, ids=[each[0] for each in ERRORS])
def test_a_change_that_cannot_be_made_is_an_error(engine: QueryEngine, text: str, number: int) -> None:
    engine.rows("INSERT INTO @rows (id) VALUES (1)")
    with pytest.raises(SqlError) as caught:
        engine.rows(text)
    assert caught.value.number == number, caught.value
    assert engine.rows("SELECT id FROM @rows") == [(1,)]


def test_trailing_blanks_are_no_reason_to_refuse(engine: QueryEngine) -> None:
    engine.rows("INSERT INTO @rows (id, name) VALUES (1, 'abc      ')")
    assert engine.rows("SELECT name FROM @rows") == [("abc  ",)]
