"""``SELECT @a = ..., @b = ...``."""

from __future__ import annotations

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.errors import SqlError


def split_assignments(tree: exp.Expr) -> tuple[exp.Expr, tuple[str, ...]]:
    """The SELECT of the values, and the variables that they go to; no variables for any other query.

    :raises SqlError: 141, a SELECT that assigns must not return data too.
    """
    if not isinstance(tree, exp.Select):
        return tree, ()
    targets = [_target(item) for item in tree.expressions]
    if not any(targets):
        return tree, ()
    if not all(targets):
        raise SqlError(141, "A SELECT that gives values to variables must not return data too.", severity=15)
    select = tree.copy()
    select.set("expressions", [item.expression for item in select.expressions])
    return select, tuple(targets)


def _target(item: exp.Expr) -> str:
    if isinstance(item, exp.EQ) and isinstance(item.this, exp.Parameter):
        return f"@{item.this.name.lower()}" if not isinstance(item.this.this, exp.Parameter) else ""
    return ""
