"""The functions of the expression language: their arguments, their types, and what computes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

from airflow_provider_ssis.datatypes import (
    INTEGERS,
    LARGE_OBJECTS,
    MAX_WSTR_LENGTH,
    NUMBERS,
    TIMES,
    UNSIGNED,
    ColumnType,
    DataTypeCode,
)
from airflow_provider_ssis.expressions import date_parts, dates, math_functions, text_functions
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.conversion import Value, converter
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.legal_casts import LEGAL
from airflow_provider_ssis.expressions.operators import BOOLEAN, size_of, text_type
from airflow_provider_ssis.expressions.settings import Settings
from airflow_provider_ssis.expressions.syntax import Kind
from airflow_provider_ssis.expressions.text import encoded_length
from airflow_provider_ssis.expressions.typed import Compute, Typed

_T = DataTypeCode
_I4 = ColumnType(_T.DT_I4)
_R8 = ColumnType(_T.DT_R8)
_TIMESTAMP = ColumnType(_T.DT_DBTIMESTAMP)

Binder = Callable[["Call"], tuple[ColumnType, Compute]]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the expression language.

    :param arity: the number of arguments.
    :param bind: returns the type of a call, and the function of the arguments' values. It raises Fault.
    :param strict: whether the result is NULL if an argument is NULL. Default: True.
    :param fixed: whether the same arguments always have the same result. Default: True.
    """

    arity: int
    bind: Binder
    strict: bool = True
    fixed: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose number of arguments is right.

    :param name: the function's name, in upper case.
    :param arguments: the arguments.
    :param settings: clock and locale.
    """

    name: str
    arguments: Sequence[Typed]
    settings: Settings

    def fault(self, index: int, expected: str) -> Fault:
        """The error of an argument of a wrong type."""
        found = self.arguments[index].code.name
        reason = f"Argument {index + 1} of {self.name} must be {expected}, not {found}: cast it"
        return Fault(Code.DTS_E_EXPREVALPARAMTYPEMISMATCH, reason)

    def text(self, index: int) -> ColumnType:
        """The type of an argument that must be text."""
        if not self.arguments[index].is_text:
            raise self.fault(index, "text")
        return self.arguments[index].operand_type

    def number(self, index: int) -> ColumnType:
        """The type of an argument that must be a number."""
        if self.arguments[index].code not in NUMBERS:
            raise self.fault(index, "a number")
        return self.arguments[index].type

    def integer(self, index: int) -> ColumnType:
        """The type of an argument that must be an integer."""
        if self.arguments[index].code not in INTEGERS:
            raise self.fault(index, "an integer")
        return self.arguments[index].type

    def fixed(self, index: int) -> Value | None:
        """The value of a constant argument; None if it is not constant, or NULL."""
        argument = self.arguments[index]
        return argument.value if argument.constant and argument.known else None

    def date(self, index: int) -> Callable[[Value], int]:
        """The function that returns the ticks of an argument that must be a date or time."""
        type_ = self.arguments[index].type
        if not dates.is_date_or_time(type_.code):
            raise self.fault(index, "a date")
        if type_.code is _T.DT_DBTIMESTAMPOFFSET:
            return lambda value: int(value.ticks)
        if type_.code in TIMES:
            clock = self.settings.clock
            return lambda value: int(value + dates.ticks_of(clock()) // dates.DAY * dates.DAY)
        return int

    def part(self) -> str:
        """The date part in the first argument, which must be a string literal."""
        node = self.arguments[0].node
        if node.kind is not Kind.STRING:
            reason = f'The date part of {self.name} must be a literal, such as "day"'
            raise Fault(Code.DTS_E_EXPREVALINVALIDDATEPARTNODE, reason)
        part = date_parts.PARTS.get(node.lexeme.lower())
        if part is None:
            raise Fault(Code.DTS_E_EXPREVALINVALIDDATEPART, f"There is no date part {node.lexeme[:60]!r}")
        return part

    def refuse_scaled_literal(self, index: int) -> None:
        """Refuse a literal that is cast to DT_DBTIMESTAMP2 or DT_DBTIMESTAMPOFFSET, as SSIS does in these functions."""
        argument = self.arguments[index]
        scaled = argument.code in (_T.DT_DBTIMESTAMP2, _T.DT_DBTIMESTAMPOFFSET)
        if scaled and argument.node.kind is Kind.CAST and argument.node.children[-1].kind is Kind.STRING:
            raise self.fault(index, "no literal of DT_DBTIMESTAMP2 or DT_DBTIMESTAMPOFFSET")


# -- numbers -----------------------------------------------------------------------------------------------------------


def _same(make: Callable[[ColumnType], Compute]) -> Binder:
    def bind(call: Call) -> tuple[ColumnType, Compute]:
        type_ = call.number(0)
        return type_, make(type_)

    return bind


def _real(compute: Compute) -> Binder:
    def bind(call: Call) -> tuple[ColumnType, Compute]:
        for index in range(len(call.arguments)):
            call.number(index)
        return _R8, compute

    return bind


def _round(call: Call) -> tuple[ColumnType, Compute]:
    type_ = call.number(0)
    call.integer(1)
    return type_, math_functions.round_number(type_)


def _sign(call: Call) -> tuple[ColumnType, Compute]:
    if call.number(0).code in UNSIGNED:
        raise call.fault(0, "a signed number")
    return _I4, math_functions.sign


def _hex(call: Call) -> tuple[ColumnType, Compute]:
    type_ = call.integer(0)
    return text_type(2 * size_of(type_.code)), math_functions.hexadecimal(type_)


# -- text --------------------------------------------------------------------------------------------------------------


def _text(compute: Compute) -> Binder:
    return lambda call: (call.text(0), compute)


def _part_of_text(compute: Compute) -> Binder:
    def bind(call: Call) -> tuple[ColumnType, Compute]:
        length = call.text(0).length
        call.integer(1)
        count = call.fixed(1)
        return text_type(length if count is None else max(count, 0)), compute

    return bind


def _substring(call: Call) -> tuple[ColumnType, Compute]:
    length = call.text(0).length
    call.integer(1)
    call.integer(2)
    start, count = call.fixed(1), call.fixed(2)
    if count is not None:
        length = max(count, 0)
    elif start is not None:
        length = max(length - start + 1, 0)
    return text_type(length), text_functions.substring


def _replicate(call: Call) -> tuple[ColumnType, Compute]:
    length = call.text(0).length
    call.integer(1)
    count = call.fixed(1)
    return text_type(MAX_WSTR_LENGTH if count is None else length * max(count, 0)), text_functions.replicate


def _replace(call: Call) -> tuple[ColumnType, Compute]:
    length, searched, replacement = (call.text(index).length for index in range(3))
    known = call.fixed(1)
    least = searched if known is not None else 1
    if replacement > least > 0:
        length = length // least * replacement + length % least
    return text_type(length), text_functions.replace


def _find_string(call: Call) -> tuple[ColumnType, Compute]:
    call.text(0)
    call.text(1)
    call.integer(2)
    return _I4, text_functions.find_string


def _token(call: Call) -> tuple[ColumnType, Compute]:
    type_ = call.text(0)
    call.text(1)
    call.integer(2)
    return type_, text_functions.token


def _token_count(call: Call) -> tuple[ColumnType, Compute]:
    call.text(0)
    call.text(1)
    return _I4, text_functions.token_count


def _length(call: Call) -> tuple[ColumnType, Compute]:
    argument = call.arguments[0].type
    if argument.code is _T.DT_NTEXT:
        return _I4, lambda text: 2 * text_functions.length_of(text)
    if argument.code is _T.DT_TEXT:
        return _I4, lambda text: encoded_length(text, argument.code_page)
    if argument.code is _T.DT_IMAGE:
        return _I4, len
    call.text(0)
    return _I4, text_functions.length_of


def _code_point(call: Call) -> tuple[ColumnType, Compute]:
    call.text(0)
    return ColumnType(_T.DT_UI2), text_functions.code_point


# -- dates -------------------------------------------------------------------------------------------------------------


def _date_add(call: Call) -> tuple[ColumnType, Compute]:
    part = call.part()
    call.integer(1)
    ticks = call.date(2)
    return _TIMESTAMP, lambda _part, number, date: date_parts.add_to_date(part, number, ticks(date))


def _date_difference(call: Call) -> tuple[ColumnType, Compute]:
    part, start, end = call.part(), call.date(1), call.date(2)

    def compute(_part: str, first: Value, last: Value) -> int:
        result = date_parts.date_difference(part, start(first), end(last))
        if not -(2**31) <= result < 2**31:
            raise math_functions.overflow("DATEDIFF")
        return result

    return _I4, compute


def _date_part(call: Call) -> tuple[ColumnType, Compute]:
    part, ticks = call.part(), call.date(1)
    call.refuse_scaled_literal(1)
    return _I4, lambda _part, date: date_parts.date_part(part, ticks(date))


def _short_date_part(part: str) -> Binder:
    def bind(call: Call) -> tuple[ColumnType, Compute]:
        ticks = call.date(0)
        call.refuse_scaled_literal(0)
        return _I4, lambda date: date_parts.date_part(part, ticks(date))

    return bind


def _get_date(call: Call) -> tuple[ColumnType, Compute]:
    clock = call.settings.clock
    return _TIMESTAMP, lambda: _milliseconds(dates.ticks_of(clock()))


def _get_utc_date(call: Call) -> tuple[ColumnType, Compute]:
    clock = call.settings.clock
    return _TIMESTAMP, lambda: _milliseconds(dates.ticks_of(clock().astimezone(UTC)))


def _milliseconds(ticks: int) -> int:
    return ticks - ticks % dates.MILLISECOND


# -- NULL --------------------------------------------------------------------------------------------------------------


def _is_null(_call: Call) -> tuple[ColumnType, Compute]:
    return BOOLEAN, lambda value: value is None


def _replace_null(call: Call) -> tuple[ColumnType, Compute]:
    for index, argument in enumerate(call.arguments):
        if argument.code in LARGE_OBJECTS:
            raise call.fault(index, "no large object")
    first, second = (argument.operand_type for argument in call.arguments)
    if first.code is second.code is _T.DT_WSTR:
        return text_type(max(first.length, second.length)), lambda value, other: other if value is None else value
    if first == second:
        return first, lambda value, other: other if value is None else value
    if second.code is not first.code and first.code not in LEGAL[second.code]:
        reason = f"REPLACENULL cannot cast {second.code.name} to {first.code.name}, the type of its first argument"
        raise Fault(Code.DTS_E_EXPREVALINVALIDCAST, reason)
    if first.code is _T.DT_WSTR:
        first = text_type(max(first.length, MAX_WSTR_LENGTH))
    convert = converter(second, first, call.settings)

    def compute(value: Value | None, other: Value | None) -> Value | None:
        if value is not None or other is None:
            return value
        return convert(other)

    return first, compute


FUNCTIONS: dict[str, Function] = {
    "ABS": Function(1, _same(math_functions.absolute)),
    "CEILING": Function(1, _same(math_functions.ceiling)),
    "FLOOR": Function(1, _same(math_functions.floor)),
    "ROUND": Function(2, _round),
    "SIGN": Function(1, _sign),
    "EXP": Function(1, _real(math_functions.exponential)),
    "LN": Function(1, _real(math_functions.natural_logarithm)),
    "LOG": Function(1, _real(math_functions.logarithm)),
    "POWER": Function(2, _real(math_functions.power)),
    "SQRT": Function(1, _real(math_functions.square_root)),
    "SQUARE": Function(1, _real(math_functions.square)),
    "HEX": Function(1, _hex),
    "CODEPOINT": Function(1, _code_point),
    "FINDSTRING": Function(3, _find_string),
    "LEFT": Function(2, _part_of_text(text_functions.left)),
    "RIGHT": Function(2, _part_of_text(text_functions.right)),
    "LEN": Function(1, _length),
    "LOWER": Function(1, _text(text_functions.lower)),
    "UPPER": Function(1, _text(text_functions.upper)),
    "LTRIM": Function(1, _text(text_functions.left_trim)),
    "RTRIM": Function(1, _text(text_functions.right_trim)),
    "TRIM": Function(1, _text(text_functions.trim)),
    "REPLACE": Function(3, _replace),
    "REPLICATE": Function(2, _replicate),
    "REVERSE": Function(1, _text(text_functions.reverse)),
    "SUBSTRING": Function(3, _substring),
    "TOKEN": Function(3, _token),
    "TOKENCOUNT": Function(2, _token_count),
    "DATEADD": Function(3, _date_add),
    "DATEDIFF": Function(3, _date_difference),
    "DATEPART": Function(2, _date_part),
    "DAY": Function(1, _short_date_part("day")),
    "MONTH": Function(1, _short_date_part("month")),
    "YEAR": Function(1, _short_date_part("year")),
    "GETDATE": Function(0, _get_date, fixed=False),
    "GETUTCDATE": Function(0, _get_utc_date, fixed=False),
    "ISNULL": Function(1, _is_null, strict=False),
    "REPLACENULL": Function(2, _replace_null, strict=False),
}
"""All functions, by their names in upper case. NULL is not a function: its argument is a data type."""
