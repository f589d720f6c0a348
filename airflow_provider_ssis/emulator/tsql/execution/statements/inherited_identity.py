"""The IDENTITY property that a table from SELECT … INTO inherits.

Facts: Microsoft Learn, "SELECT - INTO Clause (Transact-SQL)", limitations: a column that is selected once, as it is,
from one table keeps the property; with a join, UNION, GROUP BY or an aggregate it does not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import find_table
from airflow_provider_ssis.emulator.tsql.metadata.objects import WritableTable
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import Identity
from airflow_provider_ssis.emulator.tsql.query.rules.grouping import is_grouped
from airflow_provider_ssis.emulator.tsql.query.rules.named_sources import is_temporary, name_parts

_MANY: Final = ("joins", "laterals", "with_")


def inherited_identity(session: SessionState, tree: exp.Expr, names: list[str], frame: Frame) -> Identity | None:
    """The property of the new table; None where it inherits none.

    :param tree: the SELECT.
    :param names: of the columns of its result.
    """
    if not isinstance(tree, exp.Select) or any(tree.args.get(part) for part in _MANY) or is_grouped(tree):
        return None
    source = tree.args.get("from_")
    table = None if source is None else _table(session, source.this, frame)
    if table is None or table.rules.identity is None:
        return None
    selected = [name for item in tree.expressions for name in _selected(item, table)]
    if len(selected) != len(names):
        return None
    wanted = table.rules.identity.column.lower()
    places = [place for place, name in enumerate(selected) if name == wanted]
    return replace(table.rules.identity, column=names[places[0]]) if len(places) == 1 else None


def _table(session: SessionState, node: exp.Expr, frame: Frame) -> WritableTable | None:
    if not isinstance(node, exp.Table) or any(node.args.get(part) for part in ("joins", "pivots", "laterals")):
        return None
    if is_temporary(node.this) or isinstance(node.this, exp.Parameter):
        mark = "@" if isinstance(node.this, exp.Parameter) else "#"
        return frame.tables.get(f"{mark}{node.this.name.lower().removeprefix(mark)}")
    return find_table(session, name_parts(node), frame)


def _selected(item: exp.Expr, table: WritableTable) -> list[str]:
    """The names, in lower case, of the columns that an item selects as they are; an empty one for an expression."""
    if isinstance(item, exp.Alias):
        item = item.this
    if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
        return [column.name.lower() for column in table.columns]
    return [item.name.lower() if isinstance(item, exp.Column) else ""]
