"""JSON_VALUE, JSON_QUERY, JSON_MODIFY, ISJSON and STRING_ESCAPE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ssis.emulator.datatypes import INT, NVARCHAR_MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.functions.table import Function, Plain, taken
from airflow_provider_ssis.emulator.tsql.query.json_values import holds_json
from airflow_provider_ssis.emulator.tsql.values import json_path, json_text
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.precedence import DECIMALS, INTEGERS, STRINGS

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_ssis.emulator.tsql.query.binder import Binder
    from airflow_provider_ssis.emulator.tsql.query.typed import Typed

_LONGEST: Final = 4000


def value_at(text: str, path: str) -> str | None:
    """``JSON_VALUE``: the scalar at a path.

    :raises SqlError: 13609, 13608; 13623 an object or array, 13625 too long, of a strict path.
    """
    parsed = json_path.parse_path(path)
    found = json_path.find(text, parsed)
    if found is None:
        return None
    if json_path.kind(found) in (json_path.ARRAY, json_path.OBJECT):
        if parsed.strict:
            raise SqlError(13623, "Scalar value cannot be found in the specified JSON path.")
        return None
    value = json_path.scalar(found)
    if value is not None and len(value) > _LONGEST:
        if parsed.strict:
            raise SqlError(13625, "String value in the specified JSON path would be truncated.")
        return None
    return value


def part_at(text: str, path: str = "$") -> str | None:
    """``JSON_QUERY``: the object or array at a path, as it is written.

    :raises SqlError: 13609, 13608; 13624 a scalar, of a strict path.
    """
    parsed = json_path.parse_path(path)
    found = json_path.find(text, parsed)
    if found is None or json_path.kind(found) in (json_path.ARRAY, json_path.OBJECT):
        return found
    if parsed.strict:
        raise SqlError(13624, "Object or array cannot be found in the specified JSON path.")
    return None


def _escaped(text: str, kind: str) -> str:
    if kind.lower() != "json":
        raise SqlError(8116, f"The value {kind!r} is invalid for argument 2 of string_escape.")
    return json_text.json_string(text)[1:-1]


_APPEND: Final = re.compile(r"\s*append\s+(?=lax\b|strict\b|\$)")
_MODIFYING: Final = ("bit", *STRINGS, *INTEGERS, *DECIMALS)
"""The types of new values. What SQL Server does with others is not certain."""


def _modify(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    """``JSON_MODIFY``: the type of the new value, and whether it is JSON already, decide how it is written."""
    raw = holds_json(nodes[2])
    text, path = (
        taken(binder, binder.value(node), "text", "json_modify", position) for position, node in enumerate(nodes[:2], 1)
    )
    new = binder.value(nodes[2])
    if new.type.name not in _MODIFYING and not new.bare_null:
        raise not_supported(f"A value of type {new.type.name} in JSON_MODIFY")
    written = partial(_modified, new.type, raw)
    return binder.call(f"json_modify {new.type} {raw}", written, [text, path, new], NVARCHAR_MAX, strict=False)


def _modified(type_: SqlType, raw: bool, text: str | None, path: str | None, value: Any) -> str | None:
    if text is None or path is None:
        return None
    append = _APPEND.match(path)
    shown = None if value is None else json_text.shown(value, type_, raw=raw)
    return json_path.changed(
        text, json_path.parse_path(path[append.end() :] if append else path), shown, append=append is not None
    )


FUNCTIONS: Final[dict[str, Function]] = {
    name: plain.function(name)
    for name, plain in {
        "isjson": Plain(("text",), INT, lambda text: int(json_path.is_json(text))),
        "json_value": Plain(("text", "text"), SqlType("nvarchar", length=_LONGEST), value_at),
        "json_query": Plain(("text", "text"), NVARCHAR_MAX, part_at, least=1),
        "string_escape": Plain(("text", "text"), NVARCHAR_MAX, _escaped),
    }.items()
}
FUNCTIONS["json_modify"] = Function(3, 3, _modify)
