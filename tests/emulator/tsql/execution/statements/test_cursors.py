"""Cursors: declaring, opening, fetching in all directions, and their errors."""

from __future__ import annotations

import pytest

from tests.support.tsql_session import answers, run

LOOP = """
DECLARE @t TABLE (id int); INSERT @t VALUES (3), (1), (2);
DECLARE @id int, @seen varchar(100) = '';
DECLARE c CURSOR {options} FOR SELECT id FROM @t ORDER BY id;
OPEN c;
FETCH NEXT FROM c INTO @id;
WHILE @@FETCH_STATUS = 0
BEGIN
    SET @seen += CAST(@id AS varchar(10)) + ' ';
    FETCH NEXT FROM c INTO @id;
END
CLOSE c;
DEALLOCATE c;
SELECT @seen, @@FETCH_STATUS, @id;
"""


@pytest.mark.parametrize(
    "options",
    ["", "LOCAL", "GLOBAL FORWARD_ONLY", "LOCAL FAST_FORWARD", "LOCAL STATIC READ_ONLY FORWARD_ONLY", "SCROLL KEYSET"],
)
def test_a_loop_reads_all_rows_in_order(options: str) -> None:
    found = run(LOOP.format(options=options))
    assert not found.errors
    assert found.results == [[("1 2 3 ", -1, 3)]]


def test_every_direction() -> None:
    found = run(
        """CREATE TABLE #t (id int); INSERT #t VALUES (1), (2), (3), (4);
        DECLARE c SCROLL CURSOR FOR SELECT id FROM #t ORDER BY id FOR READ ONLY
        DECLARE @n int = -2
        OPEN c
        FETCH LAST FROM c; FETCH PRIOR FROM c; FETCH FIRST FROM c; FETCH ABSOLUTE 2 FROM c; FETCH ABSOLUTE -1 FROM c
        FETCH RELATIVE @n FROM c; FETCH RELATIVE 1 FROM c; FETCH NEXT FROM c; FETCH c
        SELECT @@FETCH_STATUS, @@CURSOR_ROWS
        FETCH PRIOR FROM c; FETCH ABSOLUTE 0 FROM c; FETCH c
        CLOSE c DEALLOCATE c"""
    )
    assert not found.errors
    assert found.results == [
        *([(number,)] for number in (4, 3, 1, 2, 4, 2, 3, 4)),
        [],
        [(-1, 4)],
        [(4,)],
        [],
        [(1,)],
    ]


def test_fetch_keeps_the_variables_without_a_row() -> None:
    found = run(
        """DECLARE @a int = 7, @b varchar(2) = 'x'
        DECLARE c CURSOR LOCAL FOR SELECT 1, 'abc' WHERE 1 = 0
        OPEN c FETCH NEXT FROM c INTO @a, @b
        SELECT @a, @b, @@FETCH_STATUS"""
    )
    assert found.results == [[(7, "x", -1)]]


def test_the_variables_are_read_when_the_cursor_is_declared() -> None:
    found = run(
        """DECLARE @n int = 1, @got int
        DECLARE c CURSOR LOCAL FOR SELECT @n
        SET @n = 2
        OPEN c FETCH c INTO @got SELECT @got"""
    )
    assert found.results == [[(1,)]]


def test_cursor_variables() -> None:
    found = run(
        """DECLARE @c CURSOR, @other CURSOR, @n int
        SELECT CURSOR_STATUS('variable', '@c')
        SET @c = CURSOR STATIC FOR SELECT 5 UNION ALL SELECT 6
        OPEN @c
        SET @other = @c
        FETCH NEXT FROM @other INTO @n; FETCH NEXT FROM @c INTO @n
        SELECT @n, CURSOR_STATUS('variable', '@c'), @@CURSOR_ROWS
        CLOSE @c; SELECT CURSOR_STATUS('variable', '@other')
        DEALLOCATE @c; SELECT CURSOR_STATUS('variable', '@c'); FETCH @c"""
    )
    assert found.results == [[(-2,)], [(6, 1, 2)], [(-1,)], [(-2,)]]
    assert found.numbers == [16950]


def test_a_global_cursor_outlives_its_batch_and_a_local_one_does_not() -> None:
    _, found = answers(
        "DECLARE g CURSOR GLOBAL FOR SELECT 1; DECLARE l CURSOR LOCAL FOR SELECT 2; OPEN g; OPEN l",
        "FETCH g; SELECT CURSOR_STATUS('global', 'g'), CURSOR_STATUS('local', 'l'); FETCH l",
    )
    assert found.results == [[(1,)], [(1, -3)]]
    assert found.numbers == [16916]


def test_a_local_cursor_hides_a_global_one() -> None:
    found = run(
        """DECLARE c CURSOR GLOBAL FOR SELECT 1; DECLARE c CURSOR LOCAL FOR SELECT 2
        OPEN c OPEN GLOBAL c FETCH c FETCH FROM GLOBAL c"""
    )
    assert found.results == [[(2,)], [(1,)]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("OPEN c", 16916),
        ("DECLARE c CURSOR FOR SELECT 1; FETCH c", 16917),
        ("DECLARE c CURSOR FOR SELECT 1; CLOSE c", 16917),
        ("DECLARE c CURSOR FOR SELECT 1; OPEN c; OPEN c", 16905),
        ("DECLARE c CURSOR FOR SELECT 1; DECLARE c CURSOR FOR SELECT 1", 16915),
        ("DECLARE @a int; DECLARE c CURSOR FOR SELECT 1, 2; OPEN c; FETCH c INTO @a", 16924),
        ("DECLARE c CURSOR FOR SELECT 1; OPEN c; FETCH LAST FROM c", 16911),
        ("DECLARE c CURSOR FAST_FORWARD SCROLL FOR SELECT 1", 1048),
        ("DECLARE c CURSOR LOCAL GLOBAL FOR SELECT 1", 1048),
        ("DECLARE c INSENSITIVE CURSOR FOR SELECT 1; OPEN c; FETCH LAST FROM c", 16911),
        ("DECLARE c SCROLL CURSOR STATIC FOR SELECT 1", 1049),
        ("DECLARE c CURSOR FOR SELECT missing FROM sys.databases", 207),
        ("DECLARE c CURSOR FOR DELETE FROM #t", 156),
        ("DECLARE c CURSOR FOR SELECT 1; OPEN c; FETCH c INTO @missing", 137),
        ("DECLARE @a int; OPEN @a", 16949),
    ],
)
def test_errors(text: str, number: int) -> None:
    assert run(text).numbers == [number]


def test_dynamic_sql_sees_global_cursors() -> None:
    found = run(
        """EXEC ('DECLARE c CURSOR GLOBAL FOR SELECT 1 AS x; DECLARE d CURSOR LOCAL FOR SELECT 2')
        OPEN c; FETCH c; OPEN d"""
    )
    assert found.results == [[(1,)]]
    assert found.numbers == [16916]
