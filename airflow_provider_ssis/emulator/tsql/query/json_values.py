"""Which values of a query are JSON, and not texts."""

from __future__ import annotations

from sqlglot import exp


def holds_json(value: exp.Expr) -> bool:
    """Whether a value is JSON already, and no text: a subquery with FOR JSON, JSON_QUERY or JSON_MODIFY."""
    while isinstance(value, exp.Paren):
        value = value.this
    if isinstance(value, exp.Anonymous):
        return str(value.this).lower() in ("json_query", "json_modify")
    clause = value.this.args.get("for_") if isinstance(value, exp.Subquery) else None
    if clause is None or clause.args.get("kind") != "JSON":
        return False
    return "WITHOUT_ARRAY_WRAPPER" not in {option.this.name.upper() for option in clause.expressions}
