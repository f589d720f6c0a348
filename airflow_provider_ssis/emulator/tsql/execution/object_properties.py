"""``OBJECTPROPERTY``, ``COL_LENGTH`` and ``COL_NAME``: what scripts ask about the objects of a database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.table_names import find_table
from airflow_provider_ssis.emulator.tsql.metadata.constraints import constraints
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified, split_name
from airflow_provider_ssis.emulator.tsql.metadata.objects import AnyView, BaseTable, UserTable, object_kind
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import UNIQUE, TableRules
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


def object_property(session: SessionState, frame: Frame) -> Callable[[Any, Any], int | None]:
    """``OBJECTPROPERTY``: 1 or 0; NULL for an object that does not exist, and for a table's property of another object.

    :raises SqlError: 40514, this server does not know the property.
    """

    def answer(number: Any, name: Any) -> int | None:
        if number is None or name is None:
            return None
        key = str(name).strip().lower()
        if key not in _OF_KIND and key not in _OF_TABLE:
            raise not_supported(f"OBJECTPROPERTY with the property '{name}'")
        metadata, database = session.metadata, session.database
        for each, item in metadata.objects(database):
            if each == number:
                if key in _OF_KIND:
                    return int(object_kind(item) in _OF_KIND[key])
                return int(_OF_TABLE[key](item.rules)) if isinstance(item, UserTable) else None
        for constraint in constraints(metadata.user_tables(database)):
            if constraint.id == number:
                return int(constraint.kind in _OF_KIND[key]) if key in _OF_KIND else None
        return None

    return answer


def column_length(session: SessionState, frame: Frame) -> Callable[[Any, Any], int | None]:
    """``COL_LENGTH``: the bytes of a column's type, -1 for max; NULL for a table or column that does not exist."""

    def answer(table: Any, column: Any) -> int | None:
        if table is None or column is None:
            return None
        for each in _columns(session, frame, str(table)):
            if each.name.lower() == str(column).strip().strip("[]").lower():
                return facets(each.type)[0]
        return None

    return answer


def column_name(session: SessionState, frame: Frame) -> Callable[[Any, Any], str | None]:
    """``COL_NAME``: the name of a column by the object's id and the column's; NULL for one that does not exist."""

    def answer(number: Any, position: Any) -> str | None:
        for each, item in session.metadata.objects(session.database):
            if each == number and isinstance(item, BaseTable | AnyView) and 0 < (position or 0) <= len(item.columns):
                return str(item.columns[position - 1].name)
        return None

    return answer


def _columns(session: SessionState, frame: Frame, name: str) -> tuple[Column, ...]:
    parts = split_name(name)
    table = find_table(session, parts, frame)
    found = session.metadata.relation(*qualified(parts, session.database)) if table is None else table
    return () if found is None else found.columns
