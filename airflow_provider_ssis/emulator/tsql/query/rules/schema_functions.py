"""Functions that belong to a schema: ``catalog.name(…)``, as a value or in FROM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.metadata.objects import SqlFunction, UserFunction
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

_DEFAULT = "default"


def find_function(binder: Binder, parts: Sequence[str], *, is_scalar: bool) -> SqlFunction | None:
    """The function of a name with its schema, or None."""
    compilation = binder.compilation
    found = compilation.metadata.function(*_resolved(binder, parts))
    return found if found is not None and found.is_scalar is is_scalar else None


def find_user_function(binder: Binder, parts: Sequence[str]) -> UserFunction | None:
    """The client's function of a name, or None."""
    return binder.compilation.metadata.user_function(*_resolved(binder, parts))


def _resolved(binder: Binder, parts: Sequence[str]) -> tuple[str, str, str]:
    compilation = binder.compilation
    return compilation.metadata.resolved(qualified(list(parts), compilation.database))


def bound_function(binder: Binder, function: SqlFunction, nodes: Sequence[exp.Expr]) -> BoundQuery:
    """The rows of a function.

    :raises SqlError: 313 too few arguments, 8144 too many.
    """
    name = f"{function.schema}.{function.name}"
    if len(nodes) < len(function.parameters):
        raise SqlError(313, f"The function {name} needs an argument, or DEFAULT, for each of its parameters.")
    if len(nodes) > len(function.parameters):
        raise SqlError(8144, f"The function {name} has fewer parameters than it was given arguments.")
    arguments = []
    for parameter, node in zip(function.parameters, nodes, strict=True):
        if node.name.lower() == _DEFAULT and isinstance(node, exp.Column | exp.Var):
            arguments.append("NULL")
        else:
            arguments.append(f"({coerced(binder, binder.value(node), parameter.type).sql})")
    names = [quoted(column.name) for column in function.columns]
    outputs = ", ".join(f"{name} AS c{number}" for number, name in enumerate(names, start=1))
    rows = function.select.format(*arguments)
    columns = tuple(
        Typed(f"c{number}", column.type, nullable=column.nullable, name=column.name)
        for number, column in enumerate(function.columns, start=1)
    )
    return BoundQuery(" ".join(["SELECT", outputs, "FROM", f"({rows}) AS f({', '.join(names)})"]), columns)


def bound_value(binder: Binder, function: SqlFunction, nodes: Sequence[exp.Expr]) -> Typed:
    """The value of a function that returns one."""
    query = bound_function(binder, function, nodes)
    return Typed(f"({query.sql})", query.columns[0].type)
