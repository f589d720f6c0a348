"""NEXT VALUE FOR.

The session numbers the rows of a statement: all calls for one sequence in a row return the same value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIGINT, SqlType
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.query.rules.aggregates import NAMES, order_items
from airflow_provider_ssis.emulator.tsql.query.rules.named_sources import guard_rights, name_parts
from airflow_provider_ssis.emulator.tsql.query.rules.user_modules import inner_sequence
from airflow_provider_ssis.emulator.tsql.query.scope import Clause
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, ValueRule

NEXT_VALUE: Final = "next_value()"
"""The session's function of a sequence and the number of a row."""

ROW: Final = "row"
"""The argument of a node with the number of its row in a list of VALUES."""

_NAME: Final = SqlType("nvarchar", length=128)
_CHOICES: Final = frozenset({"isnull", "coalesce", "iif", "choose", "nullif"})
_CLAUSES: Final = (exp.Where, exp.Group, exp.Having, exp.Order, exp.Limit, exp.Join, exp.Returning, exp.Window)


def _next_value(binder: Binder, node: exp.NextValueFor) -> Typed:
    _check_place(node)
    parts = name_parts(node.this)
    names = qualified(parts, binder.compilation.database)
    sequence = binder.compilation.metadata.sequence(*names)
    guard_rights(binder, sequence, "UPDATE")
    binder.compilation.needed[NEXT_VALUE] = None
    over = ""
    if node.args.get("order"):
        with binder.scope.inside(Clause.OVER):
            over = f"ORDER BY {order_items(binder, node.args['order'])}"
    row = str(node.args.get(ROW) or f"row_number() OVER ({over})")
    key = sequence.database, sequence.schema, sequence.name
    bridge = binder.compilation.bridge
    called = binder.call(
        f"next value of {'.'.join(key)}",
        lambda number: bridge.session[NEXT_VALUE](*key, number),
        [Typed(row, BIGINT, nullable=False)],
        sequence.type,
        strict=False,
    )

    def evaluate(values: Mapping[str, Any]) -> Any:
        return values[NEXT_VALUE](*key, 1)

    return Typed(called.sql, sequence.type, nullable=False, evaluate=evaluate)


def _check_place(node: exp.NextValueFor) -> None:
    """Check that a statement may contain NEXT VALUE FOR at this place.

    :raises SqlError: 11719, 11720, 11721, 11723, 11725, 11739, 11741.
    """
    each = node.parent
    while each is not None and not isinstance(each, exp.Query):
        if isinstance(each, exp.Case) or (isinstance(each, exp.Anonymous) and str(each.this).lower() in _CHOICES):
            text = "NEXT VALUE FOR function cannot be used within CASE, CHOOSE, COALESCE, IIF, ISNULL and NULLIF."
            raise SqlError(11741, text, severity=15)
        if isinstance(each, exp.Anonymous) and str(each.this).lower() in NAMES:
            raise SqlError(
                11725, "An expression with NEXT VALUE FOR cannot be an argument of an aggregate.", severity=15
            )
        if isinstance(each, _CLAUSES):
            text = (
                "NEXT VALUE FOR function is not allowed in TOP, OVER, OUTPUT, ON, WHERE, GROUP BY, HAVING or ORDER BY."
            )
            raise SqlError(11720, text, severity=15)
        each = each.parent
    if each is None:
        return
    if isinstance(each.parent, exp.SetOperation) or each.args.get("distinct"):
        text = (
            "NEXT VALUE FOR function cannot be used directly in a statement with DISTINCT, UNION, EXCEPT or INTERSECT."
        )
        raise SqlError(11721, text, severity=15)
    if each.parent is not None and not isinstance(each.parent, exp.Insert):
        raise inner_sequence()
    if each.args.get("limit") or each.args.get("offset"):
        text = "NEXT VALUE FOR function cannot be used if the query contains TOP or OFFSET."
        raise SqlError(11739, text, severity=15)
    if each.args.get("order") and not node.args.get("order"):
        text = "NEXT VALUE FOR function cannot be used directly in a statement with ORDER BY, without the OVER clause."
        raise SqlError(11723, text, severity=15)


VALUES: Final[dict[type[exp.Expr], ValueRule]] = {exp.NextValueFor: _next_value}
