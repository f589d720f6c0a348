"""String functions count a character above U+FFFF twice, as SQL Server does without a supplementary collation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.query_engine import QueryEngine

TEXTS = st.text(st.sampled_from("aB é🙂𝄞"), max_size=8)


@pytest.fixture(scope="module")
def engine() -> Iterator[QueryEngine]:
    engine = QueryEngine()
    yield engine
    engine.close()


def units(text: str) -> list[str]:
    """The 16-bit units of a text."""
    data = text.encode("utf-16-le")
    return [data[place : place + 2].decode("utf-16-le", "surrogatepass") for place in range(0, len(data), 2)]


def whole(parts: list[str]) -> str:
    """The characters of 16-bit units; half a character is left out."""
    return "".join(parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def without_halves(parts: list[str]) -> list[str]:
    """Units without the second half of a character at the beginning and the first half at the end."""
    begin = 1 if parts and "\udc00" <= parts[0] <= "\udfff" else 0
    end = len(parts) - (1 if parts and "\ud800" <= parts[-1] <= "\udbff" else 0)
    return parts[begin:end]


@settings(max_examples=40, deadline=None)
@given(
    text=TEXTS,
    start=st.integers(1, 10),
    count=st.integers(0, 10),
    wanted=st.text(st.sampled_from("a🙂"), min_size=1, max_size=1),
)
def test_places_and_lengths_are_those_of_16_bit_units(
    engine: QueryEngine, text: str, start: int, count: int, wanted: str
) -> None:
    for name, kind, value in (
        ("@s", "nvarchar(50)", text),
        ("@i", "int", start),
        ("@n", "int", count),
        ("@w", "nvarchar(2)", wanted),
    ):
        engine.declare(name, kind, value)
    given_units = units(text)
    found = "".join(given_units).lower().find("".join(units(wanted)), start - 1) + 1
    before = whole(without_halves(given_units[: start - 1]))
    after = whole(without_halves(given_units[start - 1 + count :]))
    expected: dict[str, object] = {
        "LEN(@s)": len(units(text.rstrip(" "))),
        "LEFT(@s, @n)": whole(without_halves(given_units[:count])),
        "RIGHT(@s, @n)": whole(without_halves(given_units[max(len(given_units) - count, 0) :])),
        "SUBSTRING(@s, @i, @n)": whole(without_halves(given_units[start - 1 : start - 1 + count])),
        "CHARINDEX(@w, @s, @i)": found,
        "LEN(REVERSE(@s) + N'.')": len(given_units) + 1,
        "STUFF(@s, @i, @n, N'-')": f"{before}-{after}" if start <= len(given_units) else None,
    }
    for expression, result in expected.items():
        assert engine.value(expression)[1] == result, (expression, text)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("LEN(N'🙂🙂')", 4),
        ("LEN(N'🙂  ')", 2),
        ("LEFT(N'a🙂b', 3)", "a🙂"),
        ("LEFT(N'a🙂b', 2)", "a"),
        ("RIGHT(N'a🙂b', 2)", "b"),
        ("SUBSTRING(N'🙂b', 3, 1)", "b"),
        ("CHARINDEX(N'b', N'🙂b')", 3),
        ("CHARINDEX(N'🙂', N'a🙂b🙂', 3)", 5),
        ("PATINDEX(N'%b%', N'🙂b')", 3),
        ("PATINDEX(N'%x%', N'🙂b')", 0),
        ("STUFF(N'🙂b', 3, 1, N'c')", "🙂c"),
        ("REVERSE(N'x🙂')", "🙂x"),
        ("UNICODE(N'🙂')", 0xD83D),
    ],
)
def test_examples(engine: QueryEngine, expression: str, value: int | str) -> None:
    assert engine.value(expression)[1] == value
