"""OPENJSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIGINT, INT, NVARCHAR_MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.functions.json import part_at, value_at
from airflow_provider_ssis.emulator.tsql.query.functions.table import taken
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced, parse_type
from airflow_provider_ssis.emulator.tsql.query.rules.names import text_literal
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Typed, output_name
from airflow_provider_ssis.emulator.tsql.values import json_path
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

_KEY: Final = SqlType("nvarchar", length=4000)
_TINYINT: Final = SqlType("tinyint")


def open_json(binder: Binder, node: exp.OpenJSON) -> BoundQuery:
    """``OPENJSON(text[, path]) [WITH (column type 'path' [AS JSON], …)]``."""
    text = taken(binder, binder.value(node.this), "text", "openjson", 1)
    given = node.args.get("path")
    path = taken(binder, binder.value(given), "text", "openjson", 2) if given is not None else text_literal(binder, "$")
    part = binder.call("openjson part", _part, [text, path], NVARCHAR_MAX)
    columns = node.expressions
    count = binder.call(f"openjson rows {bool(columns)}", _by_row if columns else _by_member, [part], INT)
    alias = binder.compilation.alias()
    place = Typed(f"{alias}.i", BIGINT, nullable=False)
    row = Typed(f"{alias}.t", NVARCHAR_MAX)
    if columns:
        outputs = [_column(binder, column, row, place) for column in columns]
    else:
        outputs = [
            binder.call("openjson key", lambda text, i: json_path.members(text)[i][0], [row, place], _KEY).named("key"),
            binder.call("openjson value", _value, [row, place], NVARCHAR_MAX).named("value"),
            binder.call(
                "openjson type", lambda text, i: json_path.kind(json_path.members(text)[i][1]), [row, place], _TINYINT
            ).named("type"),
        ]
    numbered = ", ".join(f"{output.sql} AS {output_name(number)}" for number, output in enumerate(outputs, start=1))
    rows = f"(SELECT t, unnest(range(coalesce(n, 0))) AS i FROM (SELECT {part.sql} AS t, {count.sql} AS n)) AS {alias}"
    return BoundQuery(f"SELECT {numbered}, {place.sql} AS place FROM {rows}", tuple(outputs), has_place=True)


def _part(text: str, path: str) -> str | None:
    found = json_path.find(text, json_path.parse_path(path))
    if found is None or json_path.kind(found) in (json_path.ARRAY, json_path.OBJECT):
        return found
    return None


def _by_member(text: str) -> int:
    return len(json_path.members(text))


def _by_row(text: str) -> int:
    """The elements of an array; an object is one row."""
    return 1 if json_path.kind(text) == json_path.OBJECT else len(json_path.members(text))


def _value(text: str, place: int) -> str | None:
    found = json_path.members(text)[place][1]
    return found if json_path.kind(found) in (json_path.ARRAY, json_path.OBJECT) else json_path.scalar(found)


def _column(binder: Binder, column: exp.Expr, row: Typed, place: Typed) -> Typed:
    """A column of WITH."""
    name = column.this.name
    path = column.args["path"].name if column.args.get("path") is not None else f'$."{name}"'
    as_json = bool(column.args.get("as_json"))
    target = parse_type(column.args["kind"])
    if as_json and target != NVARCHAR_MAX:
        raise SqlError(13618, f"AS JSON of column {name!r} in OPENJSON needs the type nvarchar(max).")
    json_path.parse_path(path)

    def read(text: str, i: int) -> str | None:
        element = text if json_path.kind(text) == json_path.OBJECT else json_path.members(text)[i][1]
        if json_path.kind(element) not in (json_path.ARRAY, json_path.OBJECT):
            return json_path.scalar(element) if path == "$" else None
        return part_at(element, path) if as_json else value_at(element, path)

    found = binder.call(f"openjson column {path} {as_json}", read, [row, place], NVARCHAR_MAX)
    return coerced(binder, found, target, explicit=True).named(name)
