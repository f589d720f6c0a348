"""A slow, plain model of data flows: rows as dictionaries, one component after the other.

The model knows nothing of the engine: each expression and conversion is written again in Python, with its errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

FAIL, IGNORE, REDIRECT = "FailComponent", "IgnoreFailure", "RedirectRow"


class Wrong(Exception):
    """A value that cannot be computed.

    :param cut: the value that remains where it is a truncation.
    """

    def __init__(self, code: int, cut: Any = None, *, is_truncation: bool = False) -> None:
        super().__init__(hex(code))
        self.code = code
        self.cut = cut
        self.is_truncation = is_truncation


class Failed(Exception):
    """The data flow fails."""

    def __init__(self, code: int) -> None:
        super().__init__(hex(code))
        self.code = code


@dataclass(frozen=True)
class Computed:
    """A column that a component adds.

    :param text: the expression, or the column that is converted.
    :param data_type: its type.
    :param function: computes the value of a row, or raises :class:`Wrong`.
    """

    text: str
    data_type: str
    function: Callable[[Row], Any]
    length: int = 50
    precision: int = 18
    scale: int = 0


def _whole(value: int) -> int:
    if not -(2**31) <= value < 2**31:
        raise Wrong(0xC0049033)
    return value


def _quotient(row: Row) -> int | None:
    a = row["a"]
    if a is None:
        return None
    if a == 0:
        raise Wrong(0xC0049030)
    return int(Decimal(100) / a) if abs(a) <= 100 else 0


def _at_most(text: str | None, length: int, code: int = 0xC020401F) -> str | None:
    if text is not None and len(text) > length:
        raise Wrong(code, text[:length], is_truncation=True)
    return text


def _if_known(value: Any, function: Callable[[Any], Any]) -> Any:
    return None if value is None else function(value)


EXPRESSIONS = (
    Computed("[a] + 1", "DT_I4", lambda row: _if_known(row["a"], lambda a: _whole(a + 1))),
    Computed("100 / [a]", "DT_I4", _quotient),
    Computed("UPPER([b])", "DT_WSTR", lambda row: _if_known(row["b"], str.upper)),
    Computed('[b] + "!"', "DT_WSTR", lambda row: _at_most(_if_known(row["b"], lambda b: b + "!"), 4), length=4),
    Computed("SUBSTRING([b],2,2)", "DT_WSTR", lambda row: _if_known(row["b"], lambda b: b[1:3])),
    Computed('ISNULL([b]) ? "none" : [b]', "DT_WSTR", lambda row: "none" if row["b"] is None else row["b"]),
    Computed("LEN([b])", "DT_I4", lambda row: _if_known(row["b"], len)),
    Computed("[c] * 3", "DT_NUMERIC", lambda row: _if_known(row["c"], lambda c: c * 3), precision=20, scale=2),
    Computed("ISNULL([a]) || [a] > 5", "DT_BOOL", lambda row: row["a"] is None or row["a"] > 5),
)

TEXTS: Mapping[str, int | None] = {
    "1": 1,
    "-7": -7,
    " 12 ": 12,
    "1,000": 1000,
    "(5)": -5,
    "x": None,
    "1.5": None,
    "abcdef": None,
    "é": None,
}
"""Texts, and the numbers that the standard parse reads in them."""


def _read_number(row: Row) -> int | None:
    text = row["b"]
    if text is None:
        return None
    number = TEXTS[text]
    if number is None:
        raise Wrong(0xC020907F)
    return number


def _read_byte(row: Row) -> int | None:
    number = _read_number(row)
    if number is not None and number < 0:
        raise Wrong(0xC0209081)
    if number is not None and number > 255:
        raise Wrong(0xC0209082)
    return number


CONVERSIONS = (
    Computed("b", "DT_I4", _read_number),
    Computed("b", "DT_UI1", _read_byte),
    Computed("b", "DT_WSTR", lambda row: _at_most(row["b"], 2, 0xC0209080), length=2),
    Computed("a", "DT_WSTR", lambda row: _at_most(_if_known(row["a"], str), 3, 0xC0209080), length=3),
    Computed("c", "DT_R8", lambda row: _if_known(row["c"], float)),
)

CONDITIONS: Mapping[str, Callable[[Row], bool | None]] = {
    "[a] > 3": lambda row: _if_known(row["a"], lambda a: a > 3),
    "!ISNULL([b])": lambda row: row["b"] is not None,
    "100 / [a] > 10": lambda row: _if_known(_quotient(row), lambda quotient: quotient > 10),
    "[c] < 0 || ISNULL([c])": lambda row: row["c"] is None or row["c"] < 0,
}


def add_columns(
    rows: list[Row], columns: Mapping[str, Computed], error: str, truncation: str
) -> tuple[list[Row], list[Row]]:
    """The rows of Derived Column or Data Conversion, and those of its error output.

    :raises Failed: a row fails.
    """
    good: list[Row] = []
    bad: list[Row] = []
    for row in rows:
        added: Row = {}
        code = 0
        for name, column in columns.items():
            try:
                added[name] = column.function(row)
            except Wrong as wrong:
                disposition = truncation if wrong.is_truncation else error
                added[name] = wrong.cut
                if disposition != IGNORE and not code:
                    if disposition == FAIL:
                        raise Failed(0xC020902A if wrong.is_truncation else 0xC0209029) from wrong
                    code = wrong.code
        if code:
            bad.append({**row, "ErrorCode": code - 2**32})
        else:
            good.append({**row, **added})
    return good, bad


def split(rows: list[Row], conditions: list[str], error: str) -> tuple[list[list[Row]], list[Row]]:
    """The rows of each condition and of the default output, and those of the error output.

    :raises Failed: a row fails.
    """
    outputs: list[list[Row]] = [[] for _ in range(len(conditions) + 1)]
    bad: list[Row] = []
    for row in rows:
        for output in _chosen(row, conditions, error):
            if isinstance(output, int) and output >= 0:
                outputs[output].append(row)
            else:
                bad.append({**row, "ErrorCode": output})
    return outputs, bad


def _chosen(row: Row, conditions: list[str], error: str) -> Iterator[int]:
    """The index of the output of a row, or the code of its error, which is negative."""
    for index, text in enumerate(conditions):
        try:
            result = CONDITIONS[text](row)
            if result is None:
                raise Wrong(0xC020902C)
        except Wrong as wrong:
            if error == FAIL:
                raise Failed(0xC0209029) from wrong
            if error == REDIRECT:
                yield wrong.code - 2**32
                return
            result = False
        if result:
            yield index
            return
    yield len(conditions)
