"""WITH: common table expressions, recursive ones too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIT, INT, Column
from airflow_provider_ssis.emulator.tsql.query.binder import CommonTable, only
from airflow_provider_ssis.emulator.tsql.query.rules.sources import check_names
from airflow_provider_ssis.emulator.tsql.query.scope import RECURSION_LEVEL, Scope
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Typed, output_name
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder


_DEEPEST_BY_DEFAULT: Final = 100


def bind_with(binder: Binder, node: exp.Expr) -> tuple[Binder, str]:
    """A binder that knows the common table expressions of a statement, and DuckDB's WITH clause for them."""
    clause = node.args.get("with_")
    if clause is None:
        return binder, ""
    only(clause, "expressions", "recursive")
    texts = []
    recursive = False
    for cte in clause.expressions:
        only(cte, "this", "alias")
        name = cte.alias
        names = [column.name for column in cte.args["alias"].args.get("columns") or ()]
        outside = binder.within(Scope())
        sql_name = binder.compilation.alias()
        if _refers_to(cte.this, name):
            table, text = _recursive(outside, cte, name, names, sql_name, _deepest(node))
            recursive = True
        else:
            query = outside.query(cte.this)
            table, text = CommonTable(name, sql_name, _columns(query, names, name)), f"{sql_name} AS ({query.sql})"
        binder = binder.with_tables([table])
        texts.append(text)
    return binder, f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(texts)} "


def _recursive(
    outside: Binder, cte: exp.CTE, name: str, names: Sequence[str], sql_name: str, deepest: int
) -> tuple[CommonTable, str]:
    union = cte.this
    if not isinstance(union, exp.Union) or union.args.get("distinct") or not isinstance(union.expression, exp.Select):
        raise SqlError(252, f"The recursive common table expression {name!r} needs UNION ALL between its two parts.")
    anchor = outside.query(union.this)
    columns = _columns(anchor, names, name)
    table = CommonTable(name, sql_name, (*columns, Column(RECURSION_LEVEL, INT, nullable=False)))
    step = outside.with_tables([table]).query(_with_level(union.expression, name))
    if len(step.columns) != len(anchor.columns) + 1:
        raise SqlError(205, "Both parts of a recursive common table expression must have the same number of columns.")
    for one, other in zip(anchor.columns, step.columns, strict=False):
        if one.type.name != other.type.name and not (one.bare_null or other.bare_null):
            raise SqlError(
                240, f"Types differ between the anchor and the recursive part in column {one.name!r} of {name!r}."
            )
    outputs = ", ".join(output_name(position) for position in range(1, len(columns) + 1))
    level = output_name(len(columns) + 1)
    alias = outside.compilation.alias()
    first = " ".join(["SELECT", f"{outputs}, CAST(0 AS INTEGER) AS {level} FROM ({anchor.sql}) AS {alias}"])
    guard = _guard(outside, f"{alias}.{level}", deepest)
    later = " ".join(["SELECT", f"* FROM ({step.sql}) AS {alias}{guard}"])
    return table, f"{sql_name}({outputs}, {level}) AS ({first} UNION ALL {later})"


def _with_level(step: exp.Select, name: str) -> exp.Select:
    """The recursive part with the hidden column, one more than in the row that it comes from."""
    select = step.copy()
    itself = next(table for table in select.find_all(exp.Table) if table.name.lower() == name.lower())
    level = exp.column(exp.to_identifier(RECURSION_LEVEL, quoted=True), table=exp.to_identifier(itself.alias or name))
    select.append("expressions", exp.Add(this=level, expression=exp.Literal.number(1)))
    return select


def _guard(binder: Binder, level: str, deepest: int) -> str:
    """A condition that raises error 530 beyond the deepest level; 0 allows any."""
    if deepest == 0:
        return ""

    def check(reached: int) -> bool:
        if reached > deepest:
            raise SqlError(530, f"The maximum recursion {deepest} was exhausted before the statement completed.")
        return True

    test = binder.call(f"recursion up to {deepest}", check, [Typed(level, INT)], BIT)
    return f" WHERE {test.sql}"


def _deepest(node: exp.Expr) -> int:
    """``OPTION (MAXRECURSION n)``."""
    for option in node.args.get("options") or ():
        if option.name.upper() == "MAXRECURSION":
            if not isinstance(option.expression, exp.Literal) or not option.expression.name.isdigit():
                raise SqlError(102, "Incorrect syntax near 'MAXRECURSION': an integer is expected.", severity=15)
            return int(option.expression.name)
    return _DEEPEST_BY_DEFAULT


def _columns(query: BoundQuery, names: Sequence[str], table: str) -> tuple[Column, ...]:
    if names and len(names) != len(query.columns):
        raise SqlError(8158, f"{table!r} has {len(query.columns)} columns, and names for {len(names)}.")
    columns = [column.named(names[index] if names else column.name) for index, column in enumerate(query.columns)]
    check_names(columns, table)
    return tuple(Column(column.name, column.type, column.nullable) for column in columns)


def _refers_to(node: exp.Expr, name: str) -> bool:
    return any(table.name.lower() == name.lower() and not table.args.get("db") for table in node.find_all(exp.Table))
