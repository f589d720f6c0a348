"""``OBJECTPROPERTY``, ``COLUMNPROPERTY`` and other functions by which scripts ask about the objects of a database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from airflow_provider_ssis.emulator.tsql.metadata.constraints import constraints
from airflow_provider_ssis.emulator.tsql.metadata.objects import AnyView, BaseTable, Module, UserTable, object_kind
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import NO_RULES, UNIQUE, Check, Default, TableRules
from airflow_provider_ssis.emulator.tsql.metadata.type_catalog import facets
from airflow_provider_ssis.emulator.tsql.values.errors import not_supported

_OF_KIND: Final = {
    "istable": ("U ",),
    "isusertable": ("U ",),
    "isview": ("V ",),
    "isprocedure": ("P ",),
    "isscalarfunction": ("FN",),
    "isinlinefunction": ("IF",),
    "istablefunction": ("IF", "TF"),
    "isconstraint": ("PK", "UQ", "F ", "C ", "D "),
    "isprimarykey": ("PK",),
    "isuniquecnst": ("UQ",),
    "isforeignkey": ("F ",),
    "ischeckcnst": ("C ",),
    "isdefaultcnst": ("D ",),
    "istrigger": (),
    "issystemtable": (),
    "ismsshipped": (),
}
_OF_TABLE: Final[dict[str, Callable[[TableRules], bool]]] = {
    "tablehasprimarykey": lambda rules: rules.primary_key is not None,
    "tablehasclustindex": lambda rules: rules.primary_key is not None,
    "tablehasindex": lambda rules: bool(rules.keys or rules.indexes),
    "tablehasidentity": lambda rules: rules.identity is not None,
    "tablehasforeignkey": lambda rules: bool(rules.foreign_keys),
    "tablehascheckcnst": lambda rules: bool(rules.checks),
    "tablehasdefaultcnst": lambda rules: bool(rules.defaults),
    "tablehasuniquecnst": lambda rules: any(key.kind == UNIQUE for key in rules.keys),
}


def object_property(metadata: Metadata, database: str, number: int, name: str) -> int | None:
    """``OBJECTPROPERTY``: 1 or 0; None for an object that does not exist, and for a table's property of another object.

    :param number: the object's id.
    :param name: the property.
    :raises SqlError: 40514, this server does not know the property.
    """
    key = name.strip().lower()
    if key not in _OF_KIND and key not in _OF_TABLE:
        raise not_supported(f"OBJECTPROPERTY with the property '{name}'")
    for known, item in metadata.objects(database):
        if known == number:
            if key in _OF_KIND:
                return int(object_kind(item) in _OF_KIND[key])
            return int(_OF_TABLE[key](item.rules)) if isinstance(item, UserTable) else None
    for constraint in constraints(metadata.user_tables(database)):
        if constraint.id == number:
            return int(constraint.kind in _OF_KIND[key]) if key in _OF_KIND else None
    return None


def column_property(metadata: Metadata, database: str, number: int, column: str, name: str) -> int | None:
    """``COLUMNPROPERTY``; None for a column that does not exist.

    :param number: the id of the table or view.
    :param name: the property.
    :raises SqlError: 40514, this server does not know the property.
    """
    key = name.strip().lower()
    found = next((item for known, item in metadata.objects(database) if known == number), None)
    columns = found.columns if isinstance(found, BaseTable | AnyView) else ()
    places = [place for place, each in enumerate(columns, start=1) if each.name.lower() == column.lower()]
    if not places:
        return None
    each = columns[places[0] - 1]
    rules = found.rules if isinstance(found, UserTable) else NO_RULES
    size, precision, scale = facets(each.type)
    values: dict[str, int | None] = {
        "allowsnull": int(each.nullable),
        "charmaxlen": each.type.length,
        "columnid": places[0],
        "iscomputed": int(rules.is_computed(each.name) and not rules.is_row_version(each.name)),
        "isidentity": int(rules.is_identity(each.name)),
        "isrowguidcol": 0,
        "issparse": 0,
        "precision": each.type.length if each.type.length is not None else precision or size,
        "scale": None if each.type.length is not None else scale,
    }
    if key not in values:
        raise not_supported(f"COLUMNPROPERTY with the property '{name}'")
    return values[key]


def object_definition(metadata: Metadata, database: str, number: int) -> str | None:
    """``OBJECT_DEFINITION``: the statement that created a module, or the text of a constraint; None for others."""
    for known, item in metadata.objects(database):
        if known == number:
            return item.definition if isinstance(item, Module) else None
    for constraint in constraints(metadata.user_tables(database)):
        if constraint.id == number and isinstance(constraint.rule, Check | Default):
            text = constraint.rule.condition if isinstance(constraint.rule, Check) else constraint.rule.expression
            return f"({text})"
    return None


def column_name(metadata: Metadata, database: str, number: int, position: int) -> str | None:
    """``COL_NAME``: the name of a column; None for one that does not exist.

    :param number: the id of the table or view.
    :param position: the id of the column.
    """
    for known, item in metadata.objects(database):
        if known == number and isinstance(item, BaseTable | AnyView) and 0 < position <= len(item.columns):
            return str(item.columns[position - 1].name)
    return None
