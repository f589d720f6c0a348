"""PARSE and TRY_PARSE, in the culture en-US."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import NVARCHAR_MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.functions.table import Function, taken
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import parse_type
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.precedence import APPROXIMATE, INTEGERS, MONEY, family

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, FunctionRule
    from airflow_provider_ssis.emulator.tsql.query.typed import Typed

_CULTURES: Final = ("en-us", "")
_NUMBER: Final = re.compile(
    r"\s*(?P<sign>[+-]?)\s*(?P<currency>\$?)\s*(?P<whole>\d[\d,]*|)(?P<fraction>\.\d*)?(?P<exponent>[eE][+-]?\d+)?\s*"
)
_WEEKDAY: Final = re.compile(r"^\s*(?:mon|tues|wednes|thurs|fri|satur|sun)day\s*,\s*", re.IGNORECASE)
_DECIMAL: Final = SqlType("decimal", precision=38, scale=19)


def _rule(name: str, *, safe: bool) -> FunctionRule:
    def rule(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
        if not isinstance(nodes[1], exp.DataType):
            raise SqlError(102, f"Incorrect syntax near {name.upper()!r}.", severity=15)
        target = parse_type(nodes[1])
        if family(target) not in ("number", "datetime", "moment") or target.name == "bit":
            raise SqlError(10761, f"Invalid data type {target} in the function {name.upper()}.", severity=15)
        culture = binder.value(nodes[2]).constant if len(nodes) > 2 else ""
        if not isinstance(culture, str) or culture.lower() not in _CULTURES:
            raise not_supported(f"{name.upper()} with the culture {culture!r}")
        text = taken(binder, binder.value(nodes[0]), "text", name, 1)
        return binder.call(f"{name} {target}", lambda given: _parsed(given, target, safe=safe), [text], target)

    return rule


def _parsed(text: str, target: SqlType, *, safe: bool) -> Any:
    try:
        if family(target) == "number":
            return _number(text, target)
        return conversion.convert(_WEEKDAY.sub("", text), NVARCHAR_MAX, target)
    except (SqlError, ValueError, ArithmeticError):
        if safe:
            return None
        raise SqlError(
            9819, f"Error converting string value '{text}' into data type {target.name} using culture ''."
        ) from None


def _number(text: str, target: SqlType) -> Any:
    """A number as .NET reads it: with commas between thousands, of money with $, of float with an exponent."""
    match = _NUMBER.fullmatch(text)
    if match is None or not (match["whole"] or match["fraction"]):
        raise ValueError(text)
    if (match["exponent"] and target.name not in APPROXIMATE) or (match["currency"] and target.name not in MONEY):
        raise ValueError(text)
    number = Decimal(text.replace(",", "").replace("$", "").replace(" ", "").strip())
    if target.name in APPROXIMATE:
        return conversion.convert(float(number), SqlType("float"), target)
    if target.name in INTEGERS and number != number.to_integral_value():
        raise ValueError(text)
    return conversion.convert(number, _DECIMAL, target)


FUNCTIONS: Final[dict[str, Function]] = {
    "parse": Function(2, 3, _rule("parse", safe=False)),
    "try_parse": Function(2, 3, _rule("try_parse", safe=True)),
}
