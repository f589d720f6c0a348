"""JSON_VALUE, JSON_QUERY, ISJSON and STRING_ESCAPE."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.datatypes import INT, NVARCHAR_MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.functions.table import Function, Plain
from airflow_provider_ssis.emulator.tsql.values import json_path, json_text
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

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


FUNCTIONS: Final[dict[str, Function]] = {
    name: plain.function(name)
    for name, plain in {
        "isjson": Plain(("text",), INT, lambda text: int(json_path.is_json(text))),
        "json_value": Plain(("text", "text"), SqlType("nvarchar", length=_LONGEST), value_at),
        "json_query": Plain(("text", "text"), NVARCHAR_MAX, part_at, least=1),
        "string_escape": Plain(("text", "text"), NVARCHAR_MAX, _escaped),
    }.items()
}
