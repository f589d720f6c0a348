"""The table of T-SQL's functions.

Each function is a name, how many arguments it takes, and a rule that binds a call of it. Most are plain: Python does
to the values what SQL Server does (:class:`Plain`), and the kinds of their arguments are one word each:

========== ===========================================================================================
``text``   strings; other values become nvarchar, except binaries, sql_variant and xml, which are refused
``int``    bigint; other numbers lose their fraction, strings are read as numbers
``float``  float
``number`` any number; strings are read as float
``moment`` any date or time; strings are read as datetime2
``bytes``  binaries; strings as their bytes
``any``    any type
========== ===========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.values.arithmetic import fitting
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import BINARIES, EXACT, STRINGS, family, string_length
from airflow_provider_ssis.emulator.tsql.values.string_conversion import fit_string

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, FunctionRule
    from airflow_provider_ssis.emulator.tsql.query.typed import Typed

Result = SqlType | Callable[[Sequence["Typed"]], SqlType]

_BIGINT: Final = SqlType("bigint")
_FLOAT: Final = SqlType("float")
_DATETIME2: Final = SqlType("datetime2", scale=7)


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    :param most: the most arguments; None for any number.
    """

    least: int
    most: int | None
    rule: FunctionRule


@dataclass(frozen=True, slots=True)
class Plain:
    """A function that Python computes from the values of its arguments.

    :param kinds: of the arguments, in order; the last is repeated for further ones.
    :param result: the type of the result, or a function of the bound arguments that gives it.
    :param compute: gets and returns Python values.
    :param least: the fewest arguments; all of ``kinds`` when None.
    :param variadic: more arguments than ``kinds`` are allowed.
    :param strict: NULL among the arguments makes the result NULL.
    :param native: the DuckDB text for the call in a query, with ``{0}`` for the first argument, and ``{call}`` for the
        call of Python where DuckDB differs; None always calls Python.
    """

    kinds: tuple[str, ...]
    result: Result
    compute: Callable[..., Any]
    least: int | None = None
    variadic: bool = False
    strict: bool = True
    native: str | None = None

    def function(self, name: str) -> Function:
        """The table's entry."""

        def rule(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
            kinds = [*self.kinds, *self.kinds[-1:] * (len(nodes) - len(self.kinds))]
            arguments = [
                taken(binder, binder.value(node), kind, name, position)
                for position, (node, kind) in enumerate(zip(nodes, kinds, strict=False), start=1)
            ]
            result = self.result if isinstance(self.result, SqlType) else self.result(arguments)
            call = binder.call(name, _fitted(self.compute, result), arguments, result, strict=self.strict)
            if self.native is None:
                return call
            sql = self.native.format(*[argument.sql for argument in arguments], call=call.sql)
            return type(call)(sql, result, evaluate=call.evaluate)

        least = len(self.kinds) if self.least is None else self.least
        return Function(least, None if self.variadic else len(self.kinds), rule)


def _fitted(compute: Callable[..., Any], result: SqlType) -> Callable[..., Any]:
    """The function with its result held to its type: strings are cut, numbers beyond the range are an error."""

    # Cut, and not padded: RTRIM of a char is shorter.
    cut = SqlType({"char": "varchar", "nchar": "nvarchar"}.get(result.name, result.name), length=result.length)

    def fit(*values: Any) -> Any:
        value = compute(*values)
        if isinstance(value, str):
            return value if result.length in (None, MAX) else fit_string(value, cut)
        return fitting(value, result) if value is not None and result.name in EXACT else value

    return fit


def taken(binder: Binder, value: Typed, kind: str, function: str, position: int) -> Typed:
    """An argument as a function takes it.

    :raises SqlError: 8116, the function takes no such type there.
    """
    type_, group = value.type, family(value.type)
    refused = SqlError(
        8116, f"Argument {position} of {function.upper()} cannot have the data type {type_.name}. Convert it first."
    )
    if kind != "any" and (group == "variant" or type_.name == "xml"):
        raise refused
    match kind:
        case "text" if type_.name not in STRINGS:
            if type_.name in BINARIES:
                raise refused
            return coerced(binder, value, SqlType("varchar", length=string_length(type_) or MAX), explicit=True)
        case "int" if type_.name != "bigint":
            if group not in ("number", "string", "binary"):
                raise refused
            return coerced(binder, value, _BIGINT, explicit=True)
        case "float" if type_.name != "float":
            if group not in ("number", "string"):
                raise refused
            return coerced(binder, value, _FLOAT, explicit=True)
        case "number" if group != "number":
            if group != "string":
                raise refused
            return coerced(binder, value, _FLOAT)
        case "moment" if group not in ("datetime", "moment"):
            if group == "string" or value.bare_null:
                return coerced(binder, value, _DATETIME2)
            if group == "number":
                return coerced(binder, value, SqlType("datetime"))
            raise refused
        case "bytes" if type_.name not in BINARIES:
            if type_.name not in STRINGS:
                raise refused
            return coerced(binder, value, SqlType("varbinary", length=MAX), explicit=True)
        case _:
            return value


def same_as_first(arguments: Sequence[Typed]) -> SqlType:
    """A result of the first argument's type."""
    return arguments[0].type


def widest_like_first(arguments: Sequence[Typed]) -> SqlType:
    """A string of the first argument's kind, as long as one may be."""
    return widest(arguments[0].type)


def widest(type: SqlType) -> SqlType:  # noqa: A002 - the field's own word
    """The longest string type of a kind; ``(max)`` stays ``(max)``."""
    if type.length == MAX:
        return SqlType("nvarchar" if type.name in ("nvarchar", "nchar", "ntext") else "varchar", length=MAX)
    return SqlType("nvarchar", length=4000) if type.name in ("nvarchar", "nchar") else SqlType("varchar", length=8000)
