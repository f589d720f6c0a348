"""The definitions of clients' objects as text, which their database keeps over restarts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tsql.metadata.objects import (
    NamedObject,
    SequenceObject,
    Synonym,
    TableType,
    UserFunction,
    UserProcedure,
    UserTable,
    UserView,
)
from airflow_provider_ssis.emulator.tsql.metadata.signatures import parse_signature, with_typed_default
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import (
    NO_RULES,
    Check,
    Computed,
    Default,
    ForeignKey,
    Identity,
    Key,
    PlainIndex,
    TableRules,
)

_RULES: Final = {
    "indexes": PlainIndex,
    "defaults": Default,
    "checks": Check,
    "keys": Key,
    "foreign_keys": ForeignKey,
    "computed": Computed,
}


_OF_SEQUENCE: Final = ("start", "increment", "minimum", "maximum", "cycles", "cache", "key")


def item_text(item: UserTable | NamedObject) -> str:
    """A table or another object as JSON."""
    match item:
        case TableType():
            return json.dumps({"columns": _listed(item.columns), "rules": asdict(item.rules)})
        case Synonym():
            return json.dumps({"base": item.base})
        case SequenceObject():
            return json.dumps({**{name: getattr(item, name) for name in _OF_SEQUENCE}, "type": str(item.type)})
        case UserTable():
            return table_text(item)
        case UserView():
            return json.dumps({"columns": _listed(item.columns), "select": item.select, "definition": item.definition})
        case UserProcedure():
            parts = {"signature": item.signature, "body": item.body, "definition": item.definition}
            return json.dumps({**parts, "as_owner": item.as_owner})
    return json.dumps(
        {
            "signature": item.signature,
            "returns": None if item.returns is None else str(item.returns),
            "columns": _listed(item.columns),
            "body": item.body,
            "definition": item.definition,
            "has_statements": item.has_statements,
            "table": item.table,
            "rules": asdict(item.rules),
        }
    )


def item_of(database: str, schema: str, name: str, kind: str, text: str) -> UserTable | NamedObject:
    """The object of a text from :func:`item_text`.

    :param kind: from :func:`kind_of`.
    """
    if kind == "UserTable":
        return table_of(database, schema, name, text)
    stored = json.loads(text)
    if kind == "TableType":
        return TableType(database, schema, name, _columns(stored["columns"]), _rules(stored["rules"]))
    if kind == "Synonym":
        return Synonym(database, schema, name, tuple(stored["base"]))
    if kind == "SequenceObject":
        return SequenceObject(database, schema, name, **{**stored, "type": SqlType.parse(stored["type"])})
    definition = stored["definition"]
    if kind == "UserView":
        return UserView(database, schema, name, _columns(stored["columns"]), stored["select"], definition)
    signature = stored["signature"]
    parameters = tuple(map(with_typed_default, parse_signature(signature)))
    if kind == "UserProcedure":
        rest = (signature, stored["body"], definition, stored.get("as_owner", False))
        return UserProcedure(database, schema, name, parameters, *rest)
    returns = None if stored["returns"] is None else SqlType.parse(stored["returns"])
    columns = _columns(stored["columns"])
    return UserFunction(
        *(database, schema, name, parameters, signature, returns, columns, stored["body"], definition),
        *(stored.get("has_statements", False), stored.get("table", "")),
        _rules(stored["rules"]) if "rules" in stored else NO_RULES,
    )


def kind_of(item: UserTable | NamedObject) -> str:
    """The kind of an object, as a database keeps it."""
    return type(item).__name__


def table_text(table: UserTable) -> str:
    """A table's columns and rules as JSON."""
    return json.dumps({"columns": _listed(table.columns), "rules": asdict(table.rules)})


def table_of(database: str, schema: str, name: str, text: str) -> UserTable:
    """The table of a text from :func:`table_text`."""
    stored = json.loads(text)
    return UserTable(database, schema, name, _columns(stored["columns"]), _rules(stored["rules"]))


def _listed(columns: Sequence[Column]) -> list[list[Any]]:
    return [[column.name, str(column.type), column.nullable] for column in columns]


def _columns(stored: Sequence[Sequence[Any]]) -> tuple[Column, ...]:
    return tuple(Column(name, SqlType.parse(type_), nullable) for name, type_, nullable in stored)


def _rules(stored: dict[str, Any]) -> TableRules:
    identity = stored["identity"]
    parts = {
        name: tuple(kind(**{key: _hashable(value) for key, value in each.items()}) for each in stored.get(name, ()))
        for name, kind in _RULES.items()
    }
    return TableRules(
        identity=None if identity is None else Identity(**identity),
        **parts,
        statistics=tuple(stored.get("statistics", ())),
    )


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
