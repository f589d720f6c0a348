"""Random expressions of all types over random columns."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from airflow_provider_ssis.datatypes import INTEGER_RANGES, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions import Column, Expression, ExpressionError, Scope, compile_expression
from airflow_provider_ssis.expressions.conversion import Value
from airflow_provider_ssis.expressions.values import from_python
from tests.support.expressions import SETTINGS

_T = DataTypeCode

_INTEGERS = ["I1", "I2", "I4", "I8", "UI1", "UI2", "UI4", "UI8"]
_NUMBERS = [*_INTEGERS, "R4", "R8", "CY", "DECIMAL,3", "NUMERIC,12,2", "NUMERIC,38,9"]
_DATES = ["DATE", "DBDATE", "DBTIMESTAMP", "DBTIMESTAMP2,3", "DBTIMESTAMP2,7", "DBTIMESTAMPOFFSET,2", "FILETIME"]
_TIMES = ["DBTIME", "DBTIME2,4"]
_TEXTS = ["WSTR,5", "WSTR,20", "STR,4,1252", "STR,20,65001", "STR,6,932"]
_PARTS = ["year", "quarter", "month", "dayofyear", "day", "week", "weekday", "hour", "minute", "second", "ms"]


def _column(name: str, code: DataTypeCode, **metadata: int) -> Column:
    return Column(name, ColumnType(code, **metadata))


COLUMNS = [
    *(_column(f"c{name}", DataTypeCode[f"DT_{name}"]) for name in [*_INTEGERS, "R4", "R8", "CY", "BOOL", "GUID"]),
    _column("cDECIMAL", _T.DT_DECIMAL, scale=3),
    _column("cNUMERIC", _T.DT_NUMERIC, precision=12, scale=2),
    _column("cWIDE", _T.DT_NUMERIC, precision=38, scale=9),
    _column("cWSTR", _T.DT_WSTR, length=20),
    _column("cASCII", _T.DT_WSTR, length=20),
    _column("cDIGITS", _T.DT_WSTR, length=20),
    _column("cWHEN", _T.DT_WSTR, length=30),
    _column("cSTR", _T.DT_STR, length=20, code_page=1252),
    _column("cNTEXT", _T.DT_NTEXT),
    _column("cDATE", _T.DT_DATE),
    _column("cDBDATE", _T.DT_DBDATE),
    _column("cDBTIME", _T.DT_DBTIME),
    _column("cDBTIME2", _T.DT_DBTIME2, scale=4),
    _column("cDBTIMESTAMP", _T.DT_DBTIMESTAMP),
    _column("cDBTIMESTAMP2", _T.DT_DBTIMESTAMP2, scale=7),
    _column("cMICRO", _T.DT_DBTIMESTAMP2, scale=6),
    _column("cDBTIMESTAMPOFFSET", _T.DT_DBTIMESTAMPOFFSET, scale=7),
    _column("cFILETIME", _T.DT_FILETIME),
]


def _decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    most = 10**precision - 1
    numbers = st.integers(-most, most) | st.integers(-999, 999)
    return numbers.map(lambda number: Decimal(f"{number}e-{scale}"))


def _values(column: Column) -> st.SearchStrategy[Any]:
    code = column.type.code
    if code in INTEGER_RANGES:
        low, high = INTEGER_RANGES[code]
        near = [value for value in (0, 1, 2, -1, 7, 100, low, high, low + 1, high - 1) if low <= value <= high]
        return st.sampled_from(near) | st.integers(low, high) | st.integers(max(low, -99), 99)
    match code:
        case _T.DT_R4:
            return st.floats(width=32, allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.5, 2.5, 1e38])
        case _T.DT_R8:
            return st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
                [0.0, -0.5, 2.5, 1e308, 1e15, 3e9]
            )
        case _T.DT_CY:
            return _decimals(18, 4)
        case _T.DT_DECIMAL:
            return _decimals(25, 3)
        case _T.DT_NUMERIC:
            return _decimals(column.type.precision, column.type.scale)
        case _T.DT_BOOL:
            return st.booleans()
        case _T.DT_GUID:
            return st.uuids()
        case _T.DT_DBTIME | _T.DT_DBTIME2:
            return st.times() | st.sampled_from([time(0), time(23, 59, 59, 999999)])
        case _T.DT_DBDATE:
            return st.dates() | st.sampled_from([date(2024, 2, 29), date(1, 1, 1), date(9999, 12, 31)])
    if column.name == "cASCII":
        return st.text(st.sampled_from("abAB ,-10"), max_size=12)
    if column.name == "cDIGITS":
        return st.from_regex(r"[ +-]?[0-9]{0,19}[.]?[0-9]{0,3}(e[0-9])?[ x]?", fullmatch=True).map(
            lambda text: text[:20]
        )
    if column.name == "cWHEN":
        shapes = [
            r"20[0-9]{2}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]{1,7})?)?",
            "[0-9/: -]{0,20}",
        ]
        return st.sampled_from(shapes).flatmap(lambda shape: st.from_regex(shape, fullmatch=True))
    if code is _T.DT_STR:
        return st.text(st.sampled_from("abcZ é€ß,0"), max_size=12)
    if code in (_T.DT_WSTR, _T.DT_NTEXT):
        return st.text(st.sampled_from("abAB é\u00dfŉ,-0_\U0001f600Жあ"), max_size=8)
    first = datetime(1602, 1, 1)
    return st.datetimes(first, datetime(9999, 12, 30)) | st.sampled_from(
        [datetime(2024, 2, 29, 23, 59, 59, 999000), first]
    )


def _named(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from([f"c{name}" for name in names])


def _joined(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Text of fixed and of random parts."""
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


def _expressions() -> dict[str, st.SearchStrategy[str]]:
    integer: st.SearchStrategy[str] = st.deferred(lambda: integers)
    number: st.SearchStrategy[str] = st.deferred(lambda: numbers)
    text: st.SearchStrategy[str] = st.deferred(lambda: texts)
    boolean: st.SearchStrategy[str] = st.deferred(lambda: booleans)
    date_: st.SearchStrategy[str] = st.deferred(lambda: dates)
    time_: st.SearchStrategy[str] = st.deferred(lambda: times)
    part = st.sampled_from(_PARTS).map(lambda name: f'"{name}"')
    anything = number | text | boolean | date_ | time_

    def cast(types: list[str], operand: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return _joined("(DT_", st.sampled_from(types), ")(", operand, ")")

    def choice(operand: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return _joined("((", boolean, ") ? (", operand, ") : (", operand, "))") | _joined(
            "REPLACENULL(", operand, ", ", operand, ")"
        )

    integer_leaves = _named(*_INTEGERS) | st.sampled_from(["0", "1", "2", "-1", "7L", "3U", "100", "NULL(DT_I4)"])
    integers = integer_leaves | st.one_of(
        cast(_INTEGERS, anything),
        _joined("(", integer, st.sampled_from(list("+-*/%&|^")), integer, ")"),
        _joined(st.sampled_from(["-", "~", "ABS", "SIGN", "FLOOR"]), "(", integer, ")"),
        _joined("LEN(", text, ")"),
        _joined("FINDSTRING(", text, ", ", text, ", ", st.sampled_from(["1", "2", "0"]), ")"),
        _joined("CODEPOINT(", text, ")"),
        _joined("TOKENCOUNT(", text, ', ", ")'),
        _joined("DATEPART(", part, ", ", date_, ")"),
        _joined(st.sampled_from(["YEAR", "MONTH", "DAY"]), "(", date_, ")"),
        _joined("DATEDIFF(", part, ", ", date_, ", ", date_, ")"),
        choice(integer),
    )
    number_leaves = integer_leaves | _named("R4", "R8", "CY", "DECIMAL", "NUMERIC", "WIDE")
    numbers = (
        number_leaves
        | st.sampled_from(["1.5", "0.0", "2.50", "1e3", "0.5F", "NULL(DT_NUMERIC,5,2)"])
        | st.one_of(
            integer,
            cast(_NUMBERS, anything),
            _joined("(", number, st.sampled_from(list("+-*/")), number, ")"),
            _joined(st.sampled_from(["-", "ABS", "CEILING", "FLOOR", "SQRT", "SQUARE", "LN"]), "(", number, ")"),
            _joined("ROUND(", number, ", 1)"),
            choice(number),
        )
    )
    text_leaves = _named("WSTR", "ASCII", "DIGITS", "WHEN", "STR") | st.sampled_from(
        ['""', '"a"', '", "', '"Bé"', '"\\xD83D\\xDE00"', "NULL(DT_WSTR,3)"]
    )
    count = st.sampled_from(["0", "1", "3", "-1", "cI1"])
    texts = text_leaves | st.one_of(
        cast(_TEXTS, anything),
        _joined("(", text, " + ", text, ")"),
        _joined(st.sampled_from(["UPPER", "LOWER", "TRIM", "LTRIM", "RTRIM", "REVERSE"]), "(", text, ")"),
        _joined(st.sampled_from(["LEFT", "RIGHT", "REPLICATE"]), "(", text, ", ", count, ")"),
        _joined("SUBSTRING(", text, ", ", count, ", ", count, ")"),
        _joined("REPLACE(", text, ", ", text, ", ", text, ")"),
        _joined("TOKEN(", text, ', " ,", ', count, ")"),
        _joined("HEX(", integer, ")"),
        choice(text),
    )
    booleans = _named("BOOL") | st.one_of(
        st.sampled_from(["TRUE", "FALSE", "NULL(DT_BOOL)"]),
        _joined("ISNULL(", anything, ")"),
        *(
            _joined("(", operand, st.sampled_from(["==", "!=", "<", ">", "<=", ">="]), operand, ")")
            for operand in (number, text, date_, time_)
        ),
        st.just("(cGUID == cGUID)"),
        _joined("((", boolean, ")", st.sampled_from(["&&", "||", "==", "!="]), "(", boolean, "))"),
        _joined("!(", boolean, ")"),
        cast(["BOOL"], number | text),
        choice(boolean),
    )
    dates = _named(
        "DATE", "DBDATE", "DBTIMESTAMP", "DBTIMESTAMP2", "MICRO", "DBTIMESTAMPOFFSET", "FILETIME"
    ) | st.one_of(
        st.sampled_from(['(DT_DBTIMESTAMP)"2024-02-29 23:59:59.998"', '(DT_DBDATE)"2023-12-31"', "GETDATE()"]),
        cast(_DATES, date_ | time_ | text),
        _joined("DATEADD(", part, ", ", integer, ", ", date_, ")"),
        choice(date_),
    )
    times = _named("DBTIME", "DBTIME2") | cast(_TIMES, date_ | text) | choice(time_)
    return {"integer": integers, "number": numbers, "text": texts, "boolean": booleans, "date": dates, "time": times}


EXPRESSIONS = st.one_of(*_expressions().values())
"""Expressions over :data:`COLUMNS`; some have type errors."""


@st.composite
def expressions_with_rows(draw: st.DrawFn) -> tuple[str, Expression | None, list[list[Value | None]]]:
    """An expression as text and compiled, and rows with values in the columns that it reads; None for type errors."""
    text = draw(EXPRESSIONS)
    try:
        expression = compile_expression(text, Scope(columns=COLUMNS), SETTINGS)
    except ExpressionError:
        return text, None, []
    count = draw(st.integers(1, 6))
    columns: list[list[Value | None]] = [[None] * count for _ in COLUMNS]
    for index in expression.columns:
        column = COLUMNS[index]
        values = draw(st.lists(st.none() | _values(column), min_size=count, max_size=count))
        columns[index] = [from_python(value, column.type) for value in values]
    return text, expression, [list(row) for row in zip(*columns, strict=True)]
