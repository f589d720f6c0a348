"""Rows as JSON: what FOR JSON writes ("Format query results as JSON")."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import SqlType, Variant
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import APPROXIMATE, DECIMALS, INTEGERS, MONEY
from airflow_provider_ssis.emulator.tsql.values.xml_text import value_text

_NUMBERS: Final = (*INTEGERS, *DECIMALS, *MONEY, *APPROXIMATE)


def json_string(text: str) -> str:
    """A string in JSON, with the slash escaped as SQL Server does."""
    return json.dumps(text, ensure_ascii=False).replace("/", "\\/")


def shown(value: Any, type_: SqlType, *, raw: bool) -> str:
    """A value as JSON.

    :param raw: it is JSON already.
    """
    if value is None:
        return "null"
    if isinstance(value, Variant):
        return shown(value.value, value.type, raw=False)
    if raw:
        return str(value)
    if type_.name == "bit":
        return "true" if value else "false"
    text = value_text(value, type_)
    return text if type_.name in _NUMBERS else json_string(text)


def json_row(
    names: Sequence[str], types: Sequence[SqlType], raw: Sequence[bool], values: Sequence[Any], *, nulls: bool
) -> str:
    """A row as an object.

    :param names: with points between the names of nested objects; see :func:`check_names`.
    :param raw: which columns hold JSON already.
    :param nulls: NULL is written too.
    """
    tree: dict[str, Any] = {}
    for name, type_, is_raw, value in zip(names, types, raw, values, strict=True):
        if value is None and not nulls:
            continue
        *parents, leaf = name.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = shown(value, type_, raw=is_raw)
    return _written(tree)


def _written(tree: dict[str, Any]) -> str:
    members = (
        f"{json_string(name)}:{_written(value) if isinstance(value, dict) else value}" for name, value in tree.items()
    )
    return f"{{{','.join(members)}}}"


def check_names(names: Sequence[str]) -> None:
    """Check that the names of the columns make one tree.

    :raises SqlError: 13605 a column has no name; 13601 two of them clash.
    """
    seen: list[str] = []
    for name in names:
        if not name:
            raise SqlError(13605, "FOR JSON needs a name for each column. Add an alias to the unnamed column.")
        prefix = name.rpartition(".")[0]
        closed = (
            prefix and seen and any(each.startswith(f"{prefix}.") for each in seen) and not _adjoins(prefix, seen[-1])
        )
        if any(name == each or each.startswith(f"{name}.") or name.startswith(f"{each}.") for each in seen) or closed:
            text = f"Property '{name}' cannot be generated in JSON output because it clashes with another column."
            raise SqlError(13601, text)
        seen.append(name)


def _adjoins(prefix: str, last: str) -> bool:
    """Whether an object is still open after the last column."""
    return last.startswith(f"{prefix}.")
