"""T-SQL's mathematical functions."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ssis.emulator.datatypes import FLOAT, SqlType
from airflow_provider_ssis.emulator.tsql.query.functions.table import Function, Plain, taken
from airflow_provider_ssis.emulator.tsql.values.arithmetic import division_by_zero, fitting, overflow
from airflow_provider_ssis.emulator.tsql.values.conversion import convert
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.number_text import WIDE, rounded
from airflow_provider_ssis.emulator.tsql.values.precedence import DECIMALS, LARGEST_PRECISION

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_ssis.emulator.tsql.query.binder import Binder
    from airflow_provider_ssis.emulator.tsql.query.typed import Typed


_MOST_PLACES: Final = 350
"""More places than any number has, before or after the decimal point."""


def _number_like_first(arguments: Sequence[Typed]) -> SqlType:
    given = arguments[0].type
    return SqlType("int") if given.name in ("bit", "tinyint", "smallint") else given


def _whole_like_first(arguments: Sequence[Typed]) -> SqlType:
    given = _number_like_first(arguments)
    return SqlType(given.name, precision=given.precision, scale=0) if given.name in DECIMALS else given


def _rounded_like_first(arguments: Sequence[Typed]) -> SqlType:
    given = _number_like_first(arguments)
    return SqlType("float") if given.name == "real" else given


def _round(value: Any, places: int, cut: int = 0) -> Any:
    step = Decimal(1).scaleb(-max(min(places, _MOST_PLACES), -_MOST_PLACES))
    value = _number(value)
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    result = exact.quantize(step, rounding=ROUND_DOWN if cut else ROUND_HALF_UP, context=WIDE)
    return result.quantize(value, context=WIDE) if isinstance(value, Decimal) else type(value)(result)


def _number(value: Any) -> Any:
    """A number whose type is that of the result: bit counts as int."""
    return int(value) if isinstance(value, bool) else value


def _absolute(value: Any) -> Any:
    # abs() of a Decimal rounds it to 28 digits.
    return value.copy_abs() if isinstance(value, Decimal) else abs(_number(value))


def _like(value: Any, result: Any) -> Any:
    """A result in the type of the argument."""
    return type(_number(value))(result)


def _finite(function: Callable[..., float]) -> Callable[..., float]:
    def compute(*values: Any) -> float:
        try:
            result = function(*values)
        except ZeroDivisionError:
            raise division_by_zero() from None
        except ValueError:
            raise SqlError(3623, "An invalid floating point operation occurred.") from None
        except OverflowError:
            raise overflow(FLOAT) from None
        if isinstance(result, complex) or math.isinf(result) or math.isnan(result):
            raise SqlError(3623, "An invalid floating point operation occurred.")
        return result

    return compute


def _power(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    base, exponent = (
        taken(binder, binder.value(node), kind, "power", position)
        for position, (node, kind) in enumerate(zip(nodes, ("number", "float"), strict=True), start=1)
    )
    result = _rounded_like_first([base])
    if result.name in DECIMALS:
        result = SqlType(result.name, precision=LARGEST_PRECISION, scale=result.scale)

    def compute(value: Any, power: float) -> Any:
        raised = _finite(math.pow)(float(value), power)
        if isinstance(value, Decimal):
            return fitting(rounded(Decimal(repr(raised)), -int(value.as_tuple().exponent)), result)
        return convert(raised, FLOAT, result)

    return binder.call("power", compute, [base, exponent], result)


def _log(value: float, base: float = math.e) -> float:
    return math.log(value) if base == math.e else math.log(value, base)


_FLOATS: Final[dict[str, Callable[..., float]]] = {
    "acos": math.acos,
    "asin": math.asin,
    "atan": math.atan,
    "cos": math.cos,
    "cot": lambda value: 1 / math.tan(value),
    "degrees": math.degrees,
    "exp": math.exp,
    "log10": math.log10,
    "radians": math.radians,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "square": lambda value: value * value,
    "tan": math.tan,
}

FUNCTIONS: Final = {
    "power": Function(2, 2, _power),
} | {
    name: plain.function(name)
    for name, plain in {
        **{name: Plain(("float",), FLOAT, _finite(function)) for name, function in _FLOATS.items()},
        "abs": Plain(("number",), _number_like_first, _absolute),
        "atn2": Plain(("float", "float"), FLOAT, _finite(math.atan2)),
        "ceiling": Plain(("number",), _whole_like_first, lambda value: _like(value, math.ceil(value))),
        "floor": Plain(("number",), _whole_like_first, lambda value: _like(value, math.floor(value))),
        "log": Plain(("float", "float"), FLOAT, _finite(_log), least=1),
        "pi": Plain((), FLOAT, lambda: math.pi),
        "rand": Plain(("int",), FLOAT, lambda seed=None: random.Random(seed).random(), least=0, strict=False),  # noqa: S311 - not for secrets
        "round": Plain(("number", "int", "int"), _rounded_like_first, _round, least=2),
        "sign": Plain(("number",), _number_like_first, lambda value: _like(value, (value > 0) - (value < 0))),
    }.items()
}
