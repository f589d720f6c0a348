"""``+ - * / %``, the bitwise operators, unary minus: by the types of their operands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.binder import only
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values import arithmetic, moments
from airflow_provider_ssis.emulator.tsql.values.conversion import convert
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import (
    APPROXIMATE,
    BINARIES,
    DECIMALS,
    INTEGERS,
    MOMENTS,
    MONEY,
    STRINGS,
    UNICODE,
    arithmetic_type,
    concatenated,
    family,
    operand_clash,
    precedence,
)

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, ValueRule

_SIGNS: Final[dict[type[exp.Expr], str]] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.BitwiseAnd: "&",
    exp.BitwiseOr: "|",
    exp.BitwiseXor: "^",
}
_BITWISE: Final = ("&", "|", "^")
_SAME_LEVEL: Final = (exp.Add, exp.Sub, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor)
_DUCKDB_SIGNS: Final = {"/": "//"}
_LEGACY_MOMENTS: Final = ("datetime", "smalldatetime")


def _operator(binder: Binder, node: exp.Binary) -> Typed:
    only(node, "this", "expression", "typed", "safe")
    sign = _SIGNS[type(node)]
    if sign in _BITWISE and isinstance(node.expression, _SAME_LEVEL):
        raise SqlError(
            102,
            f"Incorrect syntax near {sign!r}: {sign} and + have the same precedence in T-SQL. Add parentheses.",
            severity=15,
        )
    first, second = binder.value(node.this), binder.value(node.expression)
    if first.bare_null != second.bare_null:
        other = second if first.bare_null else first
        first, second = (coerced(binder, each, other.type) for each in (first, second))
    return operated(binder, sign, first, second)


def operated(binder: Binder, sign: str, first: Typed, second: Typed) -> Typed:
    """``first sign second``.

    :raises SqlError: 402, 206, 8117: the operator is invalid for the types.
    """
    if "xml" in (first.type.name, second.type.name):
        raise _incompatible(sign, first.type, second.type)
    if sign == "+" and _joinable(first.type, second.type):
        return _concatenated(binder, first, second)
    if sign in "+-" and any(each.type.name in _LEGACY_MOMENTS for each in (first, second)):
        return _moved(binder, sign, first, second)
    for value in (first, second):
        if value.type.name in MOMENTS | {"sql_variant", "uniqueidentifier"}:
            other = second if value is first else first
            if value.type.name in MOMENTS and family(other.type) == "number":
                raise operand_clash(value.type, other.type)
            if family(other.type) == "string" and value.type.name != "sql_variant":
                raise _incompatible(sign, first.type, second.type)
            raise SqlError(8117, f"An operand of type {value.type.name} is invalid for the operator {sign}.")
    if {family(first.type), family(second.type)} <= {"string"}:
        raise _incompatible(sign, first.type, second.type)
    if first.type.name == second.type.name == "bit" and sign not in _BITWISE:
        raise _incompatible(sign, first.type, second.type)
    first, second = _as_numbers(binder, first, second)
    type_ = arithmetic_type(
        sign, first.type, second.type, first_constant=first.constant, second_constant=second.constant
    )
    if sign in _BITWISE and type_.name not in INTEGERS:
        raise _incompatible(sign, first.type, second.type)
    if sign == "%" and type_.name in APPROXIMATE:
        raise _incompatible(sign, first.type, second.type)
    return _computed(binder, sign, type_, first, second)


def _incompatible(sign: str, first: SqlType, second: SqlType) -> SqlError:
    return SqlError(
        402, f"Operands of the types {first.name} and {second.name} are incompatible in the operator {sign}."
    )


def _joinable(first: SqlType, second: SqlType) -> bool:
    return all(each.name in STRINGS for each in (first, second)) or all(
        each.name in BINARIES for each in (first, second)
    )


def _concatenated(binder: Binder, first: Typed, second: Typed) -> Typed:
    type_ = concatenated(first.type, second.type)
    too_long = (first.type.length or 0) + (second.type.length or 0) > (type_.length or 0)
    if type_.length == MAX or (too_long and type_.name in UNICODE):
        # In Python, which knows how large the result may be, and counts characters beyond U+FFFF twice.
        def concatenate(one: Any, other: Any) -> Any:
            return arithmetic.concatenate(type_, one, other)

        joined = binder.call("operator + of strings", concatenate, [first, second], type_, adds_length=False)
        return replace(joined, nullable=first.nullable or second.nullable)
    sql = f"({first.sql} || {second.sql})"
    if too_long:
        sql = f"left({sql}, {type_.length})" if type_.name not in BINARIES else sql
    return Typed(
        sql,
        type_,
        nullable=first.nullable or second.nullable,
        evaluate=_both(lambda one, other: arithmetic.concatenate(type_, one, other), first, second),
    )


def _as_numbers(binder: Binder, first: Typed, second: Typed) -> tuple[Typed, Typed]:
    """Where one operand is a string or binary, it becomes a number of the other's type."""
    if family(first.type) == family(second.type) == "number":
        return first, second
    higher = first if precedence(first.type) >= precedence(second.type) else second
    if family(higher.type) != "number":
        raise SqlError(402, f"Operands of the types {first.type.name} and {second.type.name} are incompatible.")
    return coerced(binder, first, higher.type), coerced(binder, second, higher.type)


def _computed(binder: Binder, sign: str, type_: SqlType, first: Typed, second: Typed) -> Typed:
    def compute(one: Any, other: Any) -> Any:
        return arithmetic.operate(sign, type_, one, other)

    evaluate = _both(compute, first, second)
    nullable = first.nullable or second.nullable
    if type_.name in INTEGERS:
        operands = [coerced(binder, each, type_).sql for each in (first, second)]
        if sign == "^":
            return Typed(f"xor({', '.join(operands)})", type_, nullable=nullable, evaluate=evaluate)
        return Typed(f"({f' {_DUCKDB_SIGNS.get(sign, sign)} '.join(operands)})", type_, nullable, evaluate)
    exact_sum = sign in "+-" and type_.name in DECIMALS and (type_.precision or 0) < 38
    if exact_sum and all(each.type.name in DECIMALS | INTEGERS for each in (first, second)):
        operands = [coerced(binder, each, type_).sql for each in (first, second)]
        cast = f"CAST({f' {sign} '.join(operands)} AS DECIMAL({type_.precision},{type_.scale}))"
        return Typed(cast, type_, nullable=nullable, evaluate=evaluate)
    call = binder.call(f"operator {sign}", compute, [first, second], type_)
    return replace(call, nullable=nullable, evaluate=evaluate)


def _moved(binder: Binder, sign: str, first: Typed, second: Typed) -> Typed:
    """datetime plus or minus a number of days, or another datetime."""
    moment = first if first.type.name in _LEGACY_MOMENTS else second
    for value in (first, second):
        if value.type.name in MOMENTS and value.type.name not in _LEGACY_MOMENTS:
            raise _incompatible(sign, first.type, second.type)
    type_ = SqlType("datetime") if "datetime" in (first.type.name, second.type.name) else moment.type
    first, second = coerced(binder, first, type_), coerced(binder, second, type_)

    def move(one: Any, other: Any) -> Any:
        days = arithmetic.operate(
            sign,
            SqlType("decimal", precision=38, scale=20),
            moments.days_since_1900(one),
            moments.days_since_1900(other),
        )
        return convert(days, SqlType("decimal", precision=38, scale=20), type_)

    return binder.call(f"moved {sign}", move, [first, second], type_)


def _negated(binder: Binder, node: exp.Neg) -> Typed:
    only(node, "this")
    value = binder.value(node.this)
    if family(value.type) != "number" or value.type.name == "bit":
        raise SqlError(8117, f"An operand of type {value.type.name} is invalid for the operator minus.")
    inner = value.evaluate

    def negate(number: Any) -> Any:
        return None if number is None else arithmetic.operate("-", value.type, 0, number)

    evaluate = None
    if inner is not None:

        def evaluate(values: Mapping[str, Any]) -> Any:
            return negate(inner(values))

    constant = -value.constant if value.constant is not None else None
    sql = f"(- {value.sql})"
    if value.type.name in MONEY:  # its carrier has values beyond its range
        sql = binder.call("minus", negate, [value], value.type).sql
    return replace(value, sql=sql, evaluate=evaluate, constant=constant, name="")


def _inverted(binder: Binder, node: exp.BitwiseNot) -> Typed:
    only(node, "this")
    value = binder.value(node.this)
    if value.type.name not in INTEGERS | {"bit"}:
        raise SqlError(8117, f"An operand of type {value.type.name} is invalid for the operator ~.")
    if value.type.name == "bit":
        return binder.call("~", lambda bit: not bit, [value], value.type)
    if value.type.name == "tinyint":
        return binder.call("~", lambda number: 255 - number, [value], value.type)
    return binder.call("~", lambda number: ~number, [value], value.type)


def _both(function: Any, first: Typed, second: Typed) -> Any:
    one, other = first.evaluate, second.evaluate
    if one is None or other is None:
        return None

    def evaluate(values: Mapping[str, Any]) -> Any:
        left, right = one(values), other(values)
        return None if left is None or right is None else function(left, right)

    return evaluate


VALUES: Final[dict[type[exp.Expr], ValueRule]] = {
    **dict.fromkeys(_SIGNS, _operator),
    exp.Neg: _negated,
    exp.BitwiseNot: _inverted,
}
