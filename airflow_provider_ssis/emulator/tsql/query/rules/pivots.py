"""PIVOT: one aggregate, one column for each listed value. UNPIVOT: the reverse, without the NULLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.query.binder import not_understood, only
from airflow_provider_ssis.emulator.tsql.query.rules.aggregates import aggregate_over
from airflow_provider_ssis.emulator.tsql.query.rules.comparisons import compared, equal_sql
from airflow_provider_ssis.emulator.tsql.query.rules.names import text_literal
from airflow_provider_ssis.emulator.tsql.query.scope import PLACE, ROW_ID
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Typed, output_name
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder
    from airflow_provider_ssis.emulator.tsql.query.scope import Source


def pivoted(binder: Binder, node: exp.Pivot, from_text: str, source: Source) -> BoundQuery:
    """``source PIVOT (aggregate(value) FOR column IN ([a], [b])) AS alias``.

    :param from_text: the source as DuckDB text.
    :raises SqlError: 102 for forms that are not understood, 207 for unknown columns.
    """
    if node.args.get("unpivot"):
        return _unpivoted(binder, node, from_text, source)
    if len(node.expressions) != 1 or len(node.args.get("fields") or ()) != 1:
        raise not_understood(node)
    if node.args.get("alias") is None:
        raise SqlError(102, "Incorrect syntax near ')': PIVOT needs an alias.", severity=15)
    aggregate, listed = node.expressions[0], node.args["fields"][0]
    only(listed, "this", "expressions")
    if not isinstance(aggregate, exp.Anonymous) or len(aggregate.expressions) != 1:
        raise not_understood(aggregate)
    column = binder.value(listed.this)
    argument = binder.value(aggregate.expressions[0])
    used = {column.name.lower(), argument.name.lower()}
    kept = [each for each in source.shown if each.name.lower() not in used]
    outputs: list[Typed] = []
    for item in listed.expressions:
        name = item.name
        test = compared(binder, "=", column, text_literal(binder, name))
        outputs.append(aggregate_over(binder, aggregate, argument, where=test.sql).named(name))
    keys = [equal_sql(binder, each) for each in kept]
    selected = [*(f"any_value({each.sql})" for each in kept), *(output.sql for output in outputs)]
    numbered = [f"{sql} AS {output_name(position)}" for position, sql in enumerate(selected, start=1)]
    grouping = ["GROUP BY", ", ".join(keys)] if keys else []
    sql = " ".join(["SELECT", ", ".join(numbered), "FROM", from_text, *grouping])
    return BoundQuery(sql, (*kept, *outputs))


def _unpivoted(binder: Binder, node: exp.Pivot, from_text: str, source: Source) -> BoundQuery:
    """``source UNPIVOT (value FOR name IN ([a], [b])) AS alias``."""
    if len(node.expressions) != 1 or len(node.args.get("fields") or ()) != 1:
        raise not_understood(node)
    if node.args.get("alias") is None:
        raise SqlError(102, "Incorrect syntax near ')': UNPIVOT needs an alias.", severity=15)
    listed = node.args["fields"][0]
    only(listed, "this", "expressions")
    columns = [binder.value(item) for item in listed.expressions]
    first = columns[0]
    for column in columns:
        if column.type != first.type:
            text = f"The type of column {column.name!r} conflicts with that of other columns in the UNPIVOT list."
            raise SqlError(8167, text)
    used = {column.name.lower() for column in columns}
    kept = [each for each in source.shown if each.name.lower() not in used]
    alias = binder.compilation.alias()
    rows = ", ".join(
        f"({text_literal(binder, column.name).sql}, {column.sql}, {place})" for place, column in enumerate(columns)
    )
    outputs = (
        *kept,
        Typed(f"{alias}.v", first.type, nullable=False, name=node.expressions[0].name),
        Typed(f"{alias}.n", SqlType("nvarchar", length=128), nullable=False, name=listed.this.name),
    )
    numbered = ", ".join(f"{each.sql} AS {output_name(place)}" for place, each in enumerate(outputs, start=1))
    lateral = f"CROSS JOIN LATERAL (VALUES {rows}) AS {alias}(n, v, i) WHERE {alias}.v IS NOT NULL"
    place = source.hidden(PLACE) or source.hidden(ROW_ID) or "0"
    numbered += f", {place} * {len(columns)} + {alias}.i AS place"
    return BoundQuery(f"SELECT {numbered} FROM {from_text} {lateral}", outputs, has_place=True)
