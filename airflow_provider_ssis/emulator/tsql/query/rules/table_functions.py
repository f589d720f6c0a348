"""Functions in FROM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.functions.table import taken
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import UNICODE

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

_BIGINT: Final = SqlType("bigint")


def _string_split(binder: Binder, nodes: Sequence[exp.Expr]) -> BoundQuery:
    """``STRING_SPLIT(text, separator[, with_ordinal])``."""
    if len(nodes) not in (2, 3):
        raise SqlError(174, "STRING_SPLIT takes two or three arguments.", severity=15)
    text, separator = (
        taken(binder, binder.value(node), "text", "string_split", position)
        for position, node in enumerate(nodes[:2], start=1)
    )
    unicode = text.type.name in UNICODE
    value = SqlType("nvarchar" if unicode else "varchar", length=text.type.length or MAX)
    parts = f"string_split({text.sql}, {separator.sql})"
    columns = [Typed("c1", value, name="value")]
    places = f"unnest(range(1, len({parts}) + 1))"
    outputs = [f"unnest({parts}) AS c1"]
    if len(nodes) == 3 and binder.value(nodes[2]).constant == 1:
        columns.append(Typed("c2", _BIGINT, nullable=False, name="ordinal"))
        outputs.append(f"{places} AS c2")
    outputs.append(f"{places} AS place")
    return BoundQuery(" ".join(["SELECT", ", ".join(outputs)]), tuple(columns), has_place=True)


def _generate_series(binder: Binder, nodes: Sequence[exp.Expr]) -> BoundQuery:
    """``GENERATE_SERIES(start, stop[, step])`` for whole numbers."""
    if len(nodes) not in (2, 3):
        raise SqlError(174, "GENERATE_SERIES takes two or three arguments.", severity=15)
    bounds = [
        taken(binder, binder.value(node), "int", "generate_series", position)
        for position, node in enumerate(nodes, start=1)
    ]
    series = f"generate_series({', '.join(bound.sql for bound in bounds)})"
    value = Typed("c1", _BIGINT, nullable=False, name="value")
    outputs = f"unnest({series}) AS c1"
    # A series that depends on no row is in order already, and may be too long to sort.
    has_place = any(bound.evaluate is None for bound in bounds)
    if has_place:
        outputs += f", unnest(range(1, len({series}) + 1)) AS place"
    return BoundQuery(f"SELECT {outputs}", (value,), has_place=has_place)


TABLE_FUNCTIONS: Final[dict[str, Callable[[Binder, Sequence[exp.Expr]], BoundQuery]]] = {
    "generate_series": _generate_series,
    "string_split": _string_split,
}
