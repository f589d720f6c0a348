"""Which type an expression of several types has.

The rules are SQL Server's own ("Data type precedence (Transact-SQL)", "Precision, scale, and length (Transact-SQL)").
"""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_HIGHEST_FIRST: Final = (
    *("sql_variant", "xml", "datetimeoffset", "datetime2", "datetime", "smalldatetime", "date", "time"),
    *("float", "real", "decimal", "numeric", "money", "smallmoney", "bigint", "int", "smallint", "tinyint", "bit"),
    *("ntext", "text", "image", "uniqueidentifier"),
    *("nvarchar", "nchar", "varchar", "char", "varbinary", "binary"),
)
_PRECEDENCE: Final = {name: -rank for rank, name in enumerate(_HIGHEST_FIRST)}

INTEGERS: Final = frozenset({"bigint", "int", "smallint", "tinyint"})
DECIMALS: Final = frozenset({"decimal", "numeric"})
MONEY: Final = frozenset({"money", "smallmoney"})
APPROXIMATE: Final = frozenset({"float", "real"})
EXACT: Final = INTEGERS | DECIMALS | MONEY
NUMBERS: Final = EXACT | APPROXIMATE
UNICODE: Final = frozenset({"nvarchar", "nchar", "ntext", "xml"})
STRINGS: Final = UNICODE | {"varchar", "char", "text"}
BINARIES: Final = frozenset({"varbinary", "binary", "image"})
MOMENTS: Final = frozenset({"datetimeoffset", "datetime2", "datetime", "smalldatetime", "date", "time"})
FIXED_WIDTH: Final = frozenset({"char", "nchar", "binary"})
LARGEST_PRECISION: Final = 38

_INTEGER_DIGITS: Final = {"bit": 1, "tinyint": 3, "smallint": 5, "int": 10, "bigint": 19, "money": 19, "smallmoney": 10}
_DATETIME_DIGITS: Final = 3
"""The digits of the fraction of seconds of a datetime."""
_LONGEST: Final = {"nvarchar": 4000, "nchar": 4000, "varchar": 8000, "char": 8000, "varbinary": 8000, "binary": 8000}


def precedence(type: SqlType) -> int:  # noqa: A002 - the field's own word
    """The rank of a type: of two operands, the one of the lower rank is converted to the type of the other."""
    return _PRECEDENCE[type.name]


def combined(first: SqlType, second: SqlType) -> SqlType:
    """The type that two values share in CASE, COALESCE, UNION, VALUES and comparisons."""
    if first == second:
        return first
    higher, lower = (first, second) if precedence(first) >= precedence(second) else (second, first)
    if higher.name in DECIMALS and lower.name in EXACT | {"bit"}:
        return _decimal_holding(higher, lower)
    if higher.name in ("varchar", "nvarchar", "char", "nchar") and lower.name in STRINGS:
        return _string_holding(higher, lower)
    if higher.name in BINARIES and lower.name in BINARIES:
        name = "varbinary" if "varbinary" in (higher.name, lower.name) else "binary"
        return sized(name, _longer(higher.length, lower.length))
    if higher.scale is not None and higher.name in MOMENTS and lower.name in MOMENTS:
        return SqlType(
            higher.name, scale=max(higher.scale, _DATETIME_DIGITS if lower.name == "datetime" else lower.scale or 0)
        )
    return higher


def as_decimal(type: SqlType, constant: Any = None) -> SqlType:  # noqa: A002 - the field's own word
    """The decimal that holds every value of an exact number type, or the value of an integer literal."""
    if type.name in DECIMALS:
        return type
    if isinstance(constant, int):
        return SqlType("decimal", precision=len(str(abs(constant))), scale=0)
    return SqlType("decimal", precision=_INTEGER_DIGITS[type.name], scale=4 if type.name in MONEY else 0)


def arithmetic_type(
    operator: str, first: SqlType, second: SqlType, *, first_constant: Any = None, second_constant: Any = None
) -> SqlType:
    """The type of ``first operator second`` for numbers.

    :param operator: one of ``+ - * / %``.
    :param first_constant: the value of a literal, an integer literal with a decimal counts only its own digits.
    """
    if first.name in APPROXIMATE or second.name in APPROXIMATE:
        return SqlType("float" if "float" in (first.name, second.name) else "real")
    if first.name in DECIMALS or second.name in DECIMALS:
        one, other = as_decimal(first, first_constant), as_decimal(second, second_constant)
        name = "decimal" if "decimal" in (first.name, second.name) else "numeric"
        return _decimal_result(operator, name, one, other)
    if first.name in MONEY or second.name in MONEY:
        return SqlType("smallmoney" if {first.name, second.name} == {"smallmoney"} else "money")
    higher = first if precedence(first) >= precedence(second) else second
    return SqlType("int") if higher.name == "bit" else higher


def concatenated(first: SqlType, second: SqlType) -> SqlType:
    """The type of ``first + second`` for strings, or for binaries."""
    if first.name in BINARIES:
        return sized("varbinary", _added(first.length, second.length))
    unicode = first.name in UNICODE or second.name in UNICODE
    fixed = first.name in FIXED_WIDTH and second.name in FIXED_WIDTH
    name = ("nchar" if unicode else "char") if fixed else ("nvarchar" if unicode else "varchar")
    length = _added(first.length, second.length)
    if MAX not in (first.length, second.length):
        return sized(name, length, widen=False)
    return SqlType(name, length=MAX)


def sized(name: str, length: int | None, *, widen: bool = True) -> SqlType:
    """A string or binary type of this length; beyond the longest it is ``(max)``, or the longest unless ``widen``."""
    longest = _LONGEST[name]
    if length is None or length == MAX:
        return SqlType(name, length=MAX)
    if length > longest:
        return SqlType(name, length=MAX if widen else longest)
    return SqlType(name, length=max(length, 1))


def string_length(type: SqlType) -> int | None:  # noqa: A002 - the field's own word
    """The characters that a value of this type needs as a string; None for the types without a small bound."""
    if type.name in STRINGS:
        return type.length
    return {
        "bit": 1,
        "tinyint": 3,
        "smallint": 6,
        "int": 12,
        "bigint": 20,
        "real": 30,
        "float": 30,
        "money": 30,
        "smallmoney": 30,
        "decimal": 41,
        "numeric": 41,
        "uniqueidentifier": 36,
        "date": 10,
        "time": 16,
        "smalldatetime": 19,
        "datetime": 23,
        "datetime2": 27,
        "datetimeoffset": 34,
    }.get(type.name, type.length)


def operand_clash(first: SqlType, second: SqlType) -> SqlError:
    """Error 206: the two types are incompatible."""
    return SqlError(206, f"Operand type clash: {first.name} is incompatible with {second.name}.")


def _decimal_holding(first: SqlType, second: SqlType) -> SqlType:
    one, other = as_decimal(first), as_decimal(second)
    assert one.precision is not None and one.scale is not None  # noqa: PT018, S101 - decimals have both
    assert other.precision is not None and other.scale is not None  # noqa: PT018, S101 - decimals have both
    scale = max(one.scale, other.scale)
    digits = max(one.precision - one.scale, other.precision - other.scale)
    name = "numeric" if {first.name, second.name} & DECIMALS == {"numeric"} else "decimal"
    if digits + scale > LARGEST_PRECISION:
        scale = max(LARGEST_PRECISION - digits, 0)
    return SqlType(name, precision=min(digits + scale, LARGEST_PRECISION), scale=scale)


def _decimal_result(operator: str, name: str, first: SqlType, second: SqlType) -> SqlType:
    p1, s1 = first.precision or 0, first.scale or 0
    p2, s2 = second.precision or 0, second.scale or 0
    match operator:
        case "+" | "-":
            scale = max(s1, s2)
            precision = max(p1 - s1, p2 - s2) + scale + 1
        case "*":
            scale = s1 + s2
            precision = p1 + p2 + 1
        case "/":
            scale = max(6, s1 + p2 + 1)
            precision = p1 - s1 + s2 + scale
        case _:
            scale = max(s1, s2)
            precision = min(p1 - s1, p2 - s2) + scale
    if precision > LARGEST_PRECISION:
        whole = precision - scale
        if operator in "+-":
            scale = max(LARGEST_PRECISION - whole, 0) if whole < LARGEST_PRECISION else 0
        else:
            scale = min(scale, LARGEST_PRECISION - whole) if whole < LARGEST_PRECISION - 6 else min(scale, 6)
        precision = LARGEST_PRECISION
    return SqlType(name, precision=precision, scale=scale)


def _string_holding(first: SqlType, second: SqlType) -> SqlType:
    unicode = first.name in UNICODE or second.name in UNICODE
    fixed = first.name in FIXED_WIDTH and second.name in FIXED_WIDTH and first.length == second.length
    name = ("nchar" if unicode else "char") if fixed else ("nvarchar" if unicode else "varchar")
    return sized(name, _longer(first.length, second.length))


def _longer(first: int | None, second: int | None) -> int:
    if first is None or second is None or MAX in (first, second):
        return MAX
    return max(first, second)


def _added(first: int | None, second: int | None) -> int:
    if first is None or second is None or MAX in (first, second):
        return MAX
    return first + second


def family(type: SqlType) -> str:  # noqa: A002 - the field's own word
    """number, string, binary, datetime, moment, guid or variant: the kinds of types in the rules of conversion."""
    if type.name in NUMBERS or type.name == "bit":
        return "number"
    if type.name in STRINGS:
        return "string"
    if type.name in BINARIES:
        return "binary"
    if type.name in ("datetime", "smalldatetime"):
        return "datetime"
    if type.name in MOMENTS:
        return "moment"
    return {"uniqueidentifier": "guid", "sql_variant": "variant"}.get(type.name, type.name)
