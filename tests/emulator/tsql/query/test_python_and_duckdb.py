"""An expression is computed by Python where no row matters and by DuckDB where one does: both must agree."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.emulator.datatypes import SqlType, Variant
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.moments import to_ticks
from tests.support.query_engine import QueryEngine

pytestmark = pytest.mark.slow

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
LOCAL = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)).map(lambda moment: moment.replace(fold=0))
WORDS = st.text(st.sampled_from("aAbB éÉ0 5_%[-"), max_size=6)

INTEGERS: dict[str, st.SearchStrategy[Any]] = {
    "tinyint": st.integers(0, 255),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
}
NUMBERS: dict[str, st.SearchStrategy[Any]] = {
    **INTEGERS,
    "bit": st.booleans(),
    "decimal(9,2)": st.decimals(-9_999_999, 9_999_999, places=2, allow_nan=False, allow_infinity=False),
    "decimal(38,10)": st.decimals(-(10**20), 10**20, places=10, allow_nan=False, allow_infinity=False),
    "money": st.decimals(-(10**10), 10**10, places=4, allow_nan=False, allow_infinity=False),
    "float": st.floats(-1e100, 1e100, allow_nan=False),
}
STRINGS: dict[str, st.SearchStrategy[Any]] = {"varchar(6)": WORDS, "nvarchar(6)": WORDS}
MOMENTS: dict[str, st.SearchStrategy[Any]] = {
    "date": st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
    "smalldatetime": LOCAL.filter(lambda moment: moment.year < 2079).map(
        lambda moment: moment.replace(second=0, microsecond=0)
    ),
    "datetime": LOCAL.map(to_ticks),
    "datetime2(3)": LOCAL.map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)),
    "datetime2": LOCAL,
    "datetimeoffset": st.tuples(LOCAL, ZONES).map(lambda pair: pair[0].replace(tzinfo=pair[1])),
}
COMPARABLE = {**NUMBERS, **STRINGS, **MOMENTS, "uniqueidentifier": st.uuids(), "varbinary(4)": st.binary(max_size=4)}


def _typed(choice: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.sampled_from(sorted(choice)).flatmap(
        lambda name: st.tuples(
            st.just(name), st.one_of(st.none(), choice[name]) if choice is COMPARABLE else choice[name]
        )
    )


def _same_kind() -> st.SearchStrategy[tuple[tuple[str, Any], tuple[str, Any]]]:
    kinds = [NUMBERS, STRINGS, MOMENTS, {"uniqueidentifier": st.uuids()}]
    return st.sampled_from(kinds).flatmap(lambda kind: st.tuples(_typed(kind), _typed(kind)))


@pytest.fixture(scope="module")
def engine() -> Iterator[QueryEngine]:
    engine = QueryEngine()
    yield engine
    engine.close()


PROPERTY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=120, deadline=None)


def _outcome(engine: QueryEngine, text: str) -> Any:
    try:
        result = engine.run(text)
    except SqlError as error:
        return error.number
    return result.types, [repr(value) for value in result.rows[0]]


def _agree(engine: QueryEngine, expression: str) -> None:
    alone = _outcome(engine, f"SELECT {expression} AS v")
    with_a_row = _outcome(engine, f"SELECT {expression} AS v FROM catalog.folders WHERE folder_id = 1")
    assert alone == with_a_row


@PROPERTY
@given(first=_typed(NUMBERS), second=_typed(NUMBERS), operator=st.sampled_from("+-*/"))
def test_arithmetic(engine: QueryEngine, first: tuple[str, Any], second: tuple[str, Any], operator: str) -> None:
    engine.declare("@a", *first)
    engine.declare("@b", *second)
    _agree(engine, f"@a {operator} @b")


@PROPERTY
@given(first=_typed(INTEGERS), second=_typed(INTEGERS), operator=st.sampled_from("%&|^"))
def test_whole_number_operators(
    engine: QueryEngine, first: tuple[str, Any], second: tuple[str, Any], operator: str
) -> None:
    engine.declare("@a", *first)
    engine.declare("@b", *second)
    _agree(engine, f"@a {operator} @b")


@PROPERTY
@given(pair=_same_kind(), operator=st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
def test_comparison(engine: QueryEngine, pair: tuple[tuple[str, Any], tuple[str, Any]], operator: str) -> None:
    engine.declare("@a", *pair[0])
    engine.declare("@b", *pair[1])
    _agree(engine, f"CASE WHEN @a {operator} @b THEN 1 WHEN NOT (@a {operator} @b) THEN 0 END")


@PROPERTY
@given(first=_typed(COMPARABLE), second=_typed(COMPARABLE), operator=st.sampled_from(["=", "<", ">="]))
def test_comparison_of_variants(
    engine: QueryEngine, first: tuple[str, Any], second: tuple[str, Any], operator: str
) -> None:
    for name, (type_text, value) in (("@a", first), ("@b", second)):
        engine.declare(name, "sql_variant", None if value is None else Variant(SqlType.parse(type_text), value))
    _agree(engine, f"CASE WHEN @a {operator} @b THEN 1 WHEN NOT (@a {operator} @b) THEN 0 END")


@PROPERTY
@given(
    value=_typed(COMPARABLE),
    target=st.sampled_from(
        ["int", "nvarchar(5)", "varchar(max)", "bit", "float", "datetime", "varbinary(8)", "sql_variant"]
    ),
)
def test_conversion(engine: QueryEngine, value: tuple[str, Any], target: str) -> None:
    engine.declare("@a", *value)
    _agree(engine, f"CAST(@a AS {target})")
    _agree(engine, f"TRY_CAST(@a AS {target})")


FUNCTIONS = [
    "LEN(@s)",
    "UPPER(@s)",
    "LOWER(@s)",
    "LEFT(@s, @n)",
    "SUBSTRING(@s, @n, 2)",
    "CHARINDEX(@p, @s)",
    "REPLACE(@s, @p, 'x')",
    "PATINDEX(@p, @s)",
    "LTRIM(RTRIM(@s))",
    "REVERSE(@s) + @p",
    "STUFF(@s, @n, 1, @p)",
    "CASE WHEN @s LIKE @p THEN 1 ELSE 0 END",
    "CASE WHEN @s LIKE '%a_' THEN 1 ELSE 0 END",
    "CASE WHEN @s IN (@p, 'b', NULL) THEN 1 ELSE 0 END",
    "ISNULL(NULLIF(@s, @p), 'same')",
]


@PROPERTY
@given(text=_typed(STRINGS), pattern=_typed(STRINGS), number=st.integers(0, 7), function=st.sampled_from(FUNCTIONS))
def test_string_functions(
    engine: QueryEngine, text: tuple[str, str], pattern: tuple[str, str], number: int, function: str
) -> None:
    engine.declare("@s", *text)
    engine.declare("@p", *pattern)
    engine.declare("@n", "int", number)
    _agree(engine, function)


@PROPERTY
@given(
    moment=_typed(MOMENTS),
    number=st.integers(-500, 500),
    part=st.sampled_from(["year", "quarter", "month", "week", "day", "weekday"]),
)
def test_date_functions(engine: QueryEngine, moment: tuple[str, Any], number: int, part: str) -> None:
    engine.declare("@d", *moment)
    engine.declare("@n", "int", number)
    for expression in (f"DATEADD({part}, @n, @d)", f"DATEDIFF({part}, @d, '2000-02-29')", f"DATENAME({part}, @d)"):
        _agree(engine, expression)


@PROPERTY
@given(values=st.lists(_typed(COMPARABLE), min_size=2, max_size=6))
def test_variants_sort_as_they_compare(engine: QueryEngine, values: list[tuple[str, Any]]) -> None:
    for index, (type_text, value) in enumerate(values):
        variant = None if value is None else Variant(SqlType.parse(type_text), value)
        engine.declare(f"@v{index}", "sql_variant", variant)
    listed = ", ".join(f"(@v{index})" for index in range(len(values)))
    rows = [row[0] for row in engine.rows(f"SELECT x.v FROM (VALUES {listed}) AS x(v) ORDER BY x.v")]
    for first, second in itertools.pairwise(rows):
        engine.declare("@one", "sql_variant", first)
        engine.declare("@other", "sql_variant", second)
        answer = engine.rows("SELECT CASE WHEN @one > @other THEN 'out of order' ELSE 'in order' END")
        assert answer == [("in order",)]
