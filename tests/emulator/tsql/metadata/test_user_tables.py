"""What the system views and the catalog procedures show of clients' tables."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

from typing import Any

import pytest

from tests.support.tsql_session import answers

TABLES = """USE Shop; CREATE TABLE p (id int IDENTITY(5, 2) CONSTRAINT pk_p PRIMARY KEY, code varchar(9) NOT NULL CONSTRAINT uq_p UNIQUE)
CREATE TABLE c (a int NOT NULL, b nvarchar(20) CONSTRAINT df_b DEFAULT 'x', p int CONSTRAINT fk_p REFERENCES p, CONSTRAINT ck_a CHECK (a > 0), CONSTRAINT pk_c PRIMARY KEY (a, p))
CREATE INDEX ix_b ON c (b); CREATE UNIQUE INDEX ux_b ON c (b, a)"""

QUERIES: dict[str, list[tuple[Any, ...]]] = {
    "SELECT name, type_desc FROM sys.objects WHERE parent_object_id = OBJECT_ID('c') ORDER BY name": [
        ("ck_a", "CHECK_CONSTRAINT"),
        ("df_b", "DEFAULT_CONSTRAINT"),
        ("fk_p", "FOREIGN_KEY_CONSTRAINT"),
        ("pk_c", "PRIMARY_KEY_CONSTRAINT"),
    ],
    "SELECT name FROM sys.tables ORDER BY name": [("c",), ("p",)],
    "SELECT name, is_identity, is_nullable, max_length FROM sys.columns WHERE object_id = OBJECT_ID('dbo.p') ORDER BY column_id": [
        ("id", True, False, 4),
        ("code", False, False, 9),
    ],
    "SELECT OBJECT_NAME(object_id), name, is_primary_key, is_unique, type_desc FROM sys.indexes ORDER BY 1, index_id": [
        ("c", "pk_c", True, True, "CLUSTERED"),
        ("c", "ux_b", False, True, "NONCLUSTERED"),
        ("c", "ix_b", False, False, "NONCLUSTERED"),
        ("p", "pk_p", True, True, "CLUSTERED"),
        ("p", "uq_p", False, True, "NONCLUSTERED"),
    ],
    "SELECT c.name, ic.key_ordinal FROM sys.index_columns ic JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id WHERE ic.object_id = OBJECT_ID('c') AND ic.index_id = 1 ORDER BY 2": [
        ("a", 1),
        ("p", 2),
    ],
    "SELECT i.name, c.name FROM sys.indexes i JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id WHERE i.is_unique = 0": [
        ("ix_b", "b")
    ],
    "SELECT name, OBJECT_NAME(parent_object_id), OBJECT_NAME(referenced_object_id), delete_referential_action_desc FROM sys.foreign_keys": [
        ("fk_p", "c", "p", "NO_ACTION")
    ],
    "SELECT OBJECT_NAME(constraint_object_id), parent_column_id, referenced_column_id FROM sys.foreign_key_columns": [
        ("fk_p", 3, 1)
    ],
    "SELECT name, CAST(seed_value AS int), CAST(increment_value AS int) FROM sys.identity_columns": [("id", 5, 2)],
    "SELECT name, definition FROM sys.check_constraints UNION ALL SELECT name, definition FROM sys.default_constraints": [
        ("ck_a", "(a > 0)"),
        ("df_b", "('x')"),
    ],
    "SELECT TABLE_NAME, CONSTRAINT_NAME, CONSTRAINT_TYPE FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS ORDER BY 2": [
        ("c", "ck_a", "CHECK"),
        ("c", "fk_p", "FOREIGN KEY"),
        ("c", "pk_c", "PRIMARY KEY"),
        ("p", "pk_p", "PRIMARY KEY"),
        ("p", "uq_p", "UNIQUE"),
    ],
    "SELECT COLUMN_NAME, ORDINAL_POSITION FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE WHERE CONSTRAINT_NAME = 'pk_c' ORDER BY 2": [
        ("a", 1),
        ("p", 2),
    ],
    "SELECT CONSTRAINT_NAME, UNIQUE_CONSTRAINT_NAME FROM INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS": [
        ("fk_p", "pk_p")
    ],
    "SELECT COLUMN_NAME, COLUMN_DEFAULT, IS_NULLABLE, DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'c' ORDER BY ORDINAL_POSITION": [
        ("a", None, "NO", "int"),
        ("b", "('x')", "YES", "nvarchar"),
        ("p", None, "NO", "int"),
    ],
    "SELECT TABLE_CATALOG, TABLE_SCHEMA, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'c'": [
        ("Shop", "dbo", "BASE TABLE")
    ],
    "SELECT COL_LENGTH('c', 'b'), CASE WHEN OBJECT_ID('fk_p', 'F') IS NOT NULL THEN 1 END, OBJECT_ID('pk_c', 'U'), OBJECT_ID('dbo.c', 'V')": [
        (40, 1, None, None)
    ],
}


@pytest.fixture(scope="module")
def found() -> list[list[tuple[Any, ...]]]:
    setup, *read = answers("CREATE DATABASE Shop; USE Shop", TABLES, *QUERIES)[1:]
    assert setup.errors == []
    assert [each.errors for each in read if each.errors] == []
    return [each.results[0] for each in read]


@pytest.mark.parametrize("place", range(len(QUERIES)), ids=list(QUERIES))
def test_view(found: list[list[tuple[Any, ...]]], place: int) -> None:
    assert found[place] == list(QUERIES.values())[place]


def test_catalog_procedures() -> None:
    _, _, keys, foreign, indexes, columns, tables, row = answers(
        *("CREATE DATABASE Shop; USE Shop", TABLES, "EXEC sp_pkeys 'c'", "EXEC sp_fkeys @pktable_name = 'p'"),
        *("EXEC sp_statistics 'c'", "EXEC sp_columns_100 'p'", "EXEC sp_tables @table_type = '''TABLE'''"),
        "EXEC sp_special_columns 'p'",
    )
    assert keys.results[0] == [("Shop", "dbo", "c", "a", 1, "pk_c"), ("Shop", "dbo", "c", "p", 2, "pk_c")]
    assert [(*each[2:4], *each[6:9], each[11]) for each in foreign.results[0]] == [("p", "id", "c", "p", 1, "fk_p")]
    assert [each[5] for each in indexes.results[0]] == [None, "pk_c", "pk_c", "ux_b", "ux_b", "ix_b"]
    assert [(each[3], each[5], each[21]) for each in columns.results[0]] == [
        ("id", "int identity", 1),
        ("code", "varchar", 0),
    ]
    assert [each[2] for each in tables.results[0]] == ["c", "p"]
    assert [each[1] for each in row.results[0]] == ["id"]
