"""TOP, and OFFSET ... FETCH."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIGINT, FLOAT, SqlType
from airflow_provider_ssis.emulator.tsql.query.binder import not_understood, only
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.rules.ordering import OrderItem, order_clause
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder


@dataclass(frozen=True, slots=True)
class Limit:
    """How many rows: a QUALIFY clause before ORDER BY, a LIMIT clause after it; either may be empty."""

    qualify: str = ""
    clause: str = ""


_NO_LIMIT: Final = Limit()
_MOST_PERCENT: Final = 100


def bind_limit(binder: Binder, node: exp.Expr, order: Sequence[OrderItem]) -> Limit:
    """TOP or OFFSET ... FETCH of a query.

    :param order: its ORDER BY, which WITH TIES and PERCENT look at.
    """
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if offset is not None and not order:
        raise SqlError(102, "Incorrect syntax near 'OFFSET': it needs ORDER BY.", severity=15)
    if limit is None and offset is None:
        return _NO_LIMIT
    if isinstance(limit, exp.Limit):
        if offset is not None:
            raise SqlError(10741, "TOP and OFFSET cannot be used in one query.", severity=15)
        return _top(binder, limit, order)
    skipped = f" OFFSET {_count(binder, offset.expression, 'OFFSET')}" if offset is not None else ""
    if limit is None:
        return Limit(clause=skipped)
    if not isinstance(limit, exp.Fetch):
        raise not_understood(limit)
    only(limit, "direction", "count", "limit_options")
    if offset is None or limit.args.get("count") is None:
        raise SqlError(153, "Invalid usage of FETCH: write OFFSET n ROWS FETCH NEXT n ROWS ONLY.", severity=15)
    return Limit(clause=f" LIMIT {_count(binder, limit.args['count'], 'FETCH')}{skipped}")


def _top(binder: Binder, limit: exp.Limit, order: Sequence[OrderItem]) -> Limit:
    only(limit, "expression", "limit_options")
    options = limit.args.get("limit_options")
    percent = options is not None and options.args.get("percent")
    ties = options is not None and options.args.get("with_ties")
    if ties and not order:
        raise SqlError(1062, "TOP ... WITH TIES needs ORDER BY.", severity=15)
    over = f"OVER ({order_clause(order).strip()})"
    if percent:
        share = _percentage(binder, limit.expression)
        rank = "rank()" if ties else "row_number()"
        return Limit(qualify=f" QUALIFY {rank} {over} <= ceil(count(*) OVER () * {share} / 100.0)")
    count = _count(binder, limit.expression, "TOP")
    if ties:
        return Limit(qualify=f" QUALIFY rank() {over} <= {count}")
    return Limit(clause=f" LIMIT {count}")


def _count(binder: Binder, node: exp.Expr, word: str) -> str:
    return _constant(
        binder, node, BIGINT, lambda count: count >= 0, f"{word} requires an integer that is not negative."
    )


def _percentage(binder: Binder, node: exp.Expr) -> str:
    return _constant(
        binder, node, FLOAT, lambda share: 0 <= share <= _MOST_PERCENT, "A percentage must be between 0 and 100."
    )


def _constant(binder: Binder, node: exp.Expr, target: SqlType, test: Any, complaint: str) -> str:
    value = coerced(binder, binder.value(node), target)
    ask = value.evaluate
    if ask is None:
        raise SqlError(1060, complaint, severity=15)

    def checked(values: Mapping[str, Any]) -> Any:
        given = ask(values)
        if given is None or not test(given):
            raise SqlError(1060, complaint, severity=15)
        return given

    return binder.compilation.argument(f"limit {len(binder.compilation.arguments)}", checked, target)
