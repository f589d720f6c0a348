"""Views and functions that clients created: the text of each is bound where it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import INT, NVARCHAR_MAX
from airflow_provider_ssis.emulator.tsql.metadata.signatures import REQUIRED
from airflow_provider_ssis.emulator.tsql.query.dialect import parse_query
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import BINARIES
from airflow_provider_ssis.emulator.tsql.values.storage import duckdb_type

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.datatypes import SqlType
    from airflow_provider_ssis.emulator.tsql.metadata.objects import UserFunction, UserView
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

_REMEMBERED: Final = 512
_DEFAULT: Final = "default"


def bound_view(binder: Binder, view: UserView) -> BoundQuery:
    """The query of a view."""
    inner = binder.outside({})
    with _inside(binder, view.database):
        return inner.query_here(_parsed(view.select))


def bound_table(binder: Binder, function: UserFunction, nodes: Sequence[exp.Expr]) -> BoundQuery:
    """The rows of a function that returns a table.

    :raises SqlError: 313 too few arguments, 8144 too many.
    """
    if function.has_statements:
        return _filled_table(binder, function, nodes)
    inner = binder.outside(_arguments(binder, function, nodes))
    with _inside(binder, function.database):
        tree = _parsed(function.body)
        return inner.query_here(tree.this if isinstance(tree, exp.Subquery) else tree)


def bound_scalar(binder: Binder, function: UserFunction, nodes: Sequence[exp.Expr]) -> Typed:
    """The value of a function.

    :raises SqlError: 313 too few arguments, 8144 too many.
    """
    if function.returns is None:
        raise ValueError(f"the function {function.name} returns a table")
    if function.has_statements:
        return _called(binder, function, nodes, function.returns)
    inner = binder.outside(_arguments(binder, function, nodes))
    with _inside(binder, function.database):
        value = inner.value(_parsed(" ".join(["SELECT", f"({function.body})"])).expressions[0])
        return coerced(binder, value, function.returns)


def _called(binder: Binder, function: UserFunction, nodes: Sequence[exp.Expr], result: SqlType) -> Typed:
    """A call of a function with statements, which the session runs for each row."""
    names = function.database, function.schema, function.name
    binder.compilation.needed[CALL_FUNCTION] = None
    bridge = binder.compilation.bridge
    count = len(function.parameters)
    # The last argument is for functions without parameters: DuckDB needs one.
    call = binder.call(
        f"call {'.'.join(names)}",
        lambda *values: bridge.session[CALL_FUNCTION](names, values[:count]),
        [*_arguments(binder, function, nodes).values(), Typed("1", INT)],
        result,
        strict=False,
        is_volatile=True,
    )
    # Python alone must not compute it: the statements may run queries.
    return replace(call, evaluate=None)


def _filled_table(binder: Binder, function: UserFunction, nodes: Sequence[exp.Expr]) -> BoundQuery:
    """The rows of a function with statements: one text that the session returns for each call."""
    rows = f"string_split({_called(binder, function, nodes, NVARCHAR_MAX).sql}, '{ROW_END}')"
    outputs, columns = [], []
    for place, column in enumerate(function.columns, start=1):
        cell = f"string_split(r, '{CELL_END}')[{place}]"
        text = f"CASE WHEN {cell} = '' THEN NULL ELSE substr({cell}, 2) END"
        for written, marks in ESCAPES:
            text = f"replace({text}, '{marks}', '{written}')"
        value = f"from_hex({text})" if column.type.name in BINARIES else text
        cells = f"list_transform({rows}, lambda r: CAST({value} AS {duckdb_type(column.type, zoned=True)}))"
        outputs.append(f"unnest({cells}) AS c{place}")
        columns.append(Typed(f"c{place}", column.type, nullable=column.nullable, name=column.name))
    outputs.append(f"unnest(range(1, len({rows}) + 1)) AS place")
    return BoundQuery(" ".join(["SELECT", ", ".join(outputs)]), tuple(columns), has_place=True)


CALL_FUNCTION: Final = "call_function()"
"""The session's function of the name of a client's function and its arguments."""
ROW_END: Final = "\x1e"
CELL_END: Final = "\x1f"
ESCAPES: Final = (("\x1f", "\x10c"), ("\x1e", "\x10b"), ("\x10", "\x10a"))
"""Characters in a text of rows, and what is written for them; in the order in which they are read."""


def _arguments(binder: Binder, function: UserFunction, nodes: Sequence[exp.Expr]) -> dict[str, Typed]:
    name = f"{function.schema}.{function.name}"
    if len(nodes) < len(function.parameters):
        raise SqlError(313, f"The function {name} needs an argument, or DEFAULT, for each of its parameters.")
    if len(nodes) > len(function.parameters):
        raise SqlError(8144, f"The function {name} has fewer parameters than it was given arguments.")
    found = {}
    for parameter, node in zip(function.parameters, nodes, strict=True):
        given = node
        if node.name.lower() == _DEFAULT and isinstance(node, exp.Column | exp.Var):
            if parameter.default is REQUIRED:
                raise SqlError(313, f"The parameter {parameter.name} of the function {name} has no default.")
            given = exp.Null() if parameter.default is None else exp.Literal.string(str(parameter.default))
        value = coerced(binder, binder.value(given), parameter.type)
        sql = f"CAST({value.sql} AS {duckdb_type(parameter.type, zoned=True)})"
        found[parameter.name.lower()] = Typed(sql, parameter.type, evaluate=value.evaluate)
    return found


@contextmanager
def _inside(binder: Binder, database: str) -> Iterator[None]:
    """Names mean what they do in a database; variables and temporary tables are not seen."""
    compilation = binder.compilation
    kept = compilation.database, compilation.variables, compilation.local_tables, compilation.chained
    compilation.database, compilation.variables, compilation.local_tables = database, {}, {}
    compilation.chained = database.lower()
    try:
        yield
    finally:
        compilation.database, compilation.variables, compilation.local_tables, compilation.chained = kept


@lru_cache(maxsize=_REMEMBERED)
def _parsed(text: str) -> exp.Expr:
    tree = parse_query(text)
    if tree.find(exp.NextValueFor) is not None:
        raise inner_sequence()
    return tree


def inner_sequence() -> SqlError:
    """The error for NEXT VALUE FOR in another query than that of the statement."""
    text = (
        "NEXT VALUE FOR function is not allowed in check constraints, computed columns, views, functions, subqueries, "
        "common table expressions and derived tables."
    )
    return SqlError(11719, text, severity=15)
