"""Calls of functions by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.query.binder import only
from airflow_provider_ssis.emulator.tsql.query.functions import dates, json, mathematics, parsing, strings, system
from airflow_provider_ssis.emulator.tsql.query.functions.table import Function
from airflow_provider_ssis.emulator.tsql.query.rules import aggregates, conditionals, windows
from airflow_provider_ssis.emulator.tsql.query.rules.named_sources import guard_rights
from airflow_provider_ssis.emulator.tsql.query.rules.schema_functions import (
    bound_value,
    find_function,
    find_user_function,
)
from airflow_provider_ssis.emulator.tsql.query.rules.user_modules import bound_scalar
from airflow_provider_ssis.emulator.tsql.query.rules.xml_methods import xml_method
from airflow_provider_ssis.emulator.tsql.query.unsupported import UNSUPPORTED_FUNCTIONS
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, ValueRule
    from airflow_provider_ssis.emulator.tsql.query.typed import Typed

FUNCTIONS: Final[dict[str, Function]] = {
    **{name: Function(*entry) for name, entry in conditionals.FUNCTIONS.items()},
    **strings.FUNCTIONS,
    **mathematics.FUNCTIONS,
    **dates.FUNCTIONS,
    **json.FUNCTIONS,
    **parsing.FUNCTIONS,
    **system.FUNCTIONS,
}
"""Every scalar function, by lower-case name."""


def _call(binder: Binder, node: exp.Anonymous) -> Typed:
    only(node, "this", "expressions")
    name = str(node.this).lower() if isinstance(node.this, str) else node.this.name.lower()
    if name in aggregates.NAMES:
        return aggregates.aggregated(binder, node)
    if name in windows.WINDOW_NAMES:
        raise SqlError(10753, f"The function {name.upper()} needs an OVER clause.", severity=15)
    function = FUNCTIONS.get(name)
    if function is None and name in UNSUPPORTED_FUNCTIONS:
        raise not_supported(f"The function {name.upper()}")
    if function is None:
        raise SqlError(195, f"{node.name!r} is not a recognized built-in function name.", severity=15)
    return called(binder, name, function, node.expressions)


def called(binder: Binder, name: str, function: Function, arguments: Sequence[exp.Expr]) -> Typed:
    """A call with so many arguments as the function takes.

    :raises SqlError: 174, 189: too few or too many.
    """
    count = len(arguments)
    if count < function.least or (function.most is not None and count > function.most):
        if function.least == function.most:
            raise SqlError(174, f"The {name} function requires {function.least} argument(s).", severity=15)
        most = "any number" if function.most is None else function.most
        raise SqlError(189, f"The {name} function requires {function.least} to {most} arguments.", severity=15)
    return function.rule(binder, arguments)


def _qualified(binder: Binder, node: exp.Dot) -> Typed:
    """``schema.function(...)``, and the methods of xml."""
    parts = [part.name for part in node.flatten()]
    last = node.expression
    if isinstance(last, exp.Anonymous):
        function = find_function(binder, parts, is_scalar=True)
        if function is not None:
            return bound_value(binder, function, last.expressions)
        created = find_user_function(binder, parts)
        if created is not None and created.returns is not None:
            guard_rights(binder, created, "EXECUTE")
            return bound_scalar(binder, created, last.expressions)
    method = xml_method(binder, node)
    if method is not None:
        return method
    raise SqlError(
        4121, f"Cannot find the column {parts[0]!r} or the user-defined function or method {'.'.join(parts)!r}."
    )


VALUES: Final[dict[type[exp.Expr], ValueRule]] = {exp.Anonymous: _call, exp.Dot: _qualified}
