"""The definition of a client's table as text, which its database keeps over restarts."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import (
    Check,
    Default,
    ForeignKey,
    Identity,
    Key,
    TableRules,
)

_RULES: Final = {"defaults": Default, "checks": Check, "keys": Key, "foreign_keys": ForeignKey}


def table_text(table: UserTable) -> str:
    """A table's columns and rules as JSON."""
    columns = [[column.name, str(column.type), column.nullable] for column in table.columns]
    return json.dumps({"columns": columns, "rules": asdict(table.rules)})


def table_of(database: str, schema: str, name: str, text: str) -> UserTable:
    """The table of a text from :func:`table_text`."""
    stored = json.loads(text)
    columns = tuple(Column(column, SqlType.parse(type_), nullable) for column, type_, nullable in stored["columns"])
    return UserTable(database, schema, name, columns, _rules(stored["rules"]))


def _rules(stored: dict[str, Any]) -> TableRules:
    identity = stored["identity"]
    parts = {
        name: tuple(kind(**{key: _hashable(value) for key, value in each.items()}) for each in stored[name])
        for name, kind in _RULES.items()
    }
    return TableRules(
        identity=None if identity is None else Identity(**identity), indexes=tuple(stored["indexes"]), **parts
    )


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
