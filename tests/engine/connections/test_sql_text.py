"""Batches and parameter places in SQL text."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.engine.connections.sql_text import (
    RepeatedBatch,
    batches,
    marker_count,
    shown,
    with_markers,
    with_names,
    without_call_escape,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1\nGO\nSELECT 2", ["SELECT 1\n", "\nSELECT 2"]),
        ("SELECT 1\r\ngo\r\n\r\n  GO ; -- end\r\nSELECT 2\r\nGo", ["SELECT 1\r\n", "\nSELECT 2\r\n"]),
        ("SELECT 'a\nGO\nb'", ["SELECT 'a\nGO\nb'"]),
        ("/* a\nGO\n/* b */\nGO\n*/ SELECT 1", ["/* a\nGO\n/* b */\nGO\n*/ SELECT 1"]),
        ("SELECT [a\nGO\n] FROM GOLD\nGOTO x", ["SELECT [a\nGO\n] FROM GOLD\nGOTO x"]),
        ("-- it's\nSELECT 1\nGO\nSELECT 2", ["-- it's\nSELECT 1\n", "\nSELECT 2"]),
        ("GO\nGO", []),
    ],
)
def test_go_on_its_line_separates_batches(text: str, expected: list[str]) -> None:
    assert batches(text) == expected


def test_a_repeated_batch_is_refused() -> None:
    with pytest.raises(RepeatedBatch):
        batches("SELECT 1\nGO 5")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a = ? AND b = ?", 2),
        ("'?' \"?\" [?] -- ?\n /* ? /* ? */ ? */ ?", 1),
        ("'it''s ?' + ?", 1),
        ("SELECT 1 - ?", 1),
    ],
)
def test_markers_outside_of_strings_names_and_comments(text: str, count: int) -> None:
    assert marker_count(text) == count


def test_markers_become_names() -> None:
    assert with_names("EXEC ? = p ?, '?', ? OUTPUT", lambda n: f"@P{n}") == "EXEC @P0 = p @P1, '?', @P2 OUTPUT"


def test_names_become_markers_in_order() -> None:
    text, order = with_markers("a=@B and c=:a and x='@a' and @@rowcount=@other or y::text=@A", {"a": 0, "b": 1})
    assert (text, order) == ("a=? and c=? and x='@a' and @@rowcount=@other or y::text=?", [1, 0, 0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{? = call dbo.p(?, ?)}", "EXEC ? = dbo.p ?, ? OUTPUT"),
        ("{call p(?, 'x', ?)};", "EXEC p ?, 'x', ?"),
        ("{ call p }", "EXEC p"),
        ("EXEC p ?", "EXEC p ?"),
    ],
)
def test_call_escapes_become_exec(text: str, expected: str) -> None:
    assert without_call_escape(text, lambda number: number == 2) == expected


def test_the_shown_statement_has_no_literals() -> None:
    assert shown("CREATE LOGIN a\n WITH PASSWORD = 's3cret'") == "CREATE LOGIN a WITH PASSWORD = '***'"
    assert shown("SELECT 'open") == "SELECT '***'"
    assert shown("x" * 100) == "x" * 60 + "..."
