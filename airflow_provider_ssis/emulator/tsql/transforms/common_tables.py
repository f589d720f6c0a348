"""WITH: common table expressions, recursive ones too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.errors import SqlError
from airflow_provider_ssis.emulator.tsql.transforms.binder import CommonTable, only
from airflow_provider_ssis.emulator.tsql.transforms.scope import Scope
from airflow_provider_ssis.emulator.tsql.transforms.sources import check_names
from airflow_provider_ssis.emulator.tsql.transforms.typed import BoundQuery, output_name

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.transforms.binder import Binder


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
        table, text, refers_to_itself = _common_table(binder, cte)
        binder = binder.with_tables([table])
        texts.append(text)
        recursive = recursive or refers_to_itself
    return binder, f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(texts)} "


def _common_table(binder: Binder, cte: exp.CTE) -> tuple[CommonTable, str, bool]:
    name = cte.alias
    names = [column.name for column in cte.args["alias"].args.get("columns") or ()]
    outside = binder.within(Scope(parent=None))
    sql_name = binder.compilation.alias()
    if _refers_to(cte.this, name):
        return _recursive(outside, cte, name, names, sql_name)
    query = outside.query(cte.this)
    table = CommonTable(name, sql_name, _columns(query, names, name))
    return table, f"{sql_name} AS ({query.sql})", False


def _recursive(
    outside: Binder, cte: exp.CTE, name: str, names: Sequence[str], sql_name: str
) -> tuple[CommonTable, str, bool]:
    union = cte.this
    if not isinstance(union, exp.Union) or union.args.get("distinct"):
        raise SqlError(252, f"The recursive common table expression {name!r} needs UNION ALL between its two parts.")
    anchor = outside.query(union.this)
    table = CommonTable(name, sql_name, _columns(anchor, names, name))
    step = outside.with_tables([table]).query(union.expression)
    if len(step.columns) != len(anchor.columns):
        raise SqlError(205, "Both parts of a recursive common table expression have the same number of columns.")
    for one, other in zip(anchor.columns, step.columns, strict=True):
        if one.type.name != other.type.name and not (one.bare_null or other.bare_null):
            raise SqlError(
                240, f"Types differ between the anchor and the recursive part in column {one.name!r} of {name!r}."
            )
    columns = ", ".join(output_name(position) for position in range(1, len(anchor.columns) + 1))
    text = f"{sql_name}({columns}) AS ({anchor.sql} UNION ALL {step.sql})"
    return table, text, True


def _columns(query: BoundQuery, names: Sequence[str], table: str) -> tuple[Column, ...]:
    if names and len(names) != len(query.columns):
        raise SqlError(8158, f"{table!r} has {len(query.columns)} columns, and names for {len(names)}.")
    columns = [column.named(names[index] if names else column.name) for index, column in enumerate(query.columns)]
    check_names(columns, table)
    return tuple(Column(column.name, column.type, column.nullable) for column in columns)


def _refers_to(node: exp.Expr, name: str) -> bool:
    return any(table.name.lower() == name.lower() and not table.args.get("db") for table in node.find_all(exp.Table))
