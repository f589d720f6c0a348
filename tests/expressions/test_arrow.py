"""The Arrow kernels agree with the scalar evaluator."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from airflow_provider_ssis.datatypes import INTEGER_RANGES, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions import (
    Column,
    Expression,
    ExpressionCode,
    ExpressionError,
    Scope,
    Settings,
    compile_expression,
    row_error_code,
)
from airflow_provider_ssis.expressions.arrow import arrow_type, as_column, as_values, evaluate_batch
from airflow_provider_ssis.expressions.conversion import Value
from tests.support.expressions import SETTINGS
from tests.support.random_expressions import expressions_with_rows


def scalar_outcome(expression: Expression, row: list[Value | None]) -> tuple[Value | None, int]:
    """The value of a row and the code of its error, by the scalar evaluator."""
    try:
        value = expression.evaluate(row)
    except ExpressionError as error:
        return None, int(error.code)
    return value, 0


def batch_outcomes(expression: Expression, values: list[list[Value | None]]) -> list[tuple[Value | None, int]]:
    """The values of rows and the codes of their errors, by the kernels."""
    assert expression.scope.columns is not None
    columns = [
        as_column([row[index] for row in values], column.type) for index, column in enumerate(expression.scope.columns)
    ]
    result = evaluate_batch(expression, columns, len(values))
    assert result.values.type == arrow_type(expression.type)
    errors = [0] * len(values) if result.errors is None else result.errors.tolist()
    return list(zip(as_values(result.values, expression.type), errors, strict=True))


@given(expressions_with_rows())
@settings(max_examples=int(os.environ.get("EXAMPLES", "150")), deadline=None, suppress_health_check=list(HealthCheck))
def test_kernels_and_scalar_evaluator_agree(
    case: tuple[str, Expression | None, list[list[Value | None]]],
) -> None:
    text, expression, values = case
    if expression is None:
        return
    expected = [scalar_outcome(expression, row) for row in values]
    for (value, error), found in zip(expected, batch_outcomes(expression, values), strict=True):
        # Arrow's text is UTF-8: the kernels refuse halves of surrogate pairs, and the scalar evaluator keeps them.
        if found == (None, ExpressionCode.DTS_E_EXPREVALDATACONVERSIONFAILED) and splits_pairs(text):
            continue
        assert (value, error) == found, text
        assert type(value) is type(found[0]), text


def splits_pairs(text: str) -> bool:
    """Whether an expression has a function that can split a surrogate pair."""
    return any(name in text for name in ("SUBSTRING", "LEFT", "RIGHT", "REVERSE"))


I4 = ColumnType(DataTypeCode.DT_I4)


def of_text(text: str, *columns: Column, **options: bool) -> Expression:
    """A compiled expression over columns."""
    return compile_expression(text, Scope(columns=columns), Settings(clock=SETTINGS.clock, **options))


def test_rows_with_errors_are_null_and_have_a_code() -> None:
    expression = of_text("100 / x", Column("x", I4))
    result = evaluate_batch(expression, [pa.array([5, 0, None, 7], pa.int32())], 4)
    assert result.values.to_pylist() == [20, None, None, 14]
    assert result.errors is not None
    assert result.errors.tolist() == [0, ExpressionCode.DTS_E_EXPREVALDIVBYZERO, 0, 0]
    guarded = of_text("x == 0 ? -1 : 100 / x", Column("x", I4))
    assert evaluate_batch(guarded, [pa.array([5, 0, None], pa.int32())], 3).errors is None


def test_error_outputs_have_the_codes_named_static() -> None:
    pairs = {
        ExpressionCode.DTS_E_EXPREVALDIVBYZERO: 0xC0049030,
        ExpressionCode.DTS_E_EXPREVALBINARYOPOVERFLOW: 0xC0049033,
        ExpressionCode.DTS_E_EXPREVALFNSUBSTRINGINVALIDLENGTH: 0xC0049040,
        ExpressionCode.DTS_E_EXPREVALDATACONVERSIONOVERFLOW: 0xC0049060,
        ExpressionCode.DTS_E_EXPREVALFNRIGHTINVALIDLENGTH: 0xC0049088,
        ExpressionCode.DTS_E_EXPREVALFNFINDSTRINGINVALIDOCCURRENCECOUNT: 0xC00490D5,
        ExpressionCode.DTS_E_EXPREVALSQRTINVALIDPARAM: 0xC00470DF,
    }
    assert {code: int(row_error_code(code)) for code in pairs} == pairs


WIDE = 3000
BIG_COLUMNS: dict[str, tuple[ColumnType, list[Any]]] = {
    "n": (I4, [None if row % 11 == 0 else row % 7 - 3 for row in range(WIDE)]),
    "s": (
        ColumnType(DataTypeCode.DT_WSTR, length=20),
        [None if row % 13 == 0 else f"Zürich {row % 5}" for row in range(WIDE)],
    ),
    "b": (ColumnType(DataTypeCode.DT_BOOL), [None if row % 5 == 0 else row % 3 == 0 for row in range(WIDE)]),
    "d": (
        ColumnType(DataTypeCode.DT_NUMERIC, precision=9, scale=2),
        [Decimal(f"{row % 90}.25") for row in range(WIDE)],
    ),
    "t": (
        ColumnType(DataTypeCode.DT_DBTIMESTAMP),
        [None if row % 17 == 0 else 638_000_000_000_000_000 + row * 10_000 * 86_399 for row in range(WIDE)],
    ),
    "m": (ColumnType(DataTypeCode.DT_DBTIME2, scale=7), [row * 12_345 for row in range(WIDE)]),
}


BIG_EXPRESSIONS = """\
n * 2 + 1
UPPER(s)
s + "-" + s
b && n > 0
!b || ISNULL(n)
d / 3
d * n
(DT_WSTR,12)d
-d > n
TOKEN(s, " ", 2)
(DT_I4)RIGHT(s, 1) / n
b ? s : (DT_WSTR,20)n
DATEADD("month", n, t)
(DT_WSTR,30)t
(DT_DBDATE)t
m
DATEDIFF("hour", t, GETDATE())
REPLACENULL(n, 5)
(DT_WSTR,9)s
CODEPOINT(s)
(DT_I4)d"""
CONSTANTS = """\
n + 1
1 + 1
ISNULL(s)
n > 0 ? s : s
s + "a"
GETDATE()
NULL(DT_NUMERIC,5,2)"""


@pytest.mark.parametrize("text", BIG_EXPRESSIONS.splitlines())
def test_slices_and_chunks_of_large_columns(text: str) -> None:
    expression = of_text(text, *(Column(name, type_) for name, (type_, _) in BIG_COLUMNS.items()))
    whole = [as_column(values, type_) for type_, values in BIG_COLUMNS.values()]
    start, count = 5, 1001
    expected = [
        scalar_outcome(expression, [values[row] for _, values in BIG_COLUMNS.values()])
        for row in range(start, start + count)
    ]
    sliced = [column.slice(start, count) for column in whole]
    chunked = [pa.chunked_array([column.slice(0, 100), column.slice(100)]) for column in sliced]
    for columns in (sliced, chunked):
        result = evaluate_batch(expression, columns, count)
        errors = [0] * count if result.errors is None else result.errors.tolist()
        assert list(zip(as_values(result.values, expression.type), errors, strict=True)) == expected


def test_columns_can_have_other_arrow_types_without_loss() -> None:
    expression = of_text("YEAR(t) + n", Column("t", BIG_COLUMNS["t"][0]), Column("n", I4))
    dates = pa.array(["2024-02-29"]).cast(pa.timestamp("s"))
    assert evaluate_batch(expression, [dates, pa.array([1], pa.int64())], 1).values.to_pylist() == [2025]
    text = of_text("LEN(s)", Column("s", BIG_COLUMNS["s"][0]))
    for type_ in (pa.large_string(), pa.string_view()):
        assert evaluate_batch(text, [pa.array(["abc"], type_)], 1).values.to_pylist() == [3]
    assert evaluate_batch(text, [pa.array(["abc"]).dictionary_encode()], 1).values.to_pylist() == [3]
    with pytest.raises(pa.ArrowInvalid):
        evaluate_batch(expression, [dates, pa.array([2**40])], 1)
    with pytest.raises(ValueError, match="missing"):
        evaluate_batch(text, [None], 1)


@pytest.mark.parametrize("text", CONSTANTS.splitlines())
def test_batches_can_be_empty_and_expressions_constant(text: str) -> None:
    expression = of_text(text, Column("n", I4), Column("s", BIG_COLUMNS["s"][0]))
    for count in (0, 3):
        columns = [pa.array([None] * count, arrow_type(column.type)) for column in expression.scope.columns or ()]
        result = evaluate_batch(expression, columns, count)
        assert (len(result.values), result.values.type) == (count, arrow_type(expression.type))
        assert result.errors is None


def test_constants_without_a_value_fail_only_the_rows_that_compute_them() -> None:
    expression = of_text("n > 0 ? n : 1 / 0", Column("n", I4))
    result = evaluate_batch(expression, [pa.array([1, -1, None], pa.int32())], 3)
    assert result.values.to_pylist() == [1, None, None]
    assert result.errors is not None
    assert result.errors.tolist() == [0, ExpressionCode.DTS_E_EXPREVALDIVBYZERO, 0]


def test_halves_of_surrogate_pairs_are_errors_of_their_rows() -> None:
    expression = of_text("LEFT(s, 1)", Column("s", BIG_COLUMNS["s"][0]))
    result = evaluate_batch(expression, [pa.array(["\U0001f600", "ab"])], 2)
    assert result.values.to_pylist() == [None, "a"]
    assert result.errors is not None
    assert result.errors.tolist() == [ExpressionCode.DTS_E_EXPREVALDATACONVERSIONFAILED, 0]
    constant = of_text('n > 0 ? "\\xD83D" : "a"', Column("n", I4))
    assert evaluate_batch(constant, [pa.array([1, 0], pa.int32())], 2).values.to_pylist() == [None, "a"]


def test_text_is_cut_where_the_settings_say_so() -> None:
    column = pa.array(["abcdef", "x", None, "\U0001f600\U0001f600"])
    name = Column("s", BIG_COLUMNS["s"][0])
    failed = evaluate_batch(of_text("(DT_WSTR,3)s", name), [column], 4)
    assert failed.errors is not None
    code = ExpressionCode.DTS_E_EXPREVALTRUNCATIONASERROR
    assert failed.errors.tolist() == [code, 0, 0, code]
    cut = evaluate_batch(of_text("(DT_WSTR,3)s", name, cut_text=True), [column.slice(0, 3)], 3)
    assert cut.values.to_pylist() == ["abc", "x", None]


@pytest.mark.parametrize("code", [DataTypeCode.DT_I1, DataTypeCode.DT_I4, DataTypeCode.DT_I8, DataTypeCode.DT_UI8])
@pytest.mark.parametrize("text", ["a / b", "a % b", "a * b", "a + b", "a - b", "a / a", "b % a", "ABS(a) / b", "-a"])
def test_edges_of_integers(text: str, code: DataTypeCode) -> None:
    if text == "-a" and code is DataTypeCode.DT_UI8:
        return
    low, high = INTEGER_RANGES[code]
    edges = [value for value in (low, low + 1, -1, 0, 1, 2, high - 1, high) if low <= value <= high]
    values: list[list[Value | None]] = [[first, second] for first in [*edges, None] for second in [*edges, None]]
    expression = of_text(text, Column("a", ColumnType(code)), Column("b", ColumnType(code)))
    assert batch_outcomes(expression, values) == [scalar_outcome(expression, row) for row in values]


def test_decimal_signs_of_locales_are_those_of_the_scalar_evaluator() -> None:
    columns = [Column("t", ColumnType(DataTypeCode.DT_WSTR, length=9)), Column("n", ColumnType(DataTypeCode.DT_R8))]
    values = [pa.array(["1,5", "-2", "1.5", None]), pa.array([0.5, 2.0, -1.25, None])]
    spanish = Settings(locale=3082)
    numbers = evaluate_batch(compile_expression("(DT_R8)[t]", Scope(columns=columns), spanish), values, 4)
    assert numbers.values.to_pylist() == [1.5, -2.0, None, None]
    assert numbers.errors is not None
    assert numbers.errors.tolist() == [0, 0, ExpressionCode.DTS_E_EXPREVALDATACONVERSIONNOTSUPPORTED, 0]
    texts = evaluate_batch(compile_expression("(DT_WSTR,9)[n]", Scope(columns=columns), spanish), values, 4)
    assert texts.values.to_pylist() == ["0,5", "2", "-1,25", None]
